// `rescind audit show`: the entries of the workspace's log, or of an exported folder, which needs
// neither a workspace nor its store.
#include <fmt/ostream.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/base/visible_text.h"
#include "runtime/audit/event_format.h"
#include "runtime/audit/export_reader.h"
#include "runtime/audit/leaf.h"
#include "runtime/cli/audit_input.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/service/audit_desk.h"
#include "runtime/service/pipeline.h"

namespace rescind {
namespace {

struct ShowOptions {
  std::string folder;  // of an export; empty: the workspace's log
  std::string key;
  std::vector<std::string> checkpoints;
  AuditFilter filter;
  std::optional<uint64_t> most;
  std::string format = "table";
};

// What an entry only commits to and what is at hand of it, by commitment.
using OpenedTexts = std::map<std::string, std::string>;
using OpenTexts = std::function<Result<OpenedTexts>(uint64_t index, std::string_view leaf)>;

// Who has the store has the texts, but for those that were erased. One that the entry does not
// commit to was put there by somebody else: it is not shown.
OpenTexts TextsOf(const LogReader& reader, Invocation& invocation) {
  return [&](uint64_t index, std::string_view leaf) -> Result<OpenedTexts> {
    RESCIND_ASSIGN(const auto values, reader.Personal(index));
    RESCIND_ASSIGN(const auto beside, reader.Beside(index));
    const auto stands = [&](const std::string& commitment) {
      const std::string field = fmt::format("{{\"commitment\":\"{}\"}}", commitment);
      return leaf.find(field) != leaf.npos || (beside && beside->find(field) != std::string::npos);
    };
    OpenedTexts opened;
    for (const PersonalValue& value : values) {
      const std::string commitment = CommitmentOf(value);
      if (stands(commitment)) {
        opened.emplace(commitment, value.value);
        continue;
      }
      invocation.Warn(fmt::format(
          "entry {}: a text kept beside it is not what was committed to, and is not shown: the "
          "store was altered",
          index));
    }
    return opened;
  };
}

// {"commitment":"sha256:…"} gets the text as its "value", or that it is not at hand.
void Open(nlohmann::json& text, const OpenedTexts& opened) {
  if (!text.is_object()) return;
  const auto commitment = text.find("commitment");
  if (commitment == text.end() || !commitment->is_string()) return;
  const auto known = opened.find(commitment->get<std::string>());
  text["value"] = known == opened.end() ? kCommittedText : known->second;
}

std::string OpenedLeaf(std::string_view leaf, const OpenedTexts& opened) {
  nlohmann::json json = nlohmann::json::parse(leaf, nullptr, false);
  const auto open_each = [&](const char* list, const char* field) {
    if (!json.contains(list) || !json[list].is_array()) return;
    for (nlohmann::json& item : json[list]) {
      if (item.is_object() && item.contains(field)) Open(item[field], opened);
    }
  };
  if (json.contains("outcome")) Open(json["outcome"], opened);
  open_each("policies", "because");
  open_each("evidence", "value");
  if (json.contains("details") && json["details"].is_object()) {
    for (nlohmann::json& detail : json["details"]) Open(detail, opened);
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Behind the entry, which stays as it is hashed.
std::string ValuesField(const OpenedTexts& opened) {
  if (opened.empty()) return "";
  const nlohmann::json values = opened;
  return ",\"values\":" +
         VisibleJson(values.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// "sha256:" with the first digits of its hash: enough to tell two plans apart.
std::string ShortHashes(std::string text) {
  constexpr std::string_view kMark = "sha256:";
  constexpr size_t kShownDigits = 12;
  for (size_t at = text.find(kMark); at != text.npos; at = text.find(kMark, at)) {
    at += kMark.size();
    const size_t end = std::min(text.find_first_not_of("0123456789abcdef", at), text.size());
    if (end - at > kShownDigits) text.replace(at + kShownDigits, end - at - kShownDigits, "…");
  }
  return text;
}

// "vpn of account ann, owner e-17".
std::string AccessText(const LeafView& view) {
  const std::string& name =
      view.entitlement_name.empty() ? view.entitlement : view.entitlement_name;
  std::string text = name;
  if (!view.account.empty()) {
    text += fmt::format("{}account {}", name.empty() ? "" : " of ", view.account);
  }
  if (!view.owner.empty()) text += fmt::format("{}owner {}", text.empty() ? "" : ", ", view.owner);
  return text;
}

// Whose access it was, by which policy, and who or what triggered it.
std::string ReasonLine(const LeafView& view) {
  std::string line;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) line += (line.empty() ? "" : " · ") + part;
  };
  add(AccessText(view));
  if (!view.policies.empty()) {
    const size_t more = view.policies.size() - 1;
    add(fmt::format("policy {}{}", view.policies.front(),
                    more == 0 ? "" : fmt::format(" and {} more", more)));
  }
  add(ShortHashes(view.trigger));
  return Visible(line);
}

void PrintEntry(uint64_t index, std::string_view leaf, const LeafView& view,
                const OpenedTexts& opened, const std::string& format, std::ostream& out) {
  if (format == "ndjson") {  // the entry as it is hashed
    fmt::print(out, "{{\"format\":\"rescind.audit-entry/1\",\"index\":{},\"entry\":{}{}}}\n", index,
               leaf, ValuesField(opened));
    return;
  }
  if (format == "full") {
    const std::string shown = IndentLeaf(OpenedLeaf(leaf, opened));
    fmt::print(out, "entry {}\n{}\n", index, VisibleLines(shown));
    return;
  }
  std::string what = view.kind;
  if (!view.to.empty()) {
    what = fmt::format("{} {} {} on {}: {} → {}", view.verb, view.entity, view.target, view.system,
                       view.from, view.to);
  } else if (!view.verb.empty()) {
    what = fmt::format("{}: {} {} {} on {}", view.kind, view.verb, view.entity, view.target,
                       view.system);
  } else if (!view.target.empty()) {
    what = fmt::format("{} about {} {}", view.kind, view.entity, view.target);
  }
  constexpr size_t kLineBytes = 100;
  std::string line = fmt::format("{:>6}  {}  {}", index, Visible(view.at), Visible(what));
  const auto said = opened.find(view.outcome_commitment);
  std::string outcome = Visible(said == opened.end() ? view.outcome : said->second);
  if (!outcome.empty() && line.size() + outcome.size() + 3 <= kLineBytes) {
    line += fmt::format(" ({})", std::exchange(outcome, ""));
  }
  // What an entry says beside its first line stands below it, indented.
  fmt::print(out, "{}\n", line);
  for (const std::string& more : {ReasonLine(view), outcome}) {
    if (!more.empty()) fmt::print(out, "        {}\n", more);
  }
}

Status SayThatNoneFits(const LeafSource& log, Invocation& invocation) {
  RESCIND_ASSIGN(const uint64_t size, log.Size());
  fmt::print(invocation.err, "no entry of the log fits: {}\n",
             size == 0   ? "it has none"
             : size == 1 ? "it has one, entry 0"
                         : fmt::format("it has {}, from 0 to {}", size, size - 1));
  return {};
}

Result<ExitStatus> ShowEntries(const LeafSource& log, const OpenTexts& open,
                               const std::string& origin, const ShowOptions& options,
                               Invocation& invocation) {
  const auto event_format = ParseEventFormat(options.format);
  AuditFilter filter = options.filter;
  // A pipeline of events wants them all, a person the last ones.
  filter.most = options.most.value_or(event_format ? 0 : filter.most);
  const bool is_document = options.format == "json";
  std::string_view separator = "\n";
  bool fits_any = false;
  const auto show = [&](uint64_t index, std::string_view leaf, const LeafView& view) -> Status {
    fits_any = true;
    if (event_format) {  // for others: no text is opened
      RESCIND_ASSIGN(const std::string line, FormatEvent(*event_format, origin, index, leaf));
      invocation.out << line << "\n";
      return {};
    }
    RESCIND_ASSIGN(const OpenedTexts opened, open(index, leaf));
    if (is_document) {  // each entry on a line of its own, as it is hashed
      fmt::print(invocation.out, "{}{{\"index\":{},\"entry\":{}{}}}",
                 std::exchange(separator, ",\n"), index, leaf, ValuesField(opened));
    } else {
      PrintEntry(index, leaf, view, opened, options.format, invocation.out);
    }
    return {};
  };
  if (is_document) invocation.out << "{\"format\":\"rescind.audit-entries/1\",\"entries\":[";
  RESCIND_TRY(ShowAudit(log, filter, show));
  if (is_document) invocation.out << "\n]}\n";
  if (!fits_any) RESCIND_TRY(SayThatNoneFits(log, invocation));
  return ExitStatus::kDone;
}

// Nothing of a folder that is not the log that was signed is shown as evidence.
Result<ExitStatus> VerifyFirst(const ShowOptions& options, const std::string& folder,
                               Invocation& invocation) {
  RESCIND_ASSIGN(const AuditPublicKey key, ReadAuditKey(options.key, invocation));
  RESCIND_ASSIGN(const auto held, ReadCheckpoints(options.checkpoints, invocation));
  RESCIND_ASSIGN(const VerifyReport report, VerifyExport(folder, key, held, invocation.files));
  if (!report.ok()) {
    const LogProblem& first = report.problems.front();
    invocation.Fail({ErrorKind::kCorrupt,
                     fmt::format("{} is not what was signed, so nothing of it is shown: {}: {}",
                                 options.folder, first.place, first.what),
                     fmt::format("`rescind audit verify {} --key KEY` says all that is wrong",
                                 options.folder)});
    return ExitStatus::kCheckFailed;
  }
  fmt::print(invocation.err, "verified: the {} entries of {} are those that {} signed{}\n",
             report.size, Visible(options.folder), Visible(report.signed_by),
             report.end_is_proven ? "" : "; that none is cut off at the end is unproven");
  return ExitStatus::kDone;
}

Result<ExitStatus> ShowFolder(const ShowOptions& options, Invocation& invocation) {
  const std::string folder = invocation.PathFrom(options.folder);
  if (options.key.empty()) {
    if (!options.checkpoints.empty()) {
      return FailUsage({ErrorKind::kInvalidInput, "--checkpoint needs --key",
                        "a checkpoint proves something only with the key that signed it"},
                       invocation);
    }
    invocation.Warn(fmt::format(
        "{} is not verified: whoever can write there can have written this. Give --key with the "
        "log's public key, which you have from somewhere else",
        options.folder));
  } else {
    RESCIND_ASSIGN(const ExitStatus verified, VerifyFirst(options, folder, invocation));
    if (verified != ExitStatus::kDone) return verified;
  }
  RESCIND_ASSIGN(const ExportReader reader, ExportReader::Open(folder, invocation.files));
  RESCIND_TRY(CheckNames(reader, options.filter, nullptr));
  const auto nothing_at_hand = [](uint64_t, std::string_view) {
    return Result<OpenedTexts>(OpenedTexts());
  };
  return ShowEntries(reader, nothing_at_hand, reader.origin(), options, invocation);
}

// By what there is now and by the log; by the log alone where the policies, or the facts, cannot be
// read: that must keep nobody from the evidence. A policy gets its earlier names.
Status LookUpNames(const OpenedLog& log, AuditFilter& filter, Invocation& invocation) {
  if (!HasNames(filter)) return {};
  const auto pipeline =
      Pipeline::Open(log.workspace, EnvironmentOf(invocation), PipelinePurpose::kRead);
  if (!pipeline.ok()) {
    invocation.Warn(
        fmt::format("names are looked for in the log alone: {}", pipeline.error().message));
    return CheckNames(log.reader(), filter, nullptr);
  }
  AddEarlierNames(filter, (*pipeline)->program());
  const NamesNow now{(*pipeline)->program(), log.workspace, (*pipeline)->store()};
  return CheckNames(log.reader(), filter, &now);
}

Result<ExitStatus> RunShow(ShowOptions options, Invocation& invocation) {
  if (!options.folder.empty()) return ShowFolder(options, invocation);
  if (!options.key.empty() || !options.checkpoints.empty()) {
    return FailUsage({ErrorKind::kInvalidInput, "--key and --checkpoint are for an exported folder",
                      "name it: `rescind audit show FOLDER --key KEY`"},
                     invocation);
  }
  RESCIND_ASSIGN(const OpenedLog log, OpenLogToRead(invocation));
  const LogReader reader = log.reader();
  WarnOfKey(log.store->key_values(), log.workspace, invocation);
  RESCIND_TRY(LookUpNames(log, options.filter, invocation));
  return ShowEntries(reader, TextsOf(reader, invocation), log.workspace.audit_origin, options,
                     invocation);
}

}  // namespace

void DeclareAuditShow(CommandLine& line, CLI::App& audit) {
  auto shown = std::make_shared<ShowOptions>();
  CLI::App& show = line.Add(audit, "show", "Show entries of the log, or of an exported folder",
                            [shown](Invocation& run) { return RunShow(*shown, run); });
  show.add_option("folder", shown->folder,
                  "What `rescind audit export` made (default: the workspace's own log)");
  show.add_option("--key", shown->key,
                  "The public key, or a file that holds it: verifies the folder first");
  show.add_option("--checkpoint", shown->checkpoints,
                  "A checkpoint that you kept from earlier: finds a cut end");
  show.add_option("--from", shown->filter.from, "First entry (default: the last ones)")
      ->check(IsEntryNumber());
  show.add_option("--most", shown->most,
                  "How many; 0: all (default: 50; all in ocsf, cloudevents and syslog)")
      ->check(IsRowCount());
  show.add_option("--action", shown->filter.action, "Of that action: its key, or how it begins")
      ->check(IsName());
  show.add_option("--target", shown->filter.target, "Of that row: its id, or ENTITY:ID")
      ->check(IsName());
  show.add_option("--person", shown->filter.person, "Of access that was that person's, by id")
      ->check(IsName());
  show.add_option("--system", shown->filter.system, "Of that system")->check(IsName());
  const auto kinds = AuditKindNames();
  show.add_option("--kind", shown->filter.kind, "Of that kind, such as transition or notice")
      ->check(CLI::IsMember(std::vector<std::string>(kinds.begin(), kinds.end())));
  show.add_option("--policy", shown->filter.policy, "Of that policy")->check(IsName());
  show.add_option("-o,--output", shown->format,
                  "table, full, json, ndjson, ocsf, cloudevents or syslog")
      ->check(CLI::IsMember({"table", "full", "json", "ndjson", "ocsf", "cloudevents", "syslog"}))
      ->capture_default_str();
}

}  // namespace rescind

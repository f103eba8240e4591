// `rescind audit show | export | prove`, and the rotation of the log's key: what needs the store.
#include <fmt/ostream.h>

#include <charconv>
#include <memory>
#include <utility>

#include "engine/base/visible_text.h"
#include "runtime/audit/event_format.h"
#include "runtime/audit/log_check.h"
#include "runtime/audit/log_export.h"
#include "runtime/audit/log_proof.h"
#include "runtime/audit/signing_key.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/plan/plan_table.h"
#include "runtime/service/action_ledger.h"
#include "runtime/service/audit_desk.h"

namespace rescind {
namespace {

struct OpenLog {
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<ActionLedger> ledger;
};

Result<std::unique_ptr<Pipeline>> OpenFor(PipelinePurpose purpose, Invocation& invocation) {
  RESCIND_ASSIGN(Workspace workspace, invocation.OpenWorkspace());
  return Pipeline::Open(std::move(workspace), EnvironmentOf(invocation), purpose);
}

// A log that can be signed.
Result<OpenLog> OpenToSign(Invocation& invocation) {
  OpenLog log;
  RESCIND_ASSIGN(log.pipeline, OpenFor(PipelinePurpose::kAmend, invocation));
  RESCIND_ASSIGN(log.ledger, ActionLedger::Open(log.pipeline->workspace(), log.pipeline->store(),
                                                log.pipeline->environment()));
  return log;
}

// A log that is only read: nobody needs the private key for that.
Result<std::unique_ptr<Pipeline>> OpenToRead(Invocation& invocation) {
  RESCIND_ASSIGN(auto pipeline, OpenFor(PipelinePurpose::kRead, invocation));
  RESCIND_TRY(CheckReadableLog(pipeline->store().key_values(), pipeline->workspace().audit_key_file,
                               invocation.files));
  return pipeline;
}

// A log as others can check it.
struct Evidence {
  std::unique_ptr<Pipeline> pipeline;
  std::string checkpoint;
};

// What came after the last checkpoint is signed where the private key is, and left out elsewhere.
Result<Evidence> OpenEvidence(Invocation& invocation) {
  Evidence evidence;
  RESCIND_ASSIGN(evidence.pipeline, OpenToRead(invocation));
  auto known = ReadSignedLog(LogReader(evidence.pipeline->store().key_values()));
  if (known.ok() && known->later_count == 0) {
    evidence.checkpoint = std::move(known->checkpoint);
    return evidence;
  }
  const auto key =
      AuditSigningKey::Load(evidence.pipeline->workspace().audit_key_file, invocation.files);
  if (key.ok()) {
    evidence.pipeline.reset();  // a store that is read cannot be written
    RESCIND_ASSIGN(OpenLog log, OpenToSign(invocation));
    RESCIND_ASSIGN(evidence.checkpoint,
                   CommitCheckpoint(log.pipeline->store(), log.ledger->audit()));
    log.ledger.reset();
    evidence.pipeline = std::move(log.pipeline);
    return evidence;
  }
  if (!known.ok()) {
    Error error = std::move(known).error();
    error.help += fmt::format("; {} ({})", key.error().message, key.error().help);
    return error;
  }
  invocation.Warn(
      fmt::format("the last {} of the log {} in no signed checkpoint yet and left out: {}",
                  known->later_count == 1 ? "entry" : fmt::format("{} entries", known->later_count),
                  known->later_count == 1 ? "is" : "are", key.error().message));
  evidence.checkpoint = std::move(known->checkpoint);
  return evidence;
}

// CLI11 would take -1 for the greatest number there is.
CLI::Validator IsEntryNumber() {
  const auto check = [](const std::string& text) -> std::string {
    uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure == std::errc() && end == text.data() + text.size()) return "";
    return fmt::format(
        "{} is no entry of the log: entries count from 0, and "
        "`rescind audit show` lists them",
        text);
  };
  return CLI::Validator(check, "");
}

struct ShowOptions {
  AuditFilter filter;
  std::optional<uint64_t> most;
  std::string format = "table";
};

void PrintEntry(uint64_t index, std::string_view leaf, const LeafView& view,
                const std::string& format, std::ostream& out) {
  if (format == "ndjson") {  // the entry as it is hashed
    fmt::print(out, "{{\"format\":\"rescind.audit-entry/1\",\"index\":{},\"entry\":{}}}\n", index,
               leaf);
    return;
  }
  if (format == "full") {
    fmt::print(out, "entry {}\n{}\n", index, VisibleLines(IndentLeaf(leaf)));
    return;
  }
  std::string what = view.kind;
  if (!view.to.empty()) {
    what = fmt::format("{} {} {} on {}: {} → {}", view.verb, view.entity, Visible(view.target),
                       Visible(view.system), view.from, view.to);
  } else if (!view.target.empty()) {
    what = fmt::format("{} about {} {}", view.kind, Visible(view.entity), Visible(view.target));
  }
  fmt::print(out, "{:>6}  {}  {}{}\n", index, view.at, what,
             view.outcome.empty() ? "" : fmt::format(" ({})", Visible(view.outcome)));
}

Result<ExitStatus> RunShow(const ShowOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(const auto pipeline, OpenToRead(invocation));
  const LogReader reader(pipeline->store().key_values());
  RESCIND_TRY(CheckNames(reader, options.filter, pipeline->program(), pipeline->workspace(),
                         pipeline->store()));
  const std::string& origin = pipeline->workspace().audit_origin;
  const auto event_format = ParseEventFormat(options.format);
  AuditFilter filter = options.filter;
  // A pipeline of events wants them all, a person the last ones.
  filter.most = options.most.value_or(event_format ? 0 : filter.most);
  const bool is_document = options.format == "json";
  std::string_view separator = "\n";
  bool fits_any = false;
  const auto show = [&](uint64_t index, std::string_view leaf, const LeafView& view) -> Status {
    fits_any = true;
    if (is_document) {  // each entry on a line of its own, as it is hashed
      fmt::print(invocation.out, "{}{{\"index\":{},\"entry\":{}}}", std::exchange(separator, ",\n"),
                 index, leaf);
      return {};
    }
    if (!event_format) {
      PrintEntry(index, leaf, view, options.format, invocation.out);
      return {};
    }
    RESCIND_ASSIGN(const std::string line, FormatEvent(*event_format, origin, index, leaf));
    invocation.out << line << "\n";
    return {};
  };
  if (is_document) invocation.out << "{\"format\":\"rescind.audit-entries/1\",\"entries\":[";
  RESCIND_TRY(ShowAudit(reader, filter, show));
  if (is_document) invocation.out << "\n]}\n";
  if (!fits_any) fmt::print(invocation.err, "no entry of the log fits\n");
  return ExitStatus::kDone;
}

Result<ExitStatus> RunExport(const std::string& folder, Invocation& invocation) {
  RESCIND_ASSIGN(const Evidence evidence, OpenEvidence(invocation));
  RESCIND_TRY(RefuseOwnFile(invocation, evidence.pipeline->workspace(), folder));
  RESCIND_ASSIGN(const ExportReport report,
                 ExportLog(LogReader(evidence.pipeline->store().key_values()), evidence.checkpoint,
                           PathFrom(invocation, folder), invocation.files));
  RESCIND_TRY(evidence.pipeline->Close());
  fmt::print(invocation.err,
             "exported {} entries to {}; anybody with the public key can check them:\n"
             "rescind audit verify {} --key KEY\n",
             report.entry_count, Visible(folder), Visible(folder));
  return ExitStatus::kDone;
}

struct ProveOptions {
  uint64_t index = 0;
  std::string out;
};

Result<ExitStatus> RunProve(const ProveOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(const Evidence evidence, OpenEvidence(invocation));
  RESCIND_TRY(RefuseOwnFile(invocation, evidence.pipeline->workspace(), options.out));
  RESCIND_ASSIGN(const LogProof proof,
                 ProveEntry(LogReader(evidence.pipeline->store().key_values()), options.index,
                            evidence.checkpoint));
  RESCIND_TRY(evidence.pipeline->Close());
  if (options.out.empty()) {
    invocation.out << FormatProof(proof);
    return ExitStatus::kDone;
  }
  RESCIND_TRY(invocation.files.WriteOutput(PathFrom(invocation, options.out), FormatProof(proof),
                                           kPrivateMode));
  return ExitStatus::kDone;
}

}  // namespace

Result<ExitStatus> RunKeyRotation(Invocation& invocation) {
  RESCIND_ASSIGN(const OpenLog log, OpenToSign(invocation));
  RESCIND_TRY(RotateAuditKey(log.pipeline->store(), log.ledger->audit(),
                             fmt::format("audit key rotate by {}", ActorName())));
  RESCIND_TRY(log.pipeline->Close());
  fmt::print(invocation.err, "the log has a new key; tell auditors its public half:\n");
  fmt::print(invocation.out, "{}\n", log.ledger->audit().public_key());
  return ExitStatus::kDone;
}

void DeclareAuditLog(CommandLine& line, CLI::App& audit) {
  auto shown = std::make_shared<ShowOptions>();
  CLI::App& show = line.Add(audit, "show", "Show entries of the log",
                            [shown](Invocation& run) { return RunShow(*shown, run); });
  show.add_option("--from", shown->filter.from, "First entry (default: the last ones)")
      ->check(IsEntryNumber());
  show.add_option("--most", shown->most,
                  "How many; 0: all (default: 50; all in ocsf, cloudevents and syslog)")
      ->check(IsRowCount());
  show.add_option("--action", shown->filter.action, "Of that action: its key, or how it begins");
  show.add_option("--target", shown->filter.target, "Of that row");
  show.add_option("--system", shown->filter.system, "Of that system");
  const auto kinds = AuditKindNames();
  show.add_option("--kind", shown->filter.kind, "Of that kind, such as transition or notice")
      ->check(CLI::IsMember(std::vector<std::string>(kinds.begin(), kinds.end())));
  show.add_option("--policy", shown->filter.policy, "Of that policy, by its full name");
  show.add_option("-o,--output", shown->format,
                  "table, full, json, ndjson, ocsf, cloudevents or syslog")
      ->check(CLI::IsMember({"table", "full", "json", "ndjson", "ocsf", "cloudevents", "syslog"}))
      ->capture_default_str();

  auto folder = std::make_shared<std::string>();
  CLI::App& export_app =
      line.Add(audit, "export", "Write the log as a folder that anybody can verify",
               [folder](Invocation& run) { return RunExport(*folder, run); });
  export_app.add_option("folder", *folder, "Where; must not exist")->required();

  auto proven = std::make_shared<ProveOptions>();
  CLI::App& prove = line.Add(audit, "prove", "Prove one entry without giving the others away",
                             [proven](Invocation& run) { return RunProve(*proven, run); });
  prove.add_option("index", proven->index, "The entry's number, as `audit show` prints it")
      ->check(IsEntryNumber())
      ->required();
  prove.add_option("--out", proven->out, "Write it there (default: standard output)");
}

}  // namespace rescind

// `rescind audit verify | key`: the evidence and who may check it. What needs the store is in
// audit_log_command.cc.
#include <fmt/ostream.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "engine/base/visible_text.h"
#include "runtime/audit/log_check.h"
#include "runtime/audit/log_proof.h"
#include "runtime/audit/log_reader.h"
#include "runtime/audit/log_verify.h"
#include "runtime/audit/signing_key.h"
#include "runtime/cli/audit_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/service/shown_json.h"
#include "runtime/service/store_opener.h"

namespace rescind {
namespace {

struct VerifyOptions {
  std::string folder;
  std::string key;
  std::vector<std::string> checkpoints;
  std::string format = "table";
};

// What the end of the log is worth, in a sentence.
std::string EndOf(const VerifyReport& report) {
  if (report.end_is_proven) return "proven: your checkpoint covers every entry";
  if (report.proven_size > 0) {
    return fmt::format(
        "entries up to {} are covered by your checkpoint; whether entries after "
        "{} were cut off is unproven",
        report.proven_size, report.size);
  }
  return "unproven: later entries could have been cut off. Keep the file `checkpoint` of each "
         "export and give it with --checkpoint next time";
}

void PrintTable(const VerifyReport& report, std::ostream& out) {
  fmt::print(out, "log         {}\n", Visible(report.origin));
  fmt::print(out, "entries     {} signed, {} read\n", report.size, report.entries_read);
  fmt::print(out, "root        {}\n", report.root);
  if (!report.signed_by.empty()) fmt::print(out, "signed by   {}\n", Visible(report.signed_by));
  for (const std::string& key : report.rotated_to)
    fmt::print(out, "handed to   {}\n", Visible(key));
  if (report.newer_entries > 0) {
    fmt::print(out, "newer       {} entries are of a later format: proven, not understood\n",
               report.newer_entries);
  }
  if (report.beside_count > 0) {
    fmt::print(out, "evidence    {} files beside the log are as they were committed to\n",
               report.beside_count);
  }
  for (const LogProblem& problem : report.problems) {
    fmt::print(out, "problem     {}: {}\n", Visible(problem.place), Visible(problem.what));
  }
  if (report.problem_count > report.problems.size()) {
    fmt::print(out, "problem     and {} more\n", report.problem_count - report.problems.size());
  }
  if (!report.ok()) {
    fmt::print(out, "FAILED: {} ({} problem{})\n",
               report.foreign_count == report.problem_count
                   ? "the given key cannot speak for what another key signed"
                   : "this is not the log that was signed",
               report.problem_count, report.problem_count == 1 ? "" : "s");
    return;
  }
  fmt::print(out, "end         {}\n", EndOf(report));
  fmt::print(out, "OK: no entry was edited, moved, added or removed\n");
}

void PrintJson(const VerifyReport& report, std::ostream& out) {
  nlohmann::ordered_json json = {{"format", "rescind.audit-verify/1"},
                                 {"ok", report.ok()},
                                 {"log", report.origin},
                                 {"entries", report.size},
                                 {"entries_read", report.entries_read},
                                 {"newer_entries", report.newer_entries},
                                 {"root", report.root},
                                 {"signed_by", report.signed_by},
                                 {"handed_to", report.rotated_to},
                                 {"end_is_proven", report.end_is_proven},
                                 {"proven_entries", report.proven_size},
                                 {"problem_count", report.problem_count},
                                 {"problems", nlohmann::ordered_json::array()}};
  for (const LogProblem& problem : report.problems) {
    json["problems"].push_back({{"place", problem.place}, {"what", problem.what}});
  }
  out << ShownJson(json);
}

// One entry and its proof, in one file.
Result<ExitStatus> VerifyProofFile(const VerifyOptions& options, const AuditPublicKey& key,
                                   Invocation& invocation) {
  const std::string& file = options.folder;
  if (!options.checkpoints.empty()) {
    return Error{
        ErrorKind::kInvalidInput,
        fmt::format("{} is the proof of one entry, which no held checkpoint bears on", file),
        "leave --checkpoint out, or name an exported folder"};
  }
  RESCIND_ASSIGN(const std::string bytes, invocation.files.Read(file, kMaxProofBytes));
  auto proof = ParseProof(bytes);
  if (!proof.ok()) return std::move(proof).error().In(file);
  const auto checkpoint = VerifyProof(*proof, key);
  if (options.format == "json") {
    nlohmann::ordered_json json = {{"format", "rescind.audit-proof-verify/1"},
                                   {"ok", checkpoint.ok()},
                                   {"index", proof->index},
                                   {"entry", proof->entry}};
    if (checkpoint.ok()) {
      json["log"] = checkpoint->origin;
      json["entries"] = checkpoint->size;
    }
    invocation.out << ShownJson(json);
  }
  if (!checkpoint.ok()) {
    invocation.Fail(Error(checkpoint.error()).In(file));
    return ExitStatus::kCheckFailed;
  }
  if (options.format == "json") return ExitStatus::kDone;
  fmt::print(invocation.out, "{}\nOK: entry {} of {} in the log {}\n", Visible(proof->entry),
             proof->index, checkpoint->size, Visible(checkpoint->origin));
  return ExitStatus::kDone;
}

Result<ExitStatus> RunVerify(const VerifyOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(const AuditPublicKey key, ReadAuditKey(options.key, invocation));
  const auto info = invocation.files.Stat(options.folder);
  if (info.ok() && info->kind == FileKind::kRegular) {
    return VerifyProofFile(options, key, invocation);
  }
  RESCIND_ASSIGN(const auto held, ReadCheckpoints(options.checkpoints, invocation));
  RESCIND_ASSIGN(const VerifyReport report,
                 VerifyExport(options.folder, key, held, invocation.files));
  if (options.format == "json") {
    PrintJson(report, invocation.out);
  } else {
    PrintTable(report, invocation.out);
  }
  return report.ok() ? ExitStatus::kDone : ExitStatus::kCheckFailed;
}

Result<std::unique_ptr<Store>> OpenToReadKey(const Workspace& workspace, Invocation& invocation) {
  StoreOptions options;
  options.read_only = true;
  return OpenStoreWithoutFacts(workspace, EnvironmentOf(invocation), options);
}

// A log goes on with its own key; another beside it would only be in the way.
Status RefuseSecondKey(const Workspace& workspace, Invocation& invocation) {
  const auto store = OpenToReadKey(workspace, invocation);
  if (!store.ok() && store.error().kind == ErrorKind::kNotFound) return {};  // there never was one
  if (!store.ok()) return store.error();
  const KeyValueReader& reader = (*store)->key_values();
  if (reader.audit_mark().size == 0) return {};
  RESCIND_ASSIGN(const auto key, reader.Get(kPublicKeyName));
  return Error{
      ErrorKind::kInvalidInput,
      fmt::format("the log of {} has {} entries and a key already: {}", workspace.store_folder,
                  reader.audit_mark().size, key.value_or("unknown")),
      fmt::format("put the private half back as {} from your backup of the secrets; while it is "
                  "there, `rescind audit key rotate` replaces it",
                  workspace.audit_key_file)};
}

// The log's own where there is one, for whoever may read it; else that of the key file, which signs
// whatever comes first. kDenied when the key file is another log's.
Result<std::string> PublicKeyOfLog(const Workspace& workspace, Invocation& invocation) {
  FileSystem& files = invocation.files;
  const auto key = AuditSigningKey::Load(workspace.audit_key_file, files);
  if (files.Exists(workspace.store_folder)) {
    RESCIND_ASSIGN(const auto store, OpenToReadKey(workspace, invocation));
    const LogReader reader(store->key_values());
    RESCIND_TRY(CheckKeyAtHand(reader, workspace.audit_key_file, files));
    RESCIND_ASSIGN(auto logged, reader.PublicKey());
    if (logged) return *std::move(logged);
    if (!key.ok()) {
      return Error{key.error().kind,
                   fmt::format("{}, and the store {} holds no public key: nothing was logged yet",
                               key.error().message, workspace.store_folder),
                   key.error().help};
    }
  }
  if (!key.ok()) return key.error();
  return key->public_key().Text();
}

Result<ExitStatus> RunKey(const std::string& what, Invocation& invocation) {
  if (what == "rotate") return RunKeyRotation(invocation);
  if (what == "accept") return RunKeyAcceptance(invocation);
  RESCIND_ASSIGN(const Workspace workspace, invocation.OpenWorkspace());
  if (what == "create") {
    if (!invocation.files.Exists(workspace.audit_key_file)) {
      RESCIND_TRY(RefuseSecondKey(workspace, invocation));
    }
    RESCIND_ASSIGN(const AuditPublicKey key,
                   CreateAuditKey(workspace.audit_key_file, workspace.audit_origin,
                                  invocation.files, invocation.random));
    fmt::print(invocation.err, "made {}; give auditors the public key:\n",
               Visible(workspace.audit_key_file));
    fmt::print(invocation.out, "{}\n", key.Text());
    return ExitStatus::kDone;
  }
  RESCIND_ASSIGN(const std::string key, PublicKeyOfLog(workspace, invocation));
  fmt::print(invocation.out, "{}\n", key);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareAudit(CommandLine& line) {
  CLI::App& audit = line.AddGroup("audit", "The log of everything that was done, and its proofs");

  auto verify = std::make_shared<VerifyOptions>();
  CLI::App& verify_app = line.Add(
      audit, "verify", "Check an exported log with nothing but the public key",
      [verify](Invocation& invocation) { return RunVerify(*verify, invocation); },
      CommandPlace::kHere);
  verify_app
      .add_option("folder", verify->folder, "What `rescind audit export` made, or one .tlog-proof")
      ->required();
  verify_app.add_option("--key", verify->key, "The public key, or a file that holds it")
      ->required();
  verify_app.add_option("--checkpoint", verify->checkpoints,
                        "A checkpoint that you kept from earlier: finds a cut end");
  verify_app.add_option("-o,--output", verify->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();

  auto what = std::make_shared<std::string>("show");
  CLI::App& key_app =
      line.Add(audit, "key", "Print the public key that auditors need; make or rotate the key",
               [what](Invocation& invocation) { return RunKey(*what, invocation); });
  key_app
      .add_option(
          "what", *what,
          "show (default), create, rotate, or accept: go on with the log as it is where the "
          "checkpoint beside the key is lost or damaged")
      ->check(CLI::IsMember({"show", "create", "rotate", "accept"}));
  DeclareAuditShow(line, audit);
  DeclareAuditLog(line, audit);
}

}  // namespace rescind

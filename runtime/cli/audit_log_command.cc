// `rescind audit export | prove`, and the rotation of the log's key: what needs the store.
#include <fmt/ostream.h>

#include <memory>
#include <utility>

#include "engine/base/visible_text.h"
#include "runtime/audit/log_export.h"
#include "runtime/audit/log_proof.h"
#include "runtime/audit/signing_key.h"
#include "runtime/cli/audit_input.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/service/action_ledger.h"
#include "runtime/service/audit_desk.h"

namespace rescind {
namespace {

struct OpenLog {
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<ActionLedger> ledger;
};

// A log that can be signed.
Result<OpenLog> OpenToSign(Invocation& invocation) {
  OpenLog log;
  RESCIND_ASSIGN(log.pipeline, OpenPipeline(PipelinePurpose::kAmend, invocation));
  RESCIND_ASSIGN(log.ledger, ActionLedger::Open(log.pipeline->workspace(), log.pipeline->store(),
                                                log.pipeline->environment()));
  return log;
}

// A log as others can check it.
struct Evidence {
  std::unique_ptr<Pipeline> pipeline;
  std::string checkpoint;
};

// What came after the last checkpoint is signed where the private key is, and left out elsewhere.
Result<Evidence> OpenEvidence(Invocation& invocation) {
  Evidence evidence;
  RESCIND_ASSIGN(evidence.pipeline, OpenLogToRead(invocation));
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
                             fmt::format("audit key rotate by {}", ActorName(invocation))));
  RESCIND_TRY(log.pipeline->Close());
  fmt::print(invocation.err, "the log has a new key; tell auditors its public half:\n");
  fmt::print(invocation.out, "{}\n", log.ledger->audit().public_key());
  return ExitStatus::kDone;
}

void DeclareAuditLog(CommandLine& line, CLI::App& audit) {
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

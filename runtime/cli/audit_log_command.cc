// `rescind audit export | prove`, and the rotation of the log's key: what needs the store.
#include <fmt/ostream.h>

#include <memory>
#include <utility>

#include "engine/base/visible_text.h"
#include "runtime/audit/audit_log.h"
#include "runtime/audit/log_check.h"
#include "runtime/audit/log_export.h"
#include "runtime/audit/log_proof.h"
#include "runtime/audit/signing_key.h"
#include "runtime/cli/audit_input.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/service/audit_desk.h"
#include "runtime/service/decision_check.h"
#include "runtime/service/store_opener.h"

namespace rescind {
namespace {

// A log that can be signed.
struct SignableLog {
  Workspace workspace;
  std::unique_ptr<Store> store;
  std::unique_ptr<AuditLog> audit;
};

Result<SignableLog> OpenToSign(Invocation& invocation, bool accepts_lost_witness = false) {
  SignableLog log;
  RESCIND_ASSIGN(log.workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(log.store, OpenStoreWithoutFacts(log.workspace, EnvironmentOf(invocation), {}));
  RESCIND_ASSIGN(
      log.audit,
      AuditLog::Open(
          {log.store->key_values(), invocation.files, invocation.clock, invocation.random},
          {log.store->id(), log.workspace.audit_key_file, accepts_lost_witness}));
  return log;
}

// A log as others can check it.
struct Evidence {
  OpenedLog log;
  std::string checkpoint;
};

// What came after the last checkpoint is signed where the private key is, and left out elsewhere.
Result<Evidence> OpenEvidence(Invocation& invocation) {
  Evidence evidence;
  RESCIND_ASSIGN(evidence.log, OpenLogToRead(invocation));
  const std::string& key_file = evidence.log.workspace.audit_key_file;
  // What is exported under another's key would be taken for this log by who has that key.
  RESCIND_TRY(CheckKeyAtHand(evidence.log.reader(), key_file, invocation.files));
  auto known = ReadSignedLog(evidence.log.reader());
  if (known.ok() && known->later_count == 0) {
    evidence.checkpoint = std::move(known->checkpoint);
    WarnOfKey(evidence.log.store->key_values(), evidence.log.workspace, invocation);
    return evidence;
  }
  const auto key = AuditSigningKey::Load(key_file, invocation.files);
  if (key.ok()) {
    evidence.log.store.reset();  // a store that is read cannot be written
    RESCIND_ASSIGN(SignableLog log, OpenToSign(invocation));
    RESCIND_ASSIGN(evidence.checkpoint, CommitCheckpoint(*log.store, *log.audit));
    log.audit.reset();
    evidence.log.store = std::move(log.store);
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
  RESCIND_TRY(RefuseOwnFile(invocation, evidence.log.workspace, folder));
  RESCIND_ASSIGN(const ExportReport report,
                 ExportLog(evidence.log.reader(), evidence.checkpoint, invocation.PathFrom(folder),
                           invocation.files));
  RESCIND_TRY(evidence.log.store->Close());
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
  RESCIND_TRY(RefuseOwnFile(invocation, evidence.log.workspace, options.out));
  RESCIND_ASSIGN(const LogProof proof,
                 ProveEntry(evidence.log.reader(), options.index, evidence.checkpoint));
  RESCIND_TRY(evidence.log.store->Close());
  if (options.out.empty()) {
    invocation.out << FormatProof(proof);
    return ExitStatus::kDone;
  }
  RESCIND_TRY(invocation.files.WriteOutput(invocation.PathFrom(options.out), FormatProof(proof),
                                           kPrivateMode));
  return ExitStatus::kDone;
}

}  // namespace

Result<ExitStatus> RunKeyRotation(Invocation& invocation) {
  RESCIND_ASSIGN(const SignableLog log, OpenToSign(invocation));
  RESCIND_TRY(RotateAuditKey(*log.store, *log.audit,
                             fmt::format("audit key rotate by {}", ActorName(invocation))));
  RESCIND_TRY(log.store->Close());
  fmt::print(invocation.err, "the log has a new key; tell auditors its public half:\n");
  fmt::print(invocation.out, "{}\n", log.audit->public_key());
  return ExitStatus::kDone;
}

Result<ExitStatus> RunKeyAcceptance(Invocation& invocation) {
  RESCIND_ASSIGN(const Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(const AuditWitness witness,
                 ReadAuditWitness(workspace.audit_key_file, invocation.files));
  RESCIND_ASSIGN(const SignableLog log, OpenToSign(invocation, true));
  if (witness.checkpoint) {
    fmt::print(invocation.err, "nothing to accept: {} is there, and the log goes on from it\n",
               Visible(AuditWitnessFile(workspace.audit_key_file)));
    return ExitStatus::kDone;
  }
  RESCIND_ASSIGN(const AcceptedLog accepted,
                 AcceptLog(*log.store, *log.audit, witness, invocation.clock.Now(),
                           fmt::format("audit key accept by {}", ActorName(invocation))));
  RESCIND_TRY(log.store->Close());
  fmt::print(invocation.err,
             "accepted the log as {} has it, and logged that: {} entries, root {}\n"
             "what was signed beyond them, if anything, is no part of it\n",
             Visible(workspace.store_folder), accepted.size, accepted.root);
  return ExitStatus::kDone;
}

namespace {

struct AcceptOptions {
  std::string digest;
  std::string reason;
};

// What is accepted is named, so that it is what the person has seen.
Result<ExitStatus> RunAcceptance(const AcceptOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(const SignableLog log, OpenToSign(invocation));
  RESCIND_ASSIGN(const auto mismatch,
                 CompareDecisions(*log.store, log.workspace.audit_key_file, invocation.files));
  if (!mismatch) {
    RESCIND_ASSIGN(const StandingDecisions stored,
                   DigestDecisions(log.store->secret(), log.store->key_values()));
    if (options.digest != stored.digest) {
      return Error{ErrorKind::kInvalidInput,
                   fmt::format("nothing was accepted: the store does not hold {}, but {}, {}, as "
                               "the log says",
                               options.digest, stored.Text(), stored.digest),
                   "there is nothing to accept: no command refuses this store"};
    }
    fmt::print(invocation.err,
               "nothing to accept: the store holds the exemptions, releases and confirmed policies "
               "that the log says\n");
    return ExitStatus::kDone;
  }
  if (options.digest != mismatch->stored.digest) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("the store does not hold {}, but {}, {}", options.digest,
                             mismatch->stored.Text(), mismatch->stored.digest),
                 "look at `rescind exempt list --all`, then name what the store holds"};
  }
  RESCIND_TRY(AcceptDecisions(*log.store, *log.audit, *mismatch, invocation.clock.Now(),
                              options.reason,
                              fmt::format("audit accept by {}", ActorName(invocation))));
  RESCIND_TRY(log.store->Close());
  fmt::print(invocation.err,
             "accepted what {} holds, and logged that: {}\n"
             "what is wrong with it is put right with `rescind exempt add` and `end`, and `rescind "
             "release`; `rescind plan` shows what it lets go\n",
             Visible(log.workspace.store_folder), mismatch->stored.Text());
  return ExitStatus::kDone;
}

}  // namespace

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

  auto accepted = std::make_shared<AcceptOptions>();
  CLI::App& accept = line.Add(
      audit, "accept", "Go on with exemptions and releases that something else has changed",
      [accepted](Invocation& run) { return RunAcceptance(*accepted, run); });
  accept
      .add_option("digest", accepted->digest,
                  "What the store holds of them, sha256:…, as the refused command prints it")
      ->required()
      ->check(IsName());
  accept.add_option("--reason", accepted->reason, "Why")->required()->check(IsSaid());
}

}  // namespace rescind

#include "runtime/cli/audit_input.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "runtime/audit/checkpoint.h"
#include "runtime/audit/log_check.h"
#include "runtime/audit/signing_key.h"
#include "runtime/service/store_opener.h"

namespace rescind {

Result<AuditPublicKey> ReadAuditKey(const std::string& given, const Invocation& invocation) {
  if (given.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Error{ErrorKind::kInvalidInput, "--key is empty",
                 "give the public key or a file that holds it: what `rescind audit key` prints; if "
                 "that was asked for here, it failed"};
  }
  const std::string path = invocation.PathFrom(given);
  if (!invocation.files.Exists(path)) {
    auto key = ParsePublicKey(given);
    if (key.ok() || given.find('+') != std::string::npos) return key;
    return Error{ErrorKind::kNotFound, fmt::format("there is no file {}", given),
                 "give the public key or a file that holds it: what `rescind audit key` prints"};
  }
  RESCIND_ASSIGN(const std::string text, invocation.files.Read(path, kMaxNoteBytes));
  auto key = ParsePublicKey(text);
  if (!key.ok()) return std::move(key).error().In(given);
  return key;
}

Result<std::vector<HeldCheckpoint>> ReadCheckpoints(const std::vector<std::string>& names,
                                                    const Invocation& invocation) {
  std::vector<HeldCheckpoint> held;
  for (const std::string& file : names) {
    RESCIND_ASSIGN(std::string bytes,
                   invocation.files.Read(invocation.PathFrom(file), kMaxNoteBytes));
    // What was never a checkpoint says nothing about the log.
    if (!ParseSignedCheckpoint(bytes).ok()) {
      return Error{ErrorKind::kInvalidInput, fmt::format("{} is no signed checkpoint", file),
                   "give one that was kept: the file `checkpoint` of an earlier export"};
    }
    held.push_back({file, std::move(bytes)});
  }
  return held;
}

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

Result<OpenedLog> OpenLogToRead(Invocation& invocation) {
  OpenedLog log;
  RESCIND_ASSIGN(log.workspace, invocation.OpenWorkspace());
  StoreOptions options;
  options.read_only = true;
  RESCIND_ASSIGN(log.store,
                 OpenStoreWithoutFacts(log.workspace, EnvironmentOf(invocation), options));
  RESCIND_TRY(
      CheckReadableLog(log.store->key_values(), log.workspace.audit_key_file, invocation.files));
  return log;
}

void WarnOfKey(const KeyValueReader& store, const Workspace& workspace, Invocation& invocation) {
  const LogReader reader(store);
  const std::string& key_file = workspace.audit_key_file;
  const auto warn = [&](const Status& status) {
    if (status.ok()) return;
    invocation.Warn(fmt::format("{}: {}", status.error().message, status.error().help));
  };
  warn(CheckKeyAtHand(reader, key_file, invocation.files));
  if (AuditSigningKey::Load(key_file, invocation.files).ok()) {
    warn(RequireWitness(key_file, invocation.files));
  }
}

}  // namespace rescind

// A log over a MemoryStore with its key in a folder of its own, for the tests of runtime/audit.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "runtime/audit/audit_log.h"
#include "runtime/audit/signing_key.h"
#include "tests/unit/runtime/memory_store.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {

// "ready → intent" of a grant.
inline AuditEvent Step(const std::string& target) {
  AuditEvent event;
  event.kind = AuditKind::kTransition;
  event.at = {1'790'000'000'000'000};
  event.trigger = "apply sha256:1 by uid 1000";
  event.action = AuditAction{.key = "00ff",
                             .verb = "revoke",
                             .playbook = "",
                             .entity = "grant",
                             .target = target,
                             .incarnation = 1,
                             .system = "corp-ldap",
                             .episode = 1};
  event.from_state = "ready";
  event.to_state = "intent";
  return event;
}

class AuditFixture {
 public:
  AuditFixture() { REQUIRE(CreateAuditKey(key_file(), "rescind/acme", files, random).ok()); }

  std::string key_file() const { return folder / "audit-key"; }

  Result<std::unique_ptr<AuditLog>> TryOpen(FileSystem& from) {
    return AuditLog::Open({store, from, clock, random},
                          {"store-1", key_file(), accepts_lost_witness});
  }
  Result<std::unique_ptr<AuditLog>> TryOpen() { return TryOpen(files); }
  std::unique_ptr<AuditLog> Open() {
    auto log = TryOpen();
    REQUIRE_MESSAGE(log.ok(), log.error().message);
    return *std::move(log);
  }

  void Append(AuditLog& log, const AuditEvent& event) {
    KeyValueBatch batch;
    REQUIRE(log.Append(event, batch).ok());
    store.Apply(batch);
    log.Committed();
  }
  void AppendMany(AuditLog& log, int count) {
    for (int i = 0; i < count; ++i) {
      Append(log, Step("ldap/ann/" + std::to_string(random.Below(1'000'000))));
    }
  }
  std::string Checkpoint(AuditLog& log) {
    KeyValueBatch batch;
    const auto note = log.Checkpoint(batch);
    REQUIRE_MESSAGE(note.ok(), note.error().message);
    store.Apply(batch);
    return *note;
  }

  TemporaryFolder folder;
  RealFileSystem files;
  VirtualClock clock{{1'790'000'000'000'000}};
  SeededRandom random{42};
  MemoryStore store;
  bool accepts_lost_witness = false;
};

}  // namespace rescind

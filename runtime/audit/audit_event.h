// AuditEvent: what one leaf of the audit log says.
//
// Plain data that the service fills; leaf.h turns it into bytes. Texts marked personal go into
// the leaf as salted commitments only; their values lie in a side store that can be erased.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"

namespace rescind {

// Written into leaves by name. Never rename, never renumber.
enum class AuditKind : uint8_t {
  kLogCreated = 1,
  kKeyRotated = 2,
  kTransition = 3,  // an action took a step
  kRunStarted = 4,
  kRunEnded = 5,
  kNotice = 6,  // a message was sent, or could not be
  kExemptionAdded = 7,
  kExemptionEnded = 8,
  kReleased = 9,       // a held thing was let go, with a reason
  kErased = 10,        // personal data of the side store
  kRestored = 11,      // the store was restored from a backup
  kNote = 12,          // anything else worth keeping
  kReleaseEnded = 13,  // a release is over, whatever it let go
  kHeld = 14,          // a run would have begun an action, and was kept from it
  kHoldEnded = 15,     // of an action: what kept it does so no more
  kPassedOver = 16,    // a row that matches, and that a protect or an exemption covers
};

std::string_view AuditKindName(AuditKind kind);  // "transition"
std::optional<AuditKind> ParseAuditKind(std::string_view name);
std::span<const std::string_view> AuditKindNames();  // of all kinds, in their order

struct AuditText {
  std::string text;
  // A name, an e-mail address, what a system or a person said in words of their own, which may
  // name somebody: committed to, not written.
  bool personal = false;
};

struct AuditEvidence {
  std::string path;  // "g.last_used"
  AuditText value;
  std::string source;  // the feed that said so
};

struct AuditPolicy {
  std::string name;         // "access.stale.stale_grant"
  std::string source_hash;  // "sha256:…" of what gives it its meaning
  std::string finding;
  AuditText because;
  uint32_t stage = 0;
  std::vector<std::string> controls;
};

struct AuditAction {
  std::string key;  // idempotency key
  std::string verb;
  std::string playbook;
  std::string entity;
  std::string target;
  uint32_t incarnation = 1;
  std::string system;
  uint32_t episode = 1;
  // Which access the target is: ids, which are no personal texts, and what the system calls the
  // entitlement. Empty: unknown, or the target itself.
  std::string account = {};
  std::string owner = {};  // the person whose account it was when the action was planned
  std::string entitlement = {};
  std::string entitlement_name = {};
};

struct AuditEvent {
  AuditKind kind = AuditKind::kNote;
  Instant at;                        // when it was written
  std::string trigger;               // who or what: "apply sha256:… by uid 1000"
  std::optional<Instant> judged_at;  // the `now` of the evaluation it rests on
  std::optional<AuditAction> action;
  std::string from_state;
  std::string to_state;
  AuditText outcome;  // what the system or a person said, or why: a sentence
  std::vector<AuditPolicy> policies;
  std::vector<AuditEvidence> evidence;
  std::map<std::string, AuditText> details;  // whatever else the kind has to say
};

}  // namespace rescind

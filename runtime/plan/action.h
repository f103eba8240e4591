// Action: one removal that a plan asks for and an executor carries out.
//
// Plain data, shared by plan, journal and executors; the only header of runtime/plan that
// executors may see. It knows neither policies' syntax nor how a target system is spoken to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"

namespace rescind {

// Stored in the journal. Never renumber.
enum class Verb : uint8_t {
  kDisable = 1,
  kSuspend = 2,
  kEnd = 3,
  kRevoke = 4,
  kDelete = 5,
  kRun = 6,     // a named executor hook: Action::playbook
  kNotify = 7,  // goes to a channel, never to an executor
};

std::string_view VerbName(Verb verb);  // "disable", "end", …
std::optional<Verb> ParseVerb(std::string_view name);
bool IsReversible(Verb verb);  // what the verb promises, not what an executor can do
// After it the target need not exist any more. False where the verb does not say (kRun).
bool TakesTargetAway(Verb verb);

// Stored in plans as text and ordered: a higher value acts first. Never renumber.
enum class Severity : uint8_t { kLow = 1, kMedium = 2, kHigh = 3, kCritical = 4 };

std::string_view SeverityName(Severity severity);
std::optional<Severity> ParseSeverity(std::string_view name);

// The row that is acted on, and what an executor needs to find it in its system.
struct ActionTarget {
  std::string entity;        // "account", "grant", "session", "credential"
  std::string id;            // the row's key
  uint32_t incarnation = 1;  // of the row; part of the idempotency key
  std::string system;        // id of the `system` row it lives in; names a [target.X]
  // Facts by path from the row, as text; absent when unknown. For an account: "username", "owner";
  // for a grant "account", "account.owner", "account.username", "entitlement", "entitlement.name";
  // for sessions and credentials "account", "account.owner", "account.username", "kind", "origin".
  // Owners are those of when it was planned. Sorted, so it hashes stably.
  std::map<std::string, std::string> attributes;
};

// A policy's claim on an action. An action lives while one of its reasons stands.
struct ActionReason {
  std::string policy;  // "access.stale.stale_grant"
  std::string finding_id;
  std::string because;
  uint32_t stage = 0;
  std::vector<std::string> controls;  // "pci_dss_4 8.2.6"
  bool personal = false;              // `because` names people: see personal_data.h
};

struct Action {
  // Idempotency key: lowercase hex SHA-256 over store id, system, entity, target id, incarnation,
  // verb, playbook and episode. Stable across retries, restarts and renamed policies.
  std::string key;
  Verb verb = Verb::kDisable;
  std::string playbook;  // kRun only
  ActionTarget target;
  uint32_t episode = 1;
  Severity severity = Severity::kMedium;
  std::vector<ActionReason> reasons;
};

}  // namespace rescind

// Finding: one unbroken period of match of a policy on a row, and how far its stages have come.
//
// Plain data with its bytes (FORMAT.md). FindingBook (finding_book.h) opens and closes them, the
// planner moves their stages. Identified by policy, judged row and the row's incarnation; it knows
// no conditions and no targets' ids.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/facts/schema.h"
#include "runtime/plan/action.h"

namespace rescind {

// When something became of a stage.
struct StageTime {
  uint32_t stage = 0;
  Instant at;
  auto operator<=>(const StageTime&) const = default;
};
// What a protect kept from a target: until when. Instant::Never() while it still does. Also a
// target that came back in the middle of its finding: its times count from when that was seen.
struct TargetGuard {
  std::string entity;
  RowId row;
  Verb verb = Verb::kDisable;  // something protected below a row vetoes `delete` alone
  Instant until;
  bool operator==(const TargetGuard&) const = default;
};

// Of an action, or a notice, whose stage an edit has taken out of the policy.
inline constexpr uint32_t kNoStage = 0xffff'ffff;

// How far an action of a finding has come: since when it is due, whether a person or the gates have
// let it go, when it was done. What is let go finishes; later stages count from when it is done.
struct StageAction {
  std::string entity;
  RowId row;
  Verb verb = Verb::kDisable;
  std::string playbook;
  uint32_t stage = 0;
  std::optional<RowId> account;  // that it is bound to
  Instant since;                 // when a plan first saw it due
  // Handed over, as this episode of this wanted state. Absent: nobody has let it go.
  std::optional<Instant> let_go;
  uint32_t episode = 0;
  std::string wanted_key;
  // Verified, or found done. Absent: it is still to be done.
  std::optional<Instant> done;
  bool operator==(const StageAction&) const = default;
};

struct Finding {
  std::string id;      // FindingId: the same in every plan while the finding lives, renamed or not
  std::string policy;  // full name
  std::string entity;  // of the judged row
  RowId row;
  uint32_t incarnation = 1;
  Instant opened_at;
  // Every target is in its wanted state and every notice sent. Kept while the match lasts: when a
  // target leaves its wanted state, a new finding opens.
  bool resolved = false;
  // The finding that this one followed when a target left its wanted state; empty otherwise.
  std::string follows;
  // Its first action was handed over, or its notice sent; once more when a notice had to name
  // targets whose times had begun anew. Ascending by stage, then instant.
  std::vector<StageTime> begun;
  std::vector<StageTime> noticed;     // its notice was sent; likewise
  std::vector<std::string> notified;  // who has been told: channels, "identity:ID"; sorted
  std::vector<TargetGuard> guards;    // sorted by entity, row, verb
  std::optional<Instant> alarmed_at;  // that `done within` was missed was said, the last time
  std::vector<StageAction> actions;   // sorted by entity, row, verb, playbook
  bool operator==(const Finding&) const = default;

  std::optional<Instant> BegunAt(uint32_t stage) const;  // the first time
  std::optional<Instant> BegunSince(uint32_t stage, Instant since) const;
  // A notice that was sent since then named every target whose times count from then or earlier.
  std::optional<Instant> NoticedSince(uint32_t stage, Instant since) const;
  // Some notice of it was sent since then, by whatever stage the policy had.
  bool WasNoticedSince(Instant since) const;
  // Its notice was sent when the stage began, the last time, or afterwards.
  bool NoticeStands(uint32_t stage) const;
  // Null: it is not remembered.
  const StageAction* FindAction(std::string_view entity_name, RowId target, Verb verb,
                                std::string_view playbook) const;
  std::span<const StageAction> ActionsOn(std::string_view entity_name, RowId target) const;
  // In its place; what was remembered of the same action is replaced.
  void PutAction(StageAction action);
};

// 24 lowercase hex digits over what identifies a finding when it opens.
std::string FindingId(const Finding& finding);

struct KnownProtect {
  std::string name;
  std::string meaning;  // "sha256:…"
  auto operator<=>(const KnownProtect&) const = default;
};

// A stage of the text that was confirmed: what it asks for (ir::Action::meaning), and when.
struct ConfirmedStage {
  Duration after;
  std::vector<std::string> actions;
  bool operator==(const ConfirmedStage&) const = default;
};

// What the store remembers of a policy beside its findings.
struct PolicyRecord {
  std::string policy;
  // Since when it has been seen in `mode enforce` without a break; nothing while it observes.
  std::optional<Instant> enforced_since;
  // The meaning that a person has confirmed (`apply --confirm`, a release); empty: none yet.
  std::string confirmed_meaning;
  // `after` of the first stage that removes something, as confirmed: the notice people were
  // promised. A shorter one takes effect only once confirmed.
  Duration confirmed_notice;
  // What its stages ask for (ir::Action::meaning), by stage: the numbers of stages in its findings
  // are those of this list. Empty: never noted.
  std::vector<std::vector<std::string>> stages{};
  // Those of the last apply at which it was confirmed, by name (known_protects.h).
  std::vector<KnownProtect> protects{};
  // Of the meaning that was confirmed: the dates of all that people were promised. Empty: not
  // noted, only the notice is known.
  std::vector<ConfirmedStage> confirmed_stages{};
  // What each of `stages` keeps when an edit gives it another number: rollback groups, which
  // outlive edits in the journal, are named by it. The ids of stages that are gone are given to
  // none.
  std::vector<uint32_t> stage_ids{};
  uint32_t next_stage_id = 0;
  bool operator==(const PolicyRecord&) const = default;
};

enum class FindingStep : uint8_t {
  kOpened = 1,
  kStanding = 2,
  kWithdrawn = 3,  // the match ended
  kResolved = 4,   // the last stage is done
  kReopened = 5,   // the match unbroken, a target left its wanted state: access has come back
  kTakenBack = 6,  // the match stands, but its policy only observes: what was announced is off
};

struct FindingTransition {
  FindingStep step = FindingStep::kOpened;
  Finding finding;  // afterwards; for kWithdrawn and kTakenBack as it was
  // Of those, and where the match ended after the last stage had begun: "it no longer matches", "it
  // is gone", "its policy was removed". For people.
  std::string detail;
};

std::string EncodeFinding(const Finding& finding);
// kCorrupt when the bytes are no finding, kUnsupported when a newer version wrote them.
Result<Finding> DecodeFinding(std::string_view bytes);
std::string EncodePolicyRecord(const PolicyRecord& record);
Result<PolicyRecord> DecodePolicyRecord(std::string_view bytes);

}  // namespace rescind

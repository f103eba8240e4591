// What a run leaves alone, row by row, as the audit log says it.
//
// What the planner holds is never handed to the journal and makes no transition, and what a protect
// or an exemption covers asks for nothing: without an entry of their own an auditor would find of
// both only counts. Each is said once, when a run first finds it, and of what was held also when it
// is held no more. A run that does nothing but hold is logged when it holds something else than the
// last one did.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/ir/program.h"
#include "runtime/audit/audit_event.h"
#include "runtime/journal/journal.h"
#include "runtime/plan/plan.h"
#include "runtime/service/apply_report.h"
#include "runtime/service/transition_recorder.h"
#include "runtime/store/store.h"

namespace rescind {

// How many messages the last run held (FORMAT.md).
inline constexpr std::string_view kHeldKey = "service/held";
// Which actions are held, and which rows are passed over, as far as the log has said so.
inline constexpr std::string_view kHeldActionPrefix = "service/held-action/";
inline constexpr std::string_view kPassedOverPrefix = "service/passed-over/";

// What is held and passed over now beside what the log has said of it.
struct HeldNews {
  struct Ended {
    std::string key;     // of the store
    std::string record;  // of the action
    std::string why;     // it is held no more
  };
  std::vector<size_t> held;         // in Plan::actions
  std::vector<size_t> passed_over;  // in Plan::not_acted_on
  std::vector<Ended> ended;
  std::vector<std::string> forgotten;  // keys of rows that are passed over no more
  bool notices_changed = false;        // another number of messages is held

  // There is something to log; that rows are passed over no more says nothing by itself.
  bool is_news() const {
    return !held.empty() || !passed_over.empty() || !ended.empty() || notices_changed;
  }
};

// `derived`: the plan of now, whole. Of its actions those of `report` are held, for what was read;
// what the journal has in flight it says itself. Errors: the store's.
Result<HeldNews> FindHeldNews(const Plan& derived, const ApplyReport& report,
                              const Journal& journal, const KeyValueReader& reader);

// Who says it, when, and by what.
struct HeldLogContext {
  const ir::Program& program;
  Store& store;
  TransitionRecorder& recorder;
  Instant at;         // of the entries
  Instant judged_at;  // of the plan
  std::string trigger;
};

// An entry for each, with its record, some thousands a commit: cut off between two, the next run
// says the rest.
Status LogHeld(const HeldNews& news, const Plan& derived, const ApplyReport& report,
               const HeldLogContext& context);

// How many actions and messages a run held, and how many for which reason, as its end says it.
// Reasons may name groups of a limit, and so people: they are committed to.
void AddHeld(const ApplyReport& report, AuditEvent& event);
// For the next run, in the commit of this one's end.
void PutHeldNotices(const ApplyReport& report, KeyValueBatch& batch);

}  // namespace rescind

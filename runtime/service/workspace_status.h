// WorkspaceStatus: how a workspace stands: feeds, findings, actions, the log. Read only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "runtime/journal/journal.h"
#include "runtime/plan/release.h"
#include "runtime/service/pipeline.h"
#include "runtime/service/unsent_notice.h"

namespace rescind {

struct FeedState {
  FeedStatus feed;
  std::string entity;
  uint64_t rows = 0;
  bool stale = false;
};

struct PolicyState {
  std::string policy;
  bool enforced = false;
  uint64_t open_count = 0;      // findings that still ask for something
  uint64_t done_count = 0;      // findings of which all is verified: the next apply ends them
  uint64_t resolved_count = 0;  // findings of which everything is done while the match lasts
  uint64_t unsent_count = 0;    // notices that no channel took
};

// The process that holds the store and looks after the workspace (`rescind serve`).
struct ServerState {
  int64_t process_id = 0;
  Instant since;
  uint64_t step_count = 0;
  Duration last_step;  // how long it took
  Instant next_look;   // Never: only when something happens
  uint64_t command_count = 0;
  // Why what was changed in rescind.toml or the policies is not in force; and why the last step
  // came to nothing. Empty: it is, it did not.
  std::string refused;
  std::string trouble;
};

struct WorkspaceStatus {
  std::optional<ServerState> server;  // nothing: it was asked for without one
  Instant now;
  std::string store_id;
  uint64_t facts_seq = 0;
  Instant last_change;  // of no meaning while facts_seq is 0
  std::optional<Instant> last_evaluation;
  std::string last_plan;  // its label; empty: none was applied
  std::vector<FeedState> feeds;
  std::vector<PolicyState> policies;
  std::map<ActionState, uint64_t> actions;
  uint64_t person_count = 0;             // of the actions: that need a person
  std::vector<JournalEntry> unfinished;  // those that need a person, then open ones
  std::vector<UnsentNotice> unsent;      // what the next apply tries to send again
  std::map<std::string, uint64_t> unsent_by_remedy;
  uint64_t unsent_count = 0;
  // What `apply --auto`, or the server, would leave now; most first.
  std::vector<HeldActions> held;
  std::vector<HeldActions> left;            // of stages that were rolled back
  std::string held_unknown_because;         // not empty: nothing could be judged
  std::vector<Release> releases;            // that wait for the apply they are for
  std::set<std::string> outdated_releases;  // ids of those that it will not use, but end
  uint64_t exemption_count = 0;             // active ones
  uint64_t audit_size = 0;
};

// At most `most_listed` actions and as many notices are listed; the counts are whole. `server`: the
// process that looks after the workspace, which judges limits as they roll; may be null.
Result<WorkspaceStatus> ReadStatus(Pipeline& pipeline, const ServerState* server = nullptr,
                                   size_t most_listed = 50);

std::string FormatStatus(const WorkspaceStatus& status);
std::string EncodeStatus(const WorkspaceStatus& status);  // rescind.status/1

}  // namespace rescind

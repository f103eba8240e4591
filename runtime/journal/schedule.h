// Schedule: which actions of which system a run works at next.
//
// One lane a system, one chain an account: the actions of a chain run one after the other,
// chains of a lane together, lanes independently. Compensation runs a chain backwards. A lane
// whose system fails is paused and then probed with one action at a time. Pure data in one
// thread; it takes no steps and knows no clock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/instant.h"
#include "runtime/journal/journal_entry.h"

namespace rescind {

class Schedule {
 public:
  // Keys of actions of one lane to work at together, each of another chain.
  struct Wave {
    std::string system;
    std::vector<std::string> keys;
    std::vector<std::string> chains;  // of the keys
  };

  // What a lane knows of its system.
  struct LaneHealth {
    uint32_t failure_count = 0;  // in a row
    std::optional<Instant> failing_since;
    Instant paused_until{0};
    std::string last_error;
  };

  // An action that can be run, or is compensating. One that is there already is moved.
  void Add(const JournalEntry& entry, Instant due);
  // The lanes take turns; the one that is handed out is busy until Release. nullopt: nothing is
  // due in any free lane.
  std::optional<Wave> Next(Instant now, uint32_t most_actions);
  // What became of one key of a wave that was handed out, before Release.
  void Finish(const std::string& key);
  void Again(const std::string& key, Instant due);
  void Release(const Wave& wave);
  // The first instant at which a free lane has something due.
  std::optional<Instant> NextDue() const;
  bool empty() const { return places_.empty(); }
  bool has_busy_lane() const;

  LaneHealth& Health(const std::string& system) { return lanes_[system].health; }
  std::map<std::string, std::string> FailingSystems() const;
  // Every key of a lane.
  std::vector<std::string> KeysOf(const std::string& system) const;

 private:
  // Smaller first: severity, age, key.
  using Rank = std::tuple<int, Instant, std::string>;
  // Within a chain: order as written, then rank.
  using Place = std::pair<uint32_t, Rank>;

  struct Chain {
    Rank rank;  // of its best action
    std::map<Place, std::string> forward;
    std::map<Place, std::string, std::greater<>> backward;
    std::map<std::string, Instant> due;
    bool is_out = false;  // in a wave

    bool empty() const { return forward.empty() && backward.empty(); }
    const std::string& head() const {
      return backward.empty() ? forward.begin()->second : backward.begin()->second;
    }
    Instant head_due() const { return due.at(head()); }
  };

  struct Lane {
    std::map<std::string, Chain> chains;
    std::set<std::pair<Rank, std::string>> ready;       // chains whose head is due
    std::set<std::pair<Instant, std::string>> waiting;  // chains whose head is not
    LaneHealth health;
    bool is_busy = false;
  };

  void Enqueue(Lane& lane, const std::string& name);
  void Dequeue(Lane& lane, const std::string& name);
  void Drop(const std::string& key);
  void TakeReady(Lane& lane, Instant now, uint32_t most_actions, Wave& wave);

  struct Address {
    std::string system;
    std::string chain;
    Place place;
    bool is_backward = false;
  };

  std::map<std::string, Lane> lanes_;
  std::map<std::string, Address> places_;  // by action key
  std::string last_lane_;                  // served last
};

}  // namespace rescind

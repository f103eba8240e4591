// Schedule: which actions of which system a run works at next.
//
// One lane a system, one chain an account: of a chain one action runs at a time, chains of a lane
// together, lanes independently. A chain has a strand for each stage of a finding: the actions of a
// strand run as written, and none before those that precede it are over. Between strands the more
// severe comes first, then the older. Compensation runs a strand backwards, before anything else.
// A lane whose system fails is paused and then probed with one action at a time. Pure data in one
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
  // Smaller first: severity, age, order as written, key.
  using Rank = std::tuple<int, Instant, uint32_t, std::string>;
  // Between strands: what is undone first, then by rank.
  using Turn = std::pair<bool, Rank>;
  // Within a strand: what is undone first and backwards, then as written, then by rank.
  using Place = std::tuple<bool, int64_t, Rank>;
  // Finding and stage.
  using Strand = std::pair<std::string, uint32_t>;

  struct Member {
    Turn turn;
    Place place;
    std::set<Strand> strands;  // of all its reasons
    Instant due;
  };

  class Chain {
   public:
    Rank rank;            // of its best action
    bool is_out = false;  // in a wave

    bool empty() const { return members_.empty(); }
    void Add(const std::string& key, Member member);
    void Drop(const std::string& key);
    void SetDue(const std::string& key, Instant due);
    // The first instant at which an action is due that waits for no other.
    Instant head_due() const { return ripe_.empty() ? unripe_.begin()->first : Instant{0}; }
    // The first of those that are due then; there must be one.
    const std::string& TakeHead(Instant now);

   private:
    void Hide(const std::string& key);
    void Review(const std::string& key);

    std::map<std::string, Member> members_;
    std::map<Strand, std::map<Place, std::string>> strands_;
    // Of the members that are the first of all their strands.
    std::map<Turn, std::string> ripe_;
    std::set<std::pair<Instant, std::string>> unripe_;
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
  };

  std::map<std::string, Lane> lanes_;
  std::map<std::string, Address> places_;  // by action key
  std::string last_lane_;                  // served last
};

}  // namespace rescind

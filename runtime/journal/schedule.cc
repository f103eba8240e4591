// A chain is in one of three places: in `ready` or `waiting` of its lane by when its head is due,
// or out with a wave. What happens to a chain that is out (Add, Finish, Again) takes effect when
// the wave is released.
#include "runtime/journal/schedule.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace rescind {

// ---- A chain --------------------------------------------------------------------------------

void Schedule::Chain::Add(const std::string& key, Member member) {
  std::vector<std::string> behind;  // heads that are none any more
  for (const Strand& strand : member.strands) {
    auto& places = strands_[strand];
    if (!places.empty()) behind.push_back(places.begin()->second);
    places.emplace(member.place, key);
  }
  members_[key] = std::move(member);
  for (const std::string& other : behind) Review(other);
  Review(key);
}

void Schedule::Chain::Drop(const std::string& key) {
  Hide(key);
  const auto member = members_.extract(key);
  std::vector<std::string> heads;
  for (const Strand& strand : member.mapped().strands) {
    const auto places = strands_.find(strand);
    places->second.erase(member.mapped().place);
    if (places->second.empty()) {
      strands_.erase(places);
    } else {
      heads.push_back(places->second.begin()->second);
    }
  }
  for (const std::string& head : heads) Review(head);
}

void Schedule::Chain::SetDue(const std::string& key, Instant due) {
  Hide(key);
  members_.at(key).due = due;
  Review(key);
}

void Schedule::Chain::Hide(const std::string& key) {
  const Member& member = members_.at(key);
  ripe_.erase(member.turn);
  unripe_.erase({member.due, key});
}

// INVARIANT: places order the members of all strands alike, so that one of them waits for no other.
void Schedule::Chain::Review(const std::string& key) {
  Hide(key);
  const Member& member = members_.at(key);
  const bool is_head =
      std::all_of(member.strands.begin(), member.strands.end(),
                  [&](const Strand& strand) { return strands_.at(strand).begin()->second == key; });
  if (is_head) unripe_.emplace(member.due, key);
}

const std::string& Schedule::Chain::TakeHead(Instant now) {
  while (!unripe_.empty() && unripe_.begin()->first <= now) {
    const std::string& key = unripe_.begin()->second;
    ripe_.emplace(members_.at(key).turn, key);
    unripe_.erase(unripe_.begin());
  }
  RESCIND_ASSERT(!ripe_.empty(), "nothing is due in the chain");
  return ripe_.begin()->second;
}

// ---- Lanes ----------------------------------------------------------------------------------

void Schedule::Enqueue(Lane& lane, const std::string& name) {
  const auto found = lane.chains.find(name);
  if (found == lane.chains.end() || found->second.is_out) return;
  if (found->second.empty()) {
    lane.chains.erase(found);
    return;
  }
  lane.waiting.emplace(found->second.head_due(), name);
}

void Schedule::Dequeue(Lane& lane, const std::string& name) {
  const auto found = lane.chains.find(name);
  if (found == lane.chains.end() || found->second.empty()) return;
  lane.ready.erase({found->second.rank, name});
  lane.waiting.erase({found->second.head_due(), name});
}

void Schedule::Add(const JournalEntry& entry, Instant due) {
  const std::string& key = entry.action.key;
  if (places_.contains(key)) Drop(key);
  const Rank rank{-static_cast<int>(entry.action.severity), entry.planned_at, entry.order, key};
  // An action that is bound to nothing is a chain of its own.
  const std::string chain_name = entry.account.empty() ? "\n" + key : entry.account;
  const bool is_forward = entry.state != ActionState::kCompensating;
  const int64_t order = entry.order;
  Member member{{is_forward, rank}, {is_forward, is_forward ? order : -order, rank}, {}, due};
  for (const ActionReason& reason : entry.action.reasons) {
    member.strands.emplace(reason.finding_id, reason.stage);
  }
  Address address{entry.action.target.system, chain_name};
  Lane& lane = lanes_[address.system];
  Dequeue(lane, chain_name);
  Chain& chain = lane.chains[chain_name];
  chain.rank = chain.empty() ? rank : std::min(chain.rank, rank);
  chain.Add(key, std::move(member));
  places_[key] = std::move(address);
  Enqueue(lane, chain_name);
}

void Schedule::Drop(const std::string& key) {
  const auto found = places_.find(key);
  RESCIND_ASSERT(found != places_.end(), "the action is not in the schedule");
  const Address& address = found->second;
  Lane& lane = lanes_.at(address.system);
  Dequeue(lane, address.chain);
  lane.chains.at(address.chain).Drop(key);
  Enqueue(lane, std::string(address.chain));
  places_.erase(found);
}

void Schedule::Finish(const std::string& key) {
  if (places_.contains(key)) Drop(key);
}

void Schedule::Again(const std::string& key, Instant due) {
  const auto found = places_.find(key);
  if (found == places_.end()) return;
  Lane& lane = lanes_.at(found->second.system);
  Dequeue(lane, found->second.chain);
  lane.chains.at(found->second.chain).SetDue(key, due);
  Enqueue(lane, found->second.chain);
}

void Schedule::TakeReady(Lane& lane, Instant now, uint32_t most_actions, Wave& wave) {
  while (!lane.waiting.empty() && lane.waiting.begin()->first <= now) {
    const std::string name = lane.waiting.begin()->second;
    lane.waiting.erase(lane.waiting.begin());
    lane.ready.emplace(lane.chains.at(name).rank, name);
  }
  while (!lane.ready.empty() && wave.keys.size() < most_actions) {
    const std::string name = lane.ready.begin()->second;
    lane.ready.erase(lane.ready.begin());
    Chain& chain = lane.chains.at(name);
    chain.is_out = true;
    wave.keys.push_back(chain.TakeHead(now));
    wave.chains.push_back(name);
  }
}

std::optional<Schedule::Wave> Schedule::Next(Instant now, uint32_t most_actions) {
  auto lane = lanes_.upper_bound(last_lane_);
  for (size_t turns = 0; turns < lanes_.size(); ++turns, ++lane) {
    if (lane == lanes_.end()) lane = lanes_.begin();
    if (lane->second.is_busy || lane->second.health.paused_until > now) continue;
    const bool is_probe = lane->second.health.failure_count > 0;
    Wave wave{lane->first, {}, {}};
    TakeReady(lane->second, now, is_probe ? 1 : std::max(most_actions, 1u), wave);
    if (wave.keys.empty()) continue;
    lane->second.is_busy = true;
    last_lane_ = lane->first;
    return wave;
  }
  return std::nullopt;
}

void Schedule::Release(const Wave& wave) {
  Lane& lane = lanes_.at(wave.system);
  RESCIND_ASSERT(lane.is_busy, "the lane was not handed out");
  lane.is_busy = false;
  for (const std::string& name : wave.chains) {
    lane.chains.at(name).is_out = false;
    Enqueue(lane, name);
  }
}

std::optional<Instant> Schedule::NextDue() const {
  std::optional<Instant> first;
  for (const auto& [system, lane] : lanes_) {
    if (lane.is_busy || (lane.ready.empty() && lane.waiting.empty())) continue;
    const Instant due = lane.ready.empty() ? lane.waiting.begin()->first : Instant{0};
    const Instant at = std::max(due, lane.health.paused_until);
    if (!first || at < *first) first = at;
  }
  return first;
}

bool Schedule::has_busy_lane() const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return lane.second.is_busy; });
}

std::map<std::string, std::string> Schedule::FailingSystems() const {
  std::map<std::string, std::string> failing;
  for (const auto& [system, lane] : lanes_) {
    if (lane.health.failure_count > 0) failing[system] = lane.health.last_error;
  }
  return failing;
}

std::vector<std::string> Schedule::KeysOf(const std::string& system) const {
  std::vector<std::string> keys;
  for (const auto& [key, address] : places_) {
    if (address.system == system) keys.push_back(key);
  }
  return keys;
}

}  // namespace rescind

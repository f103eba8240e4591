#include "engine/facts/set_pool.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace rescind {
namespace {

template <typename T>
uint64_t HashOf(const std::vector<T>& members) {
  uint64_t hash = 0x9e3779b97f4a7c15ULL + members.size();
  for (const T member : members) {
    hash ^= static_cast<uint64_t>(member);
    hash *= 0xff51afd7ed558ccdULL;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace

SetPool::SetPool() : begins_{0, 0} {}

std::span<const uint32_t> SetPool::Members(uint32_t set) const {
  RESCIND_ASSERT(set < count(), "set id out of range");
  if (members_.empty()) return {};
  return std::span(members_).subspan(begins_[set], begins_[set + 1] - begins_[set]);
}

std::span<const int64_t> SetPool::Integers(uint32_t set) const {
  RESCIND_ASSERT(set < count(), "set id out of range");
  if (integers_.empty()) return {};
  return std::span(integers_).subspan(begins_[set], begins_[set + 1] - begins_[set]);
}

bool SetPool::Has(uint32_t set, uint32_t member) const {
  const auto members = Members(set);
  return std::binary_search(members.begin(), members.end(), member);
}

bool SetPool::HasInteger(uint32_t set, int64_t member) const {
  const auto members = Integers(set);
  return std::binary_search(members.begin(), members.end(), member);
}

template <typename T>
uint32_t SetPool::InternInto(std::vector<T>& storage, std::span<const T> given) {
  if (given.empty()) return 0;
  std::vector<T> members(given.begin(), given.end());
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  const uint64_t hash = HashOf(members);
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    const auto begin = storage.begin() + static_cast<ptrdiff_t>(begins_[it->second]);
    const auto end = storage.begin() + static_cast<ptrdiff_t>(begins_[it->second + 1]);
    if (std::equal(begin, end, members.begin(), members.end())) return it->second;
  }
  const uint32_t id = count();
  storage.insert(storage.end(), members.begin(), members.end());
  begins_.push_back(storage.size());
  by_hash_.emplace(hash, id);
  return id;
}

uint32_t SetPool::Intern(std::span<const uint32_t> members) {
  RESCIND_ASSERT(integers_.empty(), "a pool of integers given codes");
  return InternInto(members_, members);
}

uint32_t SetPool::InternIntegers(std::span<const int64_t> members) {
  RESCIND_ASSERT(members_.empty(), "a pool of codes given integers");
  return InternInto(integers_, members);
}

uint64_t SetPool::bytes() const {
  return begins_.size() * 8 + members_.size() * 4 + integers_.size() * 8 + by_hash_.size() * 32;
}

}  // namespace rescind

// SetPool: the distinct sets of one column of `set of T`, each with a dense id; 0 is the empty set.
//
// Members are sorted and distinct: codes of the column's dictionary (text), row ids (entity) or
// member numbers (enum) as uint32_t; for `set of int`, int64_t. It knows nothing of rows.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace rescind {

class SetPool {
 public:
  SetPool();

  uint32_t count() const { return static_cast<uint32_t>(begins_.size() - 1); }
  // For text, entity and enum members. Valid until the next Intern.
  std::span<const uint32_t> Members(uint32_t set) const;
  // For `set of int`.
  std::span<const int64_t> Integers(uint32_t set) const;
  bool Has(uint32_t set, uint32_t member) const;
  bool HasInteger(uint32_t set, int64_t member) const;

  // Members in any order, duplicates allowed. One pool serves one kind of member only.
  uint32_t Intern(std::span<const uint32_t> members);
  uint32_t InternIntegers(std::span<const int64_t> members);
  uint64_t bytes() const;

 private:
  template <typename T>
  uint32_t InternInto(std::vector<T>& storage, std::span<const T> members);

  std::vector<uint64_t> begins_;  // one more than sets
  std::vector<uint32_t> members_;
  std::vector<int64_t> integers_;
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;
};

}  // namespace rescind

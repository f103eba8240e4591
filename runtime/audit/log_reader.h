// LogReader: the log as it lies in the store: leaves, tiles, side data, signed checkpoints.
//
// Leaves are the truth; full tiles are kept beside them so that opening and proving need not hash
// the whole log. Reads only; the names of the keys are here and in FORMAT.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/audit/leaf.h"
#include "runtime/audit/leaf_source.h"
#include "runtime/audit/merkle_tree.h"
#include "runtime/audit/tile.h"
#include "runtime/store/key_value.h"

namespace rescind {

// Keys in the store. Numbers are 8 bytes, big-endian, so that order is numeric.
inline constexpr std::string_view kLeafPrefix = "audit/leaf/";              // + index
inline constexpr std::string_view kTilePrefix = "audit/tile/";              // + level byte, index
inline constexpr std::string_view kPersonalPrefix = "audit/personal/";      // + index, n (2 bytes)
inline constexpr std::string_view kBesidePrefix = "audit/beside/";          // + index
inline constexpr std::string_view kCheckpointPrefix = "audit/checkpoint/";  // + size
inline constexpr std::string_view kPublicKeyName = "audit/public_key";

std::string NumberKey(std::string_view prefix, uint64_t number);
std::string TileKey(uint32_t level, uint64_t index);
std::string PersonalKey(uint64_t leaf_index, uint16_t n);
std::string EncodePersonal(const PersonalValue& value);
std::optional<PersonalValue> DecodePersonal(std::string_view bytes);

class LogReader final : public NodeReader, public LeafSource {
 public:
  // `store` must outlive it.
  explicit LogReader(const KeyValueReader& store) : store_(store) {}
  // The same, which takes hashes of leaves from `leaves_from` on from these themselves and from no
  // tile: a root that is right proves what was read of them.
  LogReader(const KeyValueReader& store, uint64_t leaves_from)
      : store_(store), leaves_from_(leaves_from) {}

  Result<uint64_t> Size() const override;
  // kNotFound when there is no such leaf.
  Result<std::string> Leaf(uint64_t index) const;
  Status Scan(uint64_t from, const std::function<bool(uint64_t index, std::string_view leaf)>& take)
      const override;
  // What lies beside a leaf; nullopt: nothing.
  Result<std::optional<std::string>> Beside(uint64_t index) const;
  // The personal values of a leaf that have not been erased, as they lie there: whether each is
  // what the leaf commits to is the caller's to check. One that was cut has no salt.
  Result<std::vector<PersonalValue>> Personal(uint64_t index) const;
  // The last signed checkpoint; nullopt: none yet.
  Result<std::optional<std::string>> LastCheckpoint() const;
  Result<std::optional<std::string>> PublicKey() const;

  // Of the committed tree. Uses full tiles, and leaves where there is none yet.
  Result<TreeHash> Node(uint32_t level, uint64_t index) const override;
  // The right edge of the tree of `size` leaves.
  Result<TileEdge> Edge(uint64_t size) const;

 private:
  Result<std::optional<std::vector<TreeHash>>> Tile(uint32_t level, uint64_t index) const;

  const KeyValueReader& store_;
  uint64_t leaves_from_ = UINT64_MAX;
};

}  // namespace rescind

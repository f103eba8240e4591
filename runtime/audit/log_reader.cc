#include "runtime/audit/log_reader.h"

#include <fmt/format.h>

#include "engine/base/assert.h"
#include "runtime/store/restore_help.h"

namespace rescind {
namespace {

std::string BigEndian(uint64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
  return bytes;
}

uint64_t FromBigEndian(std::string_view bytes) {
  RESCIND_ASSERT(bytes.size() == 8, "a number in a key has eight bytes");
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

Error Damaged(std::string what) { return {ErrorKind::kCorrupt, std::move(what), kRestoreHelp}; }

Result<uint64_t> LeafIndexOf(std::string_view key) {
  if (key.size() != kLeafPrefix.size() + 8) return Damaged("the audit log has a malformed key");
  return FromBigEndian(key.substr(kLeafPrefix.size()));
}

}  // namespace

std::string NumberKey(std::string_view prefix, uint64_t number) {
  return std::string(prefix) + BigEndian(number);
}

std::string TileKey(uint32_t level, uint64_t index) {
  return fmt::format("{}{}{}", kTilePrefix, static_cast<char>(level), BigEndian(index));
}

std::string PersonalKey(uint64_t leaf_index, uint16_t n) {
  std::string key = NumberKey(kPersonalPrefix, leaf_index);
  key.push_back(static_cast<char>(n >> 8));
  key.push_back(static_cast<char>(n & 0xFF));
  return key;
}

std::string EncodePersonal(const PersonalValue& value) {
  RESCIND_ASSERT(value.salt.size() == kSaltBytes, "a salt has 32 bytes");
  return value.salt + value.value;
}

std::optional<PersonalValue> DecodePersonal(std::string_view bytes) {
  if (bytes.size() < kSaltBytes) return std::nullopt;
  return PersonalValue{std::string(bytes.substr(0, kSaltBytes)),
                       std::string(bytes.substr(kSaltBytes))};
}

Result<uint64_t> LogReader::Size() const {
  RESCIND_ASSIGN(const auto last, store_.Last(kLeafPrefix));
  if (!last) return uint64_t{0};
  RESCIND_ASSIGN(const uint64_t index, LeafIndexOf(last->first));
  return index + 1;
}

Result<std::string> LogReader::Leaf(uint64_t index) const {
  RESCIND_ASSIGN(auto leaf, store_.Get(NumberKey(kLeafPrefix, index)));
  if (!leaf) {
    return Error{ErrorKind::kNotFound, fmt::format("the audit log has no entry {}", index),
                 "`rescind audit show` lists the entries"};
  }
  return *std::move(leaf);
}

Status LogReader::Scan(
    uint64_t from, const std::function<bool(uint64_t index, std::string_view leaf)>& take) const {
  uint64_t expected = from;
  Status problem;
  RESCIND_TRY(store_.Scan(
      kLeafPrefix, NumberKey(kLeafPrefix, from), [&](std::string_view key, std::string_view value) {
        const Result<uint64_t> index = LeafIndexOf(key);
        if (!index.ok()) {
          problem = index.error();
          return false;
        }
        if (*index != expected) {
          problem = Damaged(fmt::format("entry {} of the audit log is missing", expected));
          return false;
        }
        ++expected;
        return take(*index, value);
      }));
  return problem;
}

Result<std::optional<std::string>> LogReader::Beside(uint64_t index) const {
  return store_.Get(NumberKey(kBesidePrefix, index));
}

Result<std::vector<PersonalValue>> LogReader::Personal(uint64_t index) const {
  std::vector<PersonalValue> values;
  RESCIND_TRY(store_.Scan(
      NumberKey(kPersonalPrefix, index), "", [&](std::string_view, std::string_view bytes) {
        auto value = DecodePersonal(bytes);
        values.push_back(value ? *std::move(value) : PersonalValue{"", std::string(bytes)});
        return true;
      }));
  return values;
}

Result<std::optional<std::string>> LogReader::LastCheckpoint() const {
  RESCIND_ASSIGN(auto last, store_.Last(kCheckpointPrefix));
  if (!last) return std::optional<std::string>();
  return std::optional(std::move(last->second));
}

Result<std::optional<std::string>> LogReader::PublicKey() const {
  return store_.Get(kPublicKeyName);
}

Result<std::optional<std::vector<TreeHash>>> LogReader::Tile(uint32_t level, uint64_t index) const {
  RESCIND_ASSIGN(const auto bytes, store_.Get(TileKey(level, index)));
  if (!bytes) return std::optional<std::vector<TreeHash>>();
  auto hashes = DecodeTile(*bytes, kTileWidth);
  if (!hashes) return Damaged(fmt::format("tile {} of level {} is damaged", index, level));
  return hashes;
}

Result<TreeHash> LogReader::Node(uint32_t level, uint64_t index) const {
  const uint64_t last_leaf = ((index + 1) << level) - 1;
  if (last_leaf >= leaves_from_) {
    if (level == 0) {
      RESCIND_ASSIGN(const std::string leaf, Leaf(index));
      return LeafHash(leaf);
    }
    RESCIND_ASSIGN(const TreeHash left, Node(level - 1, index * 2));
    RESCIND_ASSIGN(const TreeHash right, Node(level - 1, index * 2 + 1));
    return NodeHash(left, right);
  }
  const uint32_t tile_level = level / kTileHeight;
  const uint32_t within = level % kTileHeight;  // 2^within hashes of that tile
  const uint64_t first = index << within;       // counted in hashes of tile_level
  RESCIND_ASSIGN(const auto tile, Tile(tile_level, first / kTileWidth));
  if (tile) return PerfectRoot(tile->data() + first % kTileWidth, size_t{1} << within);
  if (level == 0) {
    RESCIND_ASSIGN(const std::string leaf, Leaf(index));
    return LeafHash(leaf);
  }
  // The tile is not full yet: a hash of it is the root of a full tile below, or of two nodes.
  if (within == 0) {
    RESCIND_ASSIGN(const auto below, Tile(tile_level - 1, index));
    if (!below)
      return Damaged(fmt::format("tile {} of level {} is missing", index, tile_level - 1));
    return PerfectRoot(below->data(), below->size());
  }
  RESCIND_ASSIGN(const TreeHash left, Node(level - 1, index * 2));
  RESCIND_ASSIGN(const TreeHash right, Node(level - 1, index * 2 + 1));
  return NodeHash(left, right);
}

Result<TileEdge> LogReader::Edge(uint64_t size) const {
  std::vector<std::vector<TreeHash>> levels;
  uint32_t level = 0;
  for (uint64_t count = size; count > 0; count /= kTileWidth, ++level) {
    std::vector<TreeHash>& edge = levels.emplace_back();
    for (uint64_t i = count - count % kTileWidth; i < count; ++i) {
      RESCIND_ASSIGN(const TreeHash hash, Node(level * kTileHeight, i));
      edge.push_back(hash);
    }
  }
  TileEdge result;
  result.Restore(size, std::move(levels));
  return result;
}

}  // namespace rescind

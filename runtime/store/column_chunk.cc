#include "runtime/store/column_chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/base/assert.h"
#include "runtime/store/byte_codec.h"
#include "runtime/store/restore_help.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint8_t kChunkFormat = 1;
// Stored. Never renumber.
constexpr uint8_t kRaw = 0;
constexpr uint8_t kConstant = 1;

bool AllEqual(const uint8_t* values, uint32_t width) {
  // Every value equals its neighbour exactly when the array equals itself shifted by one value.
  return std::memcmp(values, values + width, size_t{kChunkRows - 1} * width) == 0;
}

}  // namespace

uint64_t ReadNumber(const uint8_t* values, uint32_t width, uint32_t index) {
  if (width == 1) return values[index];
  if (width == 4) {
    uint32_t number = 0;
    std::memcpy(&number, values + size_t{index} * 4, 4);
    return number;
  }
  uint64_t number = 0;
  std::memcpy(&number, values + size_t{index} * 8, 8);
  return number;
}

void WriteNumber(uint8_t* values, uint32_t width, uint32_t index, uint64_t number) {
  std::memcpy(values + size_t{index} * width, &number, width);  // little-endian
}

void FillNumbers(uint8_t* values, uint32_t width, uint32_t count, uint64_t number) {
  if (width == 1) {
    std::memset(values, static_cast<int>(number), count);
  } else if (width == 4) {
    auto* words = reinterpret_cast<uint32_t*>(values);
    std::fill(words, words + count, static_cast<uint32_t>(number));
  } else {
    auto* longs = reinterpret_cast<uint64_t*>(values);
    std::fill(longs, longs + count, number);
  }
}

Error CorruptRecord(std::string_view what) {
  return Error{ErrorKind::kCorrupt, fmt::format("{} does not match its checksum or format", what),
               kRestoreHelp};
}

std::string EncodeChunk(const uint8_t* values, uint32_t width, uint64_t facts_seq) {
  const bool constant = AllEqual(values, width);
  ByteWriter writer;
  writer.bytes().reserve(24 + (constant ? width : size_t{kChunkRows} * width) + 8);
  writer.Put8(kChunkFormat);
  writer.Put8(constant ? kConstant : kRaw);
  writer.Put8(static_cast<uint8_t>(width));
  writer.Put8(0);
  writer.Put32(kChunkRows);
  writer.Put64(facts_seq);
  writer.PutRaw(values, constant ? width : size_t{kChunkRows} * width);
  Seal(writer.bytes());
  return std::move(writer.bytes());
}

namespace {

struct ChunkBody {
  bool is_constant = false;
  std::string_view raw;  // of the values, or of the one value
};

std::optional<ChunkBody> OpenChunk(std::string_view bytes, uint32_t width) {
  const auto body = Unseal(bytes);
  if (!body) return std::nullopt;
  ByteReader reader(*body);
  const uint8_t format = reader.Take8();
  const uint8_t encoding = reader.Take8();
  const uint8_t stored_width = reader.Take8();
  reader.Take8();
  const uint32_t count = reader.Take32();
  reader.Take64();
  if (format != kChunkFormat || stored_width != width || count != kChunkRows) return std::nullopt;
  ChunkBody chunk;
  chunk.is_constant = encoding == kConstant;
  chunk.raw = reader.TakeRaw(chunk.is_constant ? width : size_t{kChunkRows} * width);
  return reader.done() ? std::optional(chunk) : std::nullopt;
}

}  // namespace

Status DecodeChunk(std::string_view bytes, uint32_t width, uint8_t* values, std::string_view what) {
  const auto chunk = OpenChunk(bytes, width);
  if (!chunk) return CorruptRecord(what);
  if (chunk->is_constant) {
    uint64_t number = 0;
    std::memcpy(&number, chunk->raw.data(), width);
    FillNumbers(values, width, kChunkRows, number);
  } else {
    std::memcpy(values, chunk->raw.data(), chunk->raw.size());
  }
  return {};
}

std::optional<uint64_t> ConstantOf(std::string_view bytes, uint32_t width) {
  const auto chunk = OpenChunk(bytes, width);
  if (!chunk || !chunk->is_constant) return std::nullopt;
  uint64_t number = 0;
  std::memcpy(&number, chunk->raw.data(), width);
  return number;
}

}  // namespace rescind

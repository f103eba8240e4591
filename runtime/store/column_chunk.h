// A column chunk on disk: the values of 4,096 rows, or one value that they all have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace rescind {

// `values` are kChunkRows numbers of `width` bytes (1, 4 or 8).
std::string EncodeChunk(const uint8_t* values, uint32_t width, uint64_t facts_seq);
// Fills kChunkRows numbers. kCorrupt when it is no chunk of that width; `what` names it.
Status DecodeChunk(std::string_view bytes, uint32_t width, uint8_t* values, std::string_view what);

// The one number that all values of an encoded chunk have, when it was written as such; nothing for
// other chunks and for bytes that are no sound chunk of that width.
std::optional<uint64_t> ConstantOf(std::string_view bytes, uint32_t width);

// One number among `values`, widened; and the other way round.
uint64_t ReadNumber(const uint8_t* values, uint32_t width, uint32_t index);
void WriteNumber(uint8_t* values, uint32_t width, uint32_t index, uint64_t number);
void FillNumbers(uint8_t* values, uint32_t width, uint32_t count, uint64_t number);

Error CorruptRecord(std::string_view what);

}  // namespace rescind

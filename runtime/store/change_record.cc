#include "runtime/store/change_record.h"

#include <utility>

#include "runtime/store/byte_codec.h"
#include "runtime/store/column_chunk.h"

namespace rescind {
namespace {

constexpr uint8_t kRecordFormat = 1;
// Stored. Never renumber.
constexpr uint8_t kFoldedFlag = 1;

void EncodeNumbers(ByteWriter& writer, const std::vector<uint64_t>& numbers, uint32_t width) {
  std::string& bytes = writer.bytes();
  const size_t begin = bytes.size();
  bytes.resize(begin + numbers.size() * width);
  auto* raw = reinterpret_cast<uint8_t*>(bytes.data() + begin);
  for (size_t i = 0; i < numbers.size(); ++i) {
    WriteNumber(raw, width, static_cast<uint32_t>(i), numbers[i]);
  }
}

std::vector<uint64_t> DecodeNumbers(ByteReader& reader, uint32_t count, uint32_t width) {
  std::vector<uint64_t> numbers;
  const std::string_view raw = reader.TakeRaw(uint64_t{count} * width);
  if (!reader.ok()) return numbers;
  numbers.resize(count);
  const auto* bytes = reinterpret_cast<const uint8_t*>(raw.data());
  for (uint32_t i = 0; i < count; ++i) numbers[i] = ReadNumber(bytes, width, i);
  return numbers;
}

void EncodeGroup(ByteWriter& writer, const CellGroup& group) {
  writer.Put32(group.entity);
  writer.Put32(group.column);
  writer.Put8(static_cast<uint8_t>(group.width));
  writer.Put8(group.has_olds ? 1 : 0);
  writer.Put32(static_cast<uint32_t>(group.cells.rows.size()));
  writer.PutRaw(group.cells.rows.data(), group.cells.rows.size() * 4);
  if (group.has_olds) EncodeNumbers(writer, group.cells.olds, group.width);
  EncodeNumbers(writer, group.cells.news, group.width);
}

CellGroup DecodeGroup(ByteReader& reader) {
  CellGroup group;
  group.entity = reader.Take32();
  group.column = reader.Take32();
  group.width = reader.Take8();
  group.has_olds = reader.Take8() != 0;
  if (group.width != 1 && group.width != 4 && group.width != 8) reader.TakeRaw(~uint64_t{0});
  const uint32_t count = reader.Take32();
  const std::string_view rows = reader.TakeRaw(uint64_t{count} * 4);
  if (!reader.ok()) return group;
  group.cells.rows.resize(count);
  std::memcpy(group.cells.rows.data(), rows.data(), rows.size());
  if (group.has_olds) group.cells.olds = DecodeNumbers(reader, count, group.width);
  group.cells.news = DecodeNumbers(reader, count, group.width);
  return group;
}

void EncodeTexts(ByteWriter& writer, const std::vector<std::string>& texts) {
  writer.Put32(static_cast<uint32_t>(texts.size()));
  for (const std::string& text : texts) writer.PutText(text);
}

std::vector<std::string> DecodeTexts(ByteReader& reader, bool keep) {
  std::vector<std::string> texts;
  const uint32_t count = reader.Take32();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    const std::string_view text = reader.TakeText();
    if (keep) texts.emplace_back(text);
  }
  return texts;
}

}  // namespace

std::string ChangeRecord::Encode() const {
  ByteWriter writer;
  writer.Put8(kRecordFormat);
  writer.Put8(folded ? kFoldedFlag : 0);
  writer.Put64(facts_seq);
  writer.PutMicros(at.micros);
  writer.Put32(static_cast<uint32_t>(rows.size()));
  for (const AddedRows& added : rows) {
    writer.Put32(added.entity);
    writer.Put32(added.first_row);
    writer.Put32(added.count);
    EncodeTexts(writer, added.ids);
  }
  writer.Put32(static_cast<uint32_t>(texts.size()));
  for (const AddedTexts& added : texts) {
    writer.Put32(added.entity);
    writer.Put32(added.list);
    EncodeTexts(writer, added.texts);
  }
  writer.Put32(static_cast<uint32_t>(sources.size()));
  for (const SourceChange& change : sources) {
    writer.Put32(change.entity);
    writer.PutText(change.source);
    writer.Put8(change.before ? 1 : 0);
    if (change.before) change.before->Encode(writer);
    change.after.Encode(writer);
  }
  writer.Put32(static_cast<uint32_t>(groups.size()));
  for (const CellGroup& group : groups) EncodeGroup(writer, group);
  Seal(writer.bytes());
  return std::move(writer.bytes());
}

bool ChangeRecord::IsFolded(std::string_view bytes) {
  ByteReader reader(bytes);
  reader.Take8();
  return (reader.Take8() & kFoldedFlag) != 0;
}

void ChangeRecord::ForgetReplay() {
  folded = true;
  texts.clear();
  for (AddedRows& added : rows) added.ids.clear();
  std::erase_if(groups, [](const CellGroup& group) { return !group.has_olds; });
}

Result<ChangeRecord> ChangeRecord::Decode(std::string_view bytes, bool whole) {
  constexpr std::string_view kWhat = "a record of the change log";
  const auto body = Unseal(bytes);
  if (!body) return CorruptRecord(kWhat);
  ByteReader reader(*body);
  ChangeRecord record;
  if (reader.Take8() != kRecordFormat) return CorruptRecord(kWhat);
  record.folded = (reader.Take8() & kFoldedFlag) != 0;
  record.facts_seq = reader.Take64();
  record.at = {reader.TakeMicros()};
  for (uint32_t left = reader.Take32(); left > 0 && reader.ok(); --left) {
    AddedRows& added = record.rows.emplace_back();
    added.entity = reader.Take32();
    added.first_row = reader.Take32();
    added.count = reader.Take32();
    added.ids = DecodeTexts(reader, whole);
  }
  for (uint32_t left = reader.Take32(); left > 0 && reader.ok(); --left) {
    AddedTexts& added = record.texts.emplace_back();
    added.entity = reader.Take32();
    added.list = reader.Take32();
    added.texts = DecodeTexts(reader, whole);
  }
  for (uint32_t left = reader.Take32(); left > 0 && reader.ok(); --left) {
    SourceChange& change = record.sources.emplace_back();
    change.entity = reader.Take32();
    change.source = reader.TakeText();
    if (reader.Take8() != 0) change.before = SourceState::Decode(reader);
    change.after = SourceState::Decode(reader);
  }
  if (!whole && reader.ok()) return record;
  for (uint32_t left = reader.Take32(); left > 0 && reader.ok(); --left) {
    record.groups.push_back(DecodeGroup(reader));
  }
  if (!reader.done()) return CorruptRecord(kWhat);
  return record;
}

}  // namespace rescind

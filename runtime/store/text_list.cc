#include "runtime/store/text_list.h"

#include <fmt/format.h>

#include "runtime/store/byte_codec.h"
#include "runtime/store/column_chunk.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint8_t kBlockFormat = 1;
constexpr size_t kBlockBytes = 64 << 10;
constexpr uint32_t kShortList = 20'000;  // texts; loading them takes a millisecond or two

// Calls `take` with each text of a block, in order. False: it is not sound.
template <typename Take>
bool ForEachText(std::string_view value, const Take& take) {
  const auto body = Unseal(value);
  if (!body) return false;
  ByteReader reader(*body);
  if (reader.Take8() != kBlockFormat) return false;
  const uint32_t count = reader.Take32();
  for (uint32_t i = 0; i < count; ++i) {
    const std::string_view text = reader.TakeText();
    if (!reader.ok()) return false;
    take(text);
  }
  return true;
}

}  // namespace

Error TextList::Corrupt() const {
  return CorruptRecord(fmt::format("text list {} of entity {}", list_, entity_));
}

Status TextList::Load(const Database& database) {
  const std::lock_guard lock(loading_);
  if (loaded_) return {};
  auto texts = std::make_unique<TextDictionary>();
  bool sound = true;
  const std::string prefix = TextListPrefix(entity_, list_);
  const auto take = [&](std::string_view key, std::string_view value) {
    const uint32_t first = BigEndian32(key.substr(prefix.size()));
    if (first >= folded_count_) return false;
    sound = first == texts->count() && ForEachText(value, [&](std::string_view text) {
              if (texts->count() < folded_count_) texts->Append(text);
            });
    return sound;
  };
  RESCIND_TRY(database.Scan(Family::kKeys, prefix, AfterPrefix(prefix), take));
  if (!sound || texts->count() != folded_count_) return Corrupt();
  for (const std::string& text : pending_) texts->Append(text);
  pending_.clear();
  texts_ = std::move(texts);
  loaded_.store(true, std::memory_order_release);
  return {};
}

Result<bool> TextList::FindShown(const Database& database, uint32_t code, std::string& text) {
  const std::lock_guard lock(loading_);
  if (loaded_ || folded_count_ < kShortList) return false;
  if (code >= folded_count_) {
    if (code - folded_count_ >= pending_.size()) return Corrupt();
    text = pending_[code - folded_count_];
    return true;
  }
  const auto holds = [&] { return code - shown_.first < shown_.texts.size(); };
  if (!holds()) {
    if (shown_texts_ > folded_count_ / 4) return false;
    const std::string prefix = TextListPrefix(entity_, list_);
    shown_.texts.clear();
    bool sound = false;
    const auto take = [&](std::string_view key, std::string_view value) {
      shown_.first = BigEndian32(key.substr(prefix.size()));
      sound = ForEachText(value, [&](std::string_view one) { shown_.texts.emplace_back(one); });
      return false;
    };
    RESCIND_TRY(
        database.ScanBack(Family::kKeys, prefix, TextListKey(entity_, list_, code + 1), take));
    if (!sound || !holds()) return Corrupt();
    shown_texts_ += shown_.texts.size();
  }
  text = shown_.texts[code - shown_.first];
  return true;
}

Result<std::string> TextList::Show(const Database& database, uint32_t code) {
  std::string text;
  RESCIND_ASSIGN(const bool found, FindShown(database, code, text));
  if (found) return text;
  RESCIND_TRY(Need(database));
  if (code >= texts_->count()) return Corrupt();
  return std::string(texts_->Text(code));
}

Status TextList::Fold(FoldSink& sink) {
  const uint32_t end = count();
  for (uint32_t code = folded_count_; code < end;) {
    ByteWriter texts;
    const uint32_t first = code;
    for (; code < end && texts.bytes().size() < kBlockBytes; ++code) {
      texts.PutText(texts_ ? texts_->Text(code) : pending_[code - folded_count_]);
    }
    ByteWriter block;
    block.Put8(kBlockFormat);
    block.Put32(code - first);
    block.PutRaw(texts.bytes().data(), texts.bytes().size());
    Seal(block.bytes());
    RESCIND_TRY(sink.Put(Family::kKeys, TextListKey(entity_, list_, first), block.bytes()));
  }
  folded_count_ = end;
  pending_.clear();
  return {};
}

void TextList::RemoveLeftovers(const Database& database, rocksdb::WriteBatch& batch) const {
  database.DeleteRange(batch, Family::kKeys, TextListKey(entity_, list_, folded_count_),
                       AfterPrefix(TextListPrefix(entity_, list_)));
}

}  // namespace rescind

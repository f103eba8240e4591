#include "runtime/store/text_list.h"

#include <fmt/format.h>

#include "runtime/store/byte_codec.h"
#include "runtime/store/column_chunk.h"
#include "runtime/store/store_layout.h"

namespace rescind {
namespace {

constexpr uint8_t kBlockFormat = 1;
constexpr size_t kBlockBytes = 64 << 10;

}  // namespace

Status TextList::Load(const Database& database) {
  const std::lock_guard lock(loading_);
  if (loaded_) return {};
  auto texts = std::make_unique<TextDictionary>();
  bool sound = true;
  const std::string prefix = TextListPrefix(entity_, list_);
  RESCIND_TRY(database.Scan(Family::kKeys, prefix, AfterPrefix(prefix),
                            [&](std::string_view key, std::string_view value) {
                              const uint32_t first = BigEndian32(key.substr(prefix.size()));
                              if (first >= folded_count_) return false;
                              const auto body = Unseal(value);
                              ByteReader reader(body ? *body : std::string_view());
                              sound =
                                  body && reader.Take8() == kBlockFormat && first == texts->count();
                              const uint32_t count = reader.Take32();
                              for (uint32_t i = 0; sound && i < count; ++i) {
                                const std::string_view text = reader.TakeText();
                                sound = reader.ok();
                                if (sound && texts->count() < folded_count_) texts->Append(text);
                              }
                              return sound;
                            }));
  if (!sound || texts->count() != folded_count_) {
    return CorruptRecord(fmt::format("text list {} of entity {}", list_, entity_));
  }
  for (const std::string& text : pending_) texts->Append(text);
  pending_.clear();
  texts_ = std::move(texts);
  loaded_.store(true, std::memory_order_release);
  return {};
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

#include "runtime/store/store_layout.h"

#include "runtime/store/byte_codec.h"

namespace rescind {
namespace {

std::string Key(char kind, uint32_t a, uint32_t b) {
  std::string key(1, kind);
  AppendBigEndian32(key, a);
  AppendBigEndian32(key, b);
  return key;
}

}  // namespace

std::string DirectoryKey(uint32_t entity, uint32_t column) { return Key('D', entity, column); }

std::string SourceKey(uint32_t entity, std::string_view source) {
  std::string key("S");
  AppendBigEndian32(key, entity);
  return key.append(source);
}

std::string SnapshotSizesKey(uint32_t entity, std::string_view source) {
  std::string key("P");
  AppendBigEndian32(key, entity);
  return key.append(source);
}

std::string LackedRowsKey(uint32_t entity, uint32_t row_count, std::string_view source) {
  return Key('R', entity, row_count).append(source);
}

std::string VerifiedKey(uint32_t entity, uint32_t row, uint32_t field) {
  std::string key = Key('V', entity, row);
  AppendBigEndian32(key, field);
  return key;
}

std::string ChangeKey(uint64_t facts_seq, uint32_t segment) {
  std::string key;
  AppendBigEndian64(key, facts_seq);
  AppendBigEndian32(key, segment);
  return key;
}

std::string FoldPrefix(uint64_t fold_number) {
  std::string key;
  AppendBigEndian64(key, fold_number);
  return key;
}

std::string ChunkKey(uint64_t fold_number, uint32_t entity, uint32_t column, uint32_t chunk) {
  std::string key = FoldPrefix(fold_number);
  AppendBigEndian32(key, entity);
  AppendBigEndian32(key, column);
  AppendBigEndian32(key, chunk);
  return key;
}

std::string HashChunkKey(uint32_t entity, uint32_t chunk) { return Key('H', entity, chunk); }
std::string KeyBlockKey(uint32_t entity, uint32_t block) { return Key('K', entity, block); }

std::string TextListPrefix(uint32_t entity, uint32_t list) { return Key('T', entity, list); }

std::string TextListKey(uint32_t entity, uint32_t list, uint32_t first_code) {
  std::string key = TextListPrefix(entity, list);
  AppendBigEndian32(key, first_code);
  return key;
}

}  // namespace rescind

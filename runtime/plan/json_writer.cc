#include "runtime/plan/json_writer.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "engine/base/assert.h"

namespace rescind {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

// Bytes that stand for themselves inside a text.
constexpr bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

}  // namespace

void JsonWriter::BreakLine() {
  if (indent_ < 0) return;
  pending_ += '\n';
  pending_.append(depth_ * static_cast<size_t>(indent_), ' ');
}

void JsonWriter::BeginValue() {
  if (follows_name_) {
    follows_name_ = false;
    return;
  }
  if (!is_first_) pending_ += ',';
  is_first_ = false;
  if (depth_ > 0) BreakLine();
}

void JsonWriter::Name(std::string_view name) {
  BeginValue();
  pending_ += '"';
  pending_ += name;
  pending_ += indent_ < 0 ? "\":" : "\": ";
  follows_name_ = true;
}

void JsonWriter::Open(char bracket) {
  BeginValue();
  pending_ += bracket;
  ++depth_;
  is_first_ = true;
}

void JsonWriter::Close(char bracket) {
  RESCIND_ASSERT(depth_ > 0 && !follows_name_, "JSON is closed that is not open");
  --depth_;
  if (!is_first_) BreakLine();
  is_first_ = false;
  pending_ += bracket;
  if (pending_.size() < kPieceBytes) return;
  sink_(pending_);
  pending_.clear();
}

void JsonWriter::Scalar(std::string_view word) {
  BeginValue();
  pending_ += word;
}

void JsonWriter::Count(uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  Scalar({digits, static_cast<size_t>(end - digits)});
}

void JsonWriter::Text(std::string_view text) {
  BeginValue();
  size_t plain = 0;
  while (plain < text.size() && IsPlain(text[plain])) ++plain;
  if (plain < text.size()) return AppendEscaped(text);
  pending_ += '"';
  pending_ += text;
  pending_ += '"';
}

void JsonWriter::AppendEscaped(std::string_view text) {
  using Json = nlohmann::json;
  pending_ += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void JsonWriter::Texts(const std::vector<std::string>& texts) {
  BeginList();
  for (const std::string& text : texts) Text(text);
  EndList();
}

void JsonWriter::TextMap(const std::map<std::string, std::string>& texts) {
  BeginObject();
  for (const auto& [name, text] : texts) {
    Text(name);
    pending_ += indent_ < 0 ? ":" : ": ";
    follows_name_ = true;
    Text(text);
  }
  EndObject();
}

void JsonWriter::Finish() {
  RESCIND_ASSERT(depth_ == 0 && !follows_name_, "JSON ends that is still open");
  sink_(pending_);
  pending_.clear();
}

}  // namespace rescind

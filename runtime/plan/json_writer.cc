#include "runtime/plan/json_writer.h"

#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/base/assert.h"

namespace rescind {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

// How many bytes from `from` on stand for themselves inside a text: ASCII without controls, quotes
// and backslashes. Eight at a time: the high bit of a byte of `special` says that it is none.
size_t PlainEnd(std::string_view text, size_t from) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHigh = kOnes * 0x80;
  size_t at = from;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    const uint64_t quote = word ^ (kOnes * '"');
    const uint64_t backslash = word ^ (kOnes * '\\');
    const uint64_t special = word | (word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes);
    if ((special & kHigh) != 0) break;
  }
  const auto is_plain = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
  };
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

// The letter after the backslash; 0 for controls without one.
char EscapeLetter(char c) {
  switch (c) {
    case '"':
    case '\\': return c;
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
  }
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
  HandOver();
}

void JsonWriter::Scalar(std::string_view word) {
  BeginValue();
  pending_ += word;
  HandOver();
}

void JsonWriter::HandOver() {
  if (pending_.size() < kPieceBytes) return;
  sink_(pending_);
  pending_.clear();
}

void JsonWriter::Count(uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  Scalar({digits, static_cast<size_t>(end - digits)});
}

void JsonWriter::Text(std::string_view text) {
  BeginValue();
  const size_t before = pending_.size();
  pending_ += '"';
  for (size_t at = 0; at < text.size();) {
    const size_t end = PlainEnd(text, at);
    pending_ += text.substr(at, end - at);
    at = end;
    if (at == text.size()) break;
    if (static_cast<unsigned char>(text[at]) >= 0x80) {
      // Beyond ASCII it is the library's to tell good UTF-8 from bad.
      pending_.resize(before);
      using Json = nlohmann::json;
      pending_ += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
      return;
    }
    AppendEscape(text[at++]);
  }
  pending_ += '"';
}

void JsonWriter::AppendEscape(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  pending_ += '\\';
  if (const char letter = EscapeLetter(c)) {
    pending_ += letter;
    return;
  }
  pending_ += "u00";
  pending_ += kDigits[static_cast<size_t>(c) >> 4];
  pending_ += kDigits[static_cast<size_t>(c) & 15];
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

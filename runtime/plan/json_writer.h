// JsonWriter: JSON written member by member, straight to where it goes, without a tree in between.
//
// The bytes are those of nlohmann::json's dump with the same indentation, ASCII not enforced and
// invalid UTF-8 replaced: what was written as a tree before keeps its digest. It knows no format;
// the caller opens and closes what it writes in the right order.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rescind {

class JsonWriter {
 public:
  // Takes the bytes in the order of the document, in pieces of any size.
  using Sink = std::function<void(std::string_view)>;

  // `indent`: spaces a level; negative: everything on one line.
  JsonWriter(int indent, Sink sink) : indent_(indent), sink_(std::move(sink)) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginList() { Open('['); }
  void EndList() { Close(']'); }
  // `name` needs no escaping. A value, object or list follows.
  void Name(std::string_view name);

  void Text(std::string_view text);
  void Null() { Scalar("null"); }
  void Bool(bool value) { Scalar(value ? "true" : "false"); }
  void Count(uint64_t number);
  void Texts(const std::vector<std::string>& texts);
  void TextMap(const std::map<std::string, std::string>& texts);

  void Member(std::string_view name, std::string_view text) { Name(name), Text(text); }
  void Member(std::string_view name, const std::string& text) { Name(name), Text(text); }
  void Member(std::string_view name, const char* text) { Name(name), Text(text); }
  template <std::same_as<bool> B>
  void Member(std::string_view name, B value) {
    Name(name), Bool(value);
  }
  template <std::unsigned_integral N>
  requires(!std::same_as<N, bool>) void Member(std::string_view name, N number) {
    Name(name), Count(number);
  }
  void Member(std::string_view name, const std::vector<std::string>& texts) {
    Name(name), Texts(texts);
  }

  // Items of the innermost list that were written elsewhere, with their commas; not empty.
  void Items(std::string_view items) { Scalar(items); }

  // Hands the rest to the sink. After it nothing is written.
  void Finish();

 private:
  void Open(char bracket);
  void Close(char bracket);
  void Scalar(std::string_view word);
  void BeginValue();
  void BreakLine();
  void HandOver();
  void AppendEscape(char c);

  const int indent_;
  const Sink sink_;
  std::string pending_;  // not handed over yet
  size_t depth_ = 0;
  bool is_first_ = true;  // in the innermost object or list
  bool follows_name_ = false;
};

}  // namespace rescind

#include "runtime/service/toml_mistake.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "engine/base/visible_text.h"

namespace rescind {
namespace {

constexpr std::string_view kOpening = "Error while parsing ";

struct Construct {
  std::string_view theirs;
  std::string_view ours;
  std::string_view help;
};
constexpr Construct kConstructs[] = {
    {"table header", "the header of a table", "write it like `[workspace]`, on a line of its own"},
    {"key-value pair", "a setting", "write `key = value`, each on a line of its own"},
    {"key", "the name of a setting",
     "names with other characters than A-Z a-z 0-9 _ - need quotes"},
    {"string", "a text", "write it in quotes, on one line; `\\` in it is written `\\\\`"},
    {"literal string", "a text", "write it in quotes, on one line"},
    {"array", "a list", "write it like [\"one\", \"two\"]"},
    {"inline table", "a table in braces", "write it like { key = \"value\" }, on one line"},
    {"comment", "a comment", "it ends with its line and holds no control characters"},
    {"boolean", "a value", "write true or false, or a text in quotes"},
    {"date", "a date", "write it in quotes, like \"2026-12-25\""},
    {"date-time", "a date", "write it in quotes, like \"2026-12-25\""},
    {"date-time offset", "a date", "write it in quotes, like \"2026-12-25\""},
    {"time", "a value", "write a text in quotes"},
    {"value", "a value",
     "write a text in quotes, a number, true or false, or a list like [\"one\", \"two\"]"},
};
constexpr Construct kOther = {"", "a value", "write a text in quotes, or a whole number"};
constexpr Construct kFile = {"", "the file", "write `key = value` lines below `[table]` headers"};

const Construct& ConstructOf(std::string_view theirs) {
  if (theirs == "root table" || theirs.empty()) return kFile;
  for (const Construct& construct : kConstructs) {
    if (construct.theirs == theirs) return construct;
  }
  return kOther;
}

// What stands between the quotes behind `mark`.
std::optional<std::string_view> QuotedBehind(std::string_view text, std::string_view mark) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + mark.size());
  const size_t end = text.rfind('\'');
  if (end == std::string_view::npos) return std::nullopt;
  return text.substr(0, end);
}

std::string FoundText(std::string_view found) {
  if (found == "\\n" || found == "\n" || found == "\\r" || found == "\r") return "the line ends";
  return fmt::format("`{}` stands there", Visible(found));
}

}  // namespace

TomlMistake ReadTomlMistake(std::string_view description) {
  std::string_view theirs, detail = description;
  if (description.starts_with(kOpening)) {
    description.remove_prefix(kOpening.size());
    const size_t colon = description.find(": ");
    theirs = description.substr(0, colon);
    detail = colon == std::string_view::npos ? "" : description.substr(colon + 2);
  }
  const Construct& construct = ConstructOf(theirs);
  const std::string help(construct.help);
  if (detail.starts_with("cannot redefine existing")) {
    const auto name = QuotedBehind(detail, " '");
    return {fmt::format("`{}` stands here a second time", Visible(name.value_or("this"))),
            "write every table and every key once, and put what belongs together under one header"};
  }
  if (detail.find("end-of-file") != std::string_view::npos) {
    return {fmt::format("the file ends in the middle of {}", construct.ours), help};
  }
  const auto found = QuotedBehind(detail, ", saw '");
  if (!found) return {fmt::format("{} cannot be read from here on", construct.ours), help};
  const size_t closing = detail.find("closing '");
  std::string_view wanted;
  if (closing != std::string_view::npos) wanted = detail.substr(closing + 9, 1);
  if (detail.starts_with("expected '")) wanted = detail.substr(10, 1);
  if (wanted.empty()) {
    return {fmt::format("{} cannot be read: {}", construct.ours, FoundText(*found)), help};
  }
  return {fmt::format("{} lacks its `{}`: {}", construct.ours, wanted, FoundText(*found)), help};
}

}  // namespace rescind

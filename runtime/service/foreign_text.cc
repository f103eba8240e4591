#include "runtime/service/foreign_text.h"

#include "engine/base/visible_text.h"
#include "runtime/feeds/bad_record.h"

namespace rescind {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";
constexpr size_t kLongestMark = 4;  // bytes

// Length in bytes of the blank or invisible character that well-formed `text` begins with; 0: none.
size_t BlankBytes(std::string_view text) {
  if (static_cast<unsigned char>(text[0]) <= 0x20) return 1;
  const HiddenMark mark = FindHiddenMark(text.substr(0, kLongestMark));
  return mark.begin == 0 ? mark.end : 0;
}

void AppendLine(std::string_view well_formed, std::string& line, bool& owes_blank) {
  while (!well_formed.empty()) {
    if (const size_t blank = BlankBytes(well_formed); blank > 0) {
      owes_blank = !line.empty();
      well_formed.remove_prefix(blank);
      continue;
    }
    if (owes_blank) line += ' ';
    owes_blank = false;
    line += well_formed.front();
    well_formed.remove_prefix(1);
  }
}

}  // namespace

std::string OneLineOf(std::string_view foreign) {
  std::string line;
  bool owes_blank = false;
  while (!foreign.empty()) {
    const size_t invalid = FindInvalidUtf8(foreign);
    AppendLine(foreign.substr(0, invalid), line, owes_blank);
    if (invalid == std::string_view::npos) break;
    AppendLine(kReplacement, line, owes_blank);
    foreign.remove_prefix(invalid + 1);
  }
  return line;
}

}  // namespace rescind

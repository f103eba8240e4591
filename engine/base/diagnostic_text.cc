#include "engine/base/diagnostic_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/base/visible_text.h"

namespace rescind {
namespace {

struct CodePointRange {
  uint32_t first;
  uint32_t last;
};

// Stands for a byte that is no UTF-8.
constexpr uint32_t kReplacement = 0xFFFD;

// Combining marks and other characters without a cell of their own.
constexpr CodePointRange kZeroWidth[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},
                                         {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0E31, 0x0E31},
                                         {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF},
                                         {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE20, 0xFE2F}};

// East Asian wide and full-width characters, and emoji.
constexpr CodePointRange kDoubleWidth[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},  {0x23E9, 0x23EC}, {0x2614, 0x2615},
    {0x26A1, 0x26A1},   {0x2705, 0x2705},   {0x274C, 0x274C},  {0x2E80, 0x303E}, {0x3041, 0x33FF},
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},  {0xA960, 0xA97F}, {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

template <size_t N>
bool InRanges(uint32_t code, const CodePointRange (&ranges)[N]) {
  const auto* found = std::lower_bound(
      std::begin(ranges), std::end(ranges), code,
      [](const CodePointRange& range, uint32_t value) { return range.last < value; });
  return found != std::end(ranges) && found->first <= code;
}

// Takes one character off the front. A byte that is no UTF-8 counts as one character.
uint32_t TakeCodePoint(std::string_view& text) {
  const CodePoint first = CodePointAt(text, 0);
  text.remove_prefix(first.bytes);
  return first.code;
}

// Shown as its number, `\u202E`: what nobody would see, or what would show the line in another
// order.
bool IsShownByNumber(uint32_t code) { return IsHiddenMark(code) && !IsOddBlank(code); }

size_t CellsOf(uint32_t code, size_t column) {
  if (code == '\t') return kTabCells - column % kTabCells;
  if (IsShownByNumber(code)) return VisibleMark(code).size();
  if (InRanges(code, kZeroWidth)) return 0;
  return InRanges(code, kDoubleWidth) ? 2 : 1;
}

// A long line is shown in part: from cell `first` on, at most `count` cells.
struct Window {
  size_t first = 0;
  size_t count = 0;
};
constexpr size_t kWidestLine = 200;
constexpr size_t kCellsBefore = 60;
constexpr std::string_view kEllipsis = "…";

// The cells of a line that are printed: tabs expanded, hidden characters as their numbers. Where
// the line goes on outside of the window stands an ellipsis of one cell.
std::string PrintableLine(std::string_view line, Window window) {
  std::string out;
  size_t column = 0;
  while (!line.empty()) {
    const std::string_view before = line;
    const uint32_t code = TakeCodePoint(line);
    const size_t cells = CellsOf(code, column);
    const size_t at = column;
    column += cells;
    if (at < window.first) {
      if (column >= window.first && out.empty()) out.append(column - window.first, ' ');
      continue;
    }
    if (column > window.first + window.count) return out + std::string(kEllipsis);
    if (code == '\t' || code == '\r') {
      out.append(cells, ' ');
    } else if (IsShownByNumber(code)) {
      out += VisibleMark(code);
    } else if (code == kReplacement) {
      out += "\xEF\xBF\xBD";
    } else {
      out += before.substr(0, before.size() - line.size());
    }
  }
  return out;
}

// A help may quote source of several lines.
std::string VisibleLines(std::string_view text) {
  std::string out;
  for (size_t at = 0;;) {
    const size_t end = std::min(text.find_first_of("\t\n", at), text.size());
    std::string_view piece = text.substr(at, end - at);
    if (end < text.size() && piece.ends_with('\r')) piece.remove_suffix(1);
    out += Visible(piece);
    if (end == text.size()) return out;
    out += text[end];
    at = end + 1;
  }
}

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kRed = "\x1b[1;31m";
constexpr std::string_view kYellow = "\x1b[1;33m";
constexpr std::string_view kBlue = "\x1b[1;34m";
constexpr std::string_view kBold = "\x1b[1m";

// One underline: on one line, with what is said under it.
struct Mark {
  size_t first_cell = 0;
  size_t cell_count = 1;
  bool primary = false;
  std::string text;
};

class Renderer {
 public:
  Renderer(const SourceMap& sources, const Diagnostic& diagnostic, DiagnosticStyle style)
      : sources_(sources), diagnostic_(diagnostic), style_(style) {}

  std::string Run();

 private:
  // A place, in the order given: the primary one first.
  void AddPlace(Span span, const std::string& text, bool primary);
  void PrintFile(FileId file, bool first);
  void PrintLine(const SourceFile& file, uint32_t line, const std::vector<Mark>& marks);
  void PrintHelp();
  void Gutter(std::string_view number, std::string_view rest);
  std::string Paint(std::string_view text, std::string_view color) const {
    if (!style_.color || text.empty()) return std::string(text);
    return fmt::format("{}{}{}", color, text, kReset);
  }
  std::string_view SeverityColor() const {
    return diagnostic_.severity() == DiagnosticSeverity::kError ? kRed : kYellow;
  }

  const SourceMap& sources_;
  const Diagnostic& diagnostic_;
  DiagnosticStyle style_;
  std::vector<FileId> files_;
  std::map<std::pair<FileId, uint32_t>, std::vector<Mark>> marks_;
  size_t number_width_ = 1;
  std::string out_;
};

void Renderer::AddPlace(Span span, const std::string& text, bool primary) {
  if (!span.valid()) return;
  const SourceFile& file = sources_.Get(span.file);
  const LineColumn place = file.Locate(span.begin);
  const std::string_view line = file.Line(place.line);
  const size_t begin = std::min<size_t>(span.begin - file.LineStart(place.line), line.size());
  // What goes on over the end of the line is underlined to its end.
  const size_t length = span.end > span.begin ? span.end - span.begin : 0;
  const size_t end = std::min(begin + length, line.size());
  Mark mark;
  mark.first_cell = TextCells(line.substr(0, begin));
  mark.cell_count = std::max<size_t>(1, TextCells(line.substr(0, end)) - mark.first_cell);
  mark.primary = primary;
  mark.text = VisibleLines(text);
  if (std::find(files_.begin(), files_.end(), span.file) == files_.end())
    files_.push_back(span.file);
  marks_[{span.file, place.line}].push_back(std::move(mark));
  number_width_ = std::max(number_width_, fmt::format("{}", place.line).size());
}

void Renderer::Gutter(std::string_view number, std::string_view rest) {
  out_ += Paint(fmt::format("{:>{}} |", number, number_width_), kBlue);
  if (!rest.empty()) out_ += fmt::format(" {}", rest);
  out_ += '\n';
}

void Renderer::PrintLine(const SourceFile& file, uint32_t line, const std::vector<Mark>& marks) {
  Window window{0, kWidestLine};
  if (marks[0].first_cell + kCellsBefore > kWidestLine)
    window.first = marks[0].first_cell - kCellsBefore;
  const std::string_view before = window.first > 0 ? kEllipsis : "";
  Gutter(fmt::format("{}", line), std::string(before) + PrintableLine(file.Line(line), window));
  for (const Mark& mark : marks) {
    // Out of the window: at its edge.
    const size_t end = window.first + window.count;
    const size_t first = std::clamp(mark.first_cell, window.first, end);
    const size_t count = std::min(mark.cell_count, end + 1 - first);
    std::string under(count, mark.primary ? '^' : '-');
    if (!mark.text.empty()) under += ' ' + mark.text;
    Gutter("", std::string(first - window.first + (window.first > 0 ? 1 : 0), ' ') +
                   Paint(under, mark.primary ? SeverityColor() : kBlue));
  }
}

// Every marked line of one file in order; `...` where lines are left out between.
void Renderer::PrintFile(FileId id, bool first) {
  const SourceFile& file = sources_.Get(id);
  Span place = diagnostic_.span;
  for (const DiagnosticLabel& note : diagnostic_.notes) {
    if (!first && note.span.file == id) place = note.span;
  }
  const LineColumn at = file.Locate(place.begin);
  out_ += std::string(number_width_, ' ') + Paint(first ? "-->" : ":::", kBlue) +
          fmt::format(" {}:{}:{}\n", Visible(file.name()), at.line, at.column);
  Gutter("", "");
  uint32_t last = 0;
  for (const auto& [key, marks] : marks_) {
    if (key.first != id) continue;
    if (last != 0 && key.second > last + 1) out_ += Paint("...", kBlue) + '\n';
    last = key.second;
    PrintLine(file, key.second, marks);
  }
}

void Renderer::PrintHelp() {
  if (diagnostic_.help.empty()) return;
  if (!files_.empty()) Gutter("", "");
  for (const DiagnosticHelp& help : diagnostic_.help) {
    out_ += fmt::format("{} {} {}: {}\n", std::string(number_width_, ' '), Paint("=", kBlue),
                        Paint("help", kBold), VisibleLines(help.text));
  }
}

std::string Renderer::Run() {
  const bool error = diagnostic_.severity() == DiagnosticSeverity::kError;
  out_ = Paint(fmt::format("{}[{}]", error ? "error" : "warning", diagnostic_.code.text),
               SeverityColor()) +
         Paint(fmt::format(": {}", VisibleLines(diagnostic_.message)), kBold) + '\n';
  AddPlace(diagnostic_.span, diagnostic_.label, true);
  for (const DiagnosticLabel& note : diagnostic_.notes) AddPlace(note.span, note.text, false);
  const std::vector<FileId> files = files_;
  for (size_t i = 0; i < files.size(); ++i) PrintFile(files[i], i == 0);
  PrintHelp();
  return std::move(out_);
}

}  // namespace

size_t TextCells(std::string_view utf8) {
  size_t column = 0;
  while (!utf8.empty()) column += CellsOf(TakeCodePoint(utf8), column);
  return column;
}

std::string RenderDiagnostic(const SourceMap& sources, const Diagnostic& diagnostic,
                             DiagnosticStyle style) {
  return Renderer(sources, diagnostic, style).Run();
}

std::string RenderDiagnostics(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics,
                              DiagnosticStyle style) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (!out.empty()) out += '\n';
    out += RenderDiagnostic(sources, diagnostic, style);
  }
  return out;
}

}  // namespace rescind

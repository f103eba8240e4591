// FindFunctions walks the braces. At each `{` outside a function, the text since the last `;`, `{`
// or `}` is its head: "namespace x" and "class Y : Z" open a container whose content is looked
// into; "int f(int a)" has a parenthesis and opens a function; "int a[] =" opens neither.
#include "tests/tidy/code_text.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace rescind::tidy {
namespace {

bool IsWordCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Walks `text` once and sorts each byte into code, comment or neither.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {
    result_.code.assign(text.size(), ' ');
    result_.comments.assign(text.size(), ' ');
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') result_.code[i] = result_.comments[i] = '\n';
    }
  }

  CodeText Split() {
    while (at_ < text_.size()) {
      if (StartsWith("//")) {
        CopyUntil("\n", result_.comments);
      } else if (StartsWith("/*")) {
        CopyUntil("*/", result_.comments);
      } else if (StartsWith("R\"") && !FollowsWord()) {
        SkipRawText();
      } else if (text_[at_] == '"' || (text_[at_] == '\'' && !FollowsWord())) {
        SkipQuoted(text_[at_]);
      } else if (text_[at_] == '#' && OnlyBlanksBefore()) {
        SkipDirective();
      } else {
        result_.code[at_] = text_[at_];
        ++at_;
      }
    }
    return std::move(result_);
  }

 private:
  bool StartsWith(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }
  // Then a ' is a digit separator (1'000), and R is the end of a name.
  bool FollowsWord() const { return at_ > 0 && IsWordCharacter(text_[at_ - 1]); }
  bool OnlyBlanksBefore() const {
    const size_t line_begin = text_.rfind('\n', at_) + 1;  // npos + 1 is 0
    return std::all_of(text_.begin() + line_begin, text_.begin() + at_,
                       [](char c) { return c == ' ' || c == '\t'; });
  }
  void CopyUntil(std::string_view end, std::string& into) {
    const size_t found = text_.find(end, at_ + 2);
    const size_t stop = found == std::string_view::npos ? text_.size() : found + end.size();
    for (; at_ < stop; ++at_) {
      if (text_[at_] != '\n') into[at_] = text_[at_];
    }
  }
  void SkipRawText() {
    const size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) {
      at_ = text_.size();
      return;
    }
    const std::string close = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    const size_t found = text_.find(close, open);
    at_ = found == std::string_view::npos ? text_.size() : found + close.size();
  }
  void SkipQuoted(char quote) {
    for (++at_; at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }
  void SkipDirective() {
    while (at_ < text_.size() && !(text_[at_] == '\n' && text_[at_ - 1] != '\\')) {
      if (StartsWith("//")) return;  // a comment behind it is still a comment
      ++at_;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  CodeText result_;
};

bool HasWord(std::string_view head, std::string_view word) {
  for (size_t at = head.find(word); at != std::string_view::npos; at = head.find(word, at + 1)) {
    const bool begins = at == 0 || !IsWordCharacter(head[at - 1]);
    const size_t end = at + word.size();
    if (begins && (end == head.size() || !IsWordCharacter(head[end]))) return true;
  }
  return false;
}

bool OpensContainer(std::string_view head) {
  const std::string_view before_parenthesis = head.substr(0, head.find('('));
  if (HasWord(head, "namespace") || HasWord(head, "extern")) return true;
  for (const std::string_view word : {"class", "struct", "union", "enum"}) {
    // `struct stat Read() {` returns one; `class A : B<f()> {` is one.
    if (HasWord(before_parenthesis, word)) {
      return head.find('(') == std::string_view::npos ||
             before_parenthesis.find(':') != std::string_view::npos;
    }
  }
  return false;
}

}  // namespace

CodeText SplitCode(std::string_view text) { return Splitter(text).Split(); }

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<FunctionExtent> FindFunctions(std::string_view code) {
  std::vector<FunctionExtent> functions;
  size_t line = 1;
  size_t head_begin = 0;
  std::optional<size_t> head_line;
  size_t depth_inside = 0;  // braces open since a function or initialiser began; 0: in a container
  bool is_function = false;
  size_t first_line = 0;
  for (size_t at = 0; at < code.size(); ++at) {
    const char c = code[at];
    if (c == '\n') ++line;
    if (depth_inside > 0) {
      if (c == '{') ++depth_inside;
      if (c == '}' && --depth_inside == 0) {
        if (is_function) functions.push_back({first_line, line - first_line + 1});
        head_begin = at + 1;
        head_line.reset();
      }
      continue;
    }
    if (c == '{') {
      const std::string_view head = code.substr(head_begin, at - head_begin);
      if (!OpensContainer(head)) {
        is_function = head.find('(') != std::string_view::npos;
        first_line = head_line.value_or(line);
        depth_inside = 1;
      }
    }
    if (c == '{' || c == '}' || c == ';') {
      head_begin = at + 1;
      head_line.reset();
    } else if (!std::isspace(static_cast<unsigned char>(c)) && !head_line) {
      head_line = line;
    }
  }
  return functions;
}

}  // namespace rescind::tidy

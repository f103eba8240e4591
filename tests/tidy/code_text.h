// CodeText: a C++ file with what is not code blanked out, line for line.
//
// So that a brace in a text or a word in a comment is never taken for code. Knows enough of the
// language for that (comments, texts, raw texts, characters, digit separators) and nothing more.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rescind::tidy {

struct CodeText {
  std::string code;      // comments, texts and preprocessor lines are blanks
  std::string comments;  // only comments; everything else is blanks
};

// Both have the length and the line breaks of `text`.
CodeText SplitCode(std::string_view text);

std::vector<std::string_view> SplitLines(std::string_view text);

struct FunctionExtent {
  size_t first_line = 0;  // one-based, where its signature begins
  size_t line_count = 0;
};

// Every function body outside another function, tests included.
std::vector<FunctionExtent> FindFunctions(std::string_view code);

}  // namespace rescind::tidy

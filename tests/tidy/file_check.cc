#include "tests/tidy/file_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "tests/tidy/code_text.h"
#include "tests/tidy/house_rules.h"

namespace rescind::tidy {
namespace {

std::vector<std::string> Words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// "engine/eval/sweep.cc" -> "engine/eval".
std::string FolderOf(std::string_view path) {
  return std::string(path.substr(0, std::min(path.rfind('/'), path.size())));
}

bool IsCpp(std::string_view path) { return path.ends_with(".cc") || path.ends_with(".h"); }

size_t ColumnCount(std::string_view line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // a continuation is no column
  }));
}

class FileCheck {
 public:
  FileCheck(const std::string& path, std::string_view text)
      : path_(path), text_(text), lines_(SplitLines(text)) {}

  std::vector<TidyFinding> Run() {
    CheckName();
    CheckMachinePaths();
    const bool has_width = IsCpp(path_) || path_.ends_with(".g4") || path_ == "dev" ||
                           path_.ends_with("CMakeLists.txt");
    if (has_width) CheckSizes();
    if (IsCpp(path_)) {
      split_ = SplitCode(text_);
      CheckHeaderOpening();
      CheckFunctions();
      CheckComments();
      CheckIncludes();
      CheckClocks();
    }
    return std::move(findings_);
  }

 private:
  void Add(std::string_view rule, size_t line, std::string message) {
    findings_.push_back({std::string(rule), path_, line, std::move(message)});
  }

  void CheckName() {
    std::string stem = path_.substr(path_.rfind('/') + 1);
    stem = stem.substr(0, stem.find('.'));
    std::replace(stem.begin(), stem.end(), '_', ' ');
    std::replace(stem.begin(), stem.end(), '-', ' ');
    for (const std::string& word : Words(stem)) {
      if (std::find(kBannedNameWords.begin(), kBannedNameWords.end(), word) !=
          kBannedNameWords.end()) {
        Add("file-name", 0, fmt::format("`{}` says nothing; name the file after its noun", word));
      }
    }
  }

  void CheckMachinePaths() {
    for (size_t i = 0; i < lines_.size(); ++i) {
      for (const std::string_view machine : kMachinePaths) {
        if (lines_[i].find(machine) != std::string_view::npos) {
          Add("machine-path", i + 1, fmt::format("{} exists on one machine only", machine));
        }
      }
    }
  }

  void CheckSizes() {
    if (lines_.size() > kMaxFileLines) {
      Add("file-size", 0,
          fmt::format("{} lines, {} are allowed; split it", lines_.size(), kMaxFileLines));
    }
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (const size_t columns = ColumnCount(lines_[i]); columns > kMaxLineColumns) {
        Add("line-width", i + 1,
            fmt::format("{} columns, {} are allowed", columns, kMaxLineColumns));
      }
    }
  }

  void CheckHeaderOpening() {
    if (!path_.ends_with(".h")) return;
    if (lines_.empty() || !lines_[0].starts_with("//")) {
      Add("header-opening", 1, "a header opens with a comment that says what it is");
    }
    if (std::find(lines_.begin(), lines_.end(), "#pragma once") == lines_.end()) {
      Add("pragma-once", 1, "#pragma once is missing");
    }
  }

  void CheckFunctions() {
    for (const FunctionExtent& function : FindFunctions(split_.code)) {
      if (function.line_count > kMaxFunctionLines) {
        Add("function-size", function.first_line,
            fmt::format("a function of {} lines, {} are allowed", function.line_count,
                        kMaxFunctionLines));
      }
    }
  }

  void CheckComments() {
    const auto comments = SplitLines(split_.comments);
    for (size_t i = 0; i < comments.size(); ++i) {
      std::string_view comment = comments[i];
      for (const std::string_view word : {"TODO", "FIXME", "XXX"}) {
        const size_t at = comment.find(word);
        if (at != std::string_view::npos && !comment.substr(at).starts_with("TODO(#")) {
          Add("todo", i + 1, fmt::format("{} without an issue number: TODO(#12)", word));
        }
      }
      if (LooksLikeCode(comment)) Add("dead-code", i + 1, "commented-out code; remove it");
    }
  }

  // "// Close(file);" with one blank. Examples in prose are indented further.
  static bool LooksLikeCode(std::string_view comment) {
    comment.remove_prefix(std::min(comment.find_first_not_of(' '), comment.size()));
    if (!comment.starts_with("//") || comment.starts_with("///")) return false;
    comment.remove_prefix(2);
    if (comment.starts_with(' ')) comment.remove_prefix(1);
    while (comment.ends_with(' ')) comment.remove_suffix(1);
    if (comment.empty() || comment.front() == ' ' || !comment.ends_with(';')) return false;
    return comment.ends_with(");") || comment.find(" = ") != std::string_view::npos ||
           comment.starts_with("return ") || comment.starts_with("#include");
  }

  void CheckIncludes() {
    for (const IncludeLine& include : FindIncludes(text_)) {
      CheckConfinement(include);
      CheckTable(include);
    }
  }

  void CheckConfinement(const IncludeLine& include) {
    for (const Confinement& rule : kConfinements) {
      const bool is_whole = rule.header.find_first_of("/.") == std::string_view::npos &&
                            include.header.find('.') == std::string::npos;
      if (is_whole ? include.header != rule.header : !include.header.starts_with(rule.header)) {
        continue;
      }
      const auto places = Words(rule.places);
      if (std::none_of(places.begin(), places.end(),
                       [&](const std::string& place) { return path_.starts_with(place); })) {
        Add("confinement", include.line,
            fmt::format("<{}> may be included only below {}", include.header, rule.places));
      }
    }
  }

  void CheckTable(const IncludeLine& include) {
    if (!include.header.starts_with("engine/") && !include.header.starts_with("runtime/")) {
      if (include.header.starts_with("tests/") && !path_.starts_with("tests/")) {
        Add("include-table", include.line, "only tests include tests");
      }
      return;
    }
    const std::string folder = FolderOf(path_);
    const auto rule =
        std::find_if(kIncludeTable.begin(), kIncludeTable.end(),
                     [&](const IncludeRule& entry) { return entry.folder == folder; });
    if (rule == kIncludeTable.end()) {
      if (path_.starts_with("tests/")) return;
      Add("include-table", include.line,
          fmt::format("the folder {} is not in the include table of tests/tidy/house_rules.h",
                      folder));
      return;
    }
    const auto allowed = Words(rule->allowed);
    const std::string target = FolderOf(include.header);
    const bool ok = target == folder ||
                    std::any_of(allowed.begin(), allowed.end(), [&](const std::string& entry) {
                      return entry == "*" || entry == target || entry == include.header;
                    });
    if (!ok) {
      Add("include-table", include.line,
          fmt::format("{} may not include {}", folder, include.header));
    }
  }

  void CheckClocks() {
    if (!path_.starts_with("engine/")) return;
    const auto code = SplitLines(split_.code);
    for (size_t i = 0; i < code.size(); ++i) {
      for (const std::string_view word : kClockWords) {
        if (code[i].find(word) != std::string_view::npos) {
          Add("clock", i + 1, fmt::format("{}: in engine/, `now` is an argument", word));
        }
      }
    }
  }

  const std::string& path_;
  std::string_view text_;
  std::vector<std::string_view> lines_;
  CodeText split_;
  std::vector<TidyFinding> findings_;
};

}  // namespace

std::vector<IncludeLine> FindIncludes(std::string_view text) {
  std::vector<IncludeLine> includes;
  const auto lines = SplitLines(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].starts_with("#include ")) continue;
    const size_t begin = lines[i].find_first_of("<\"");
    if (begin == std::string_view::npos) continue;
    const size_t end = lines[i].find_first_of(">\"", begin + 1);
    if (end == std::string_view::npos) continue;
    includes.push_back({i + 1, std::string(lines[i].substr(begin + 1, end - begin - 1))});
  }
  return includes;
}

std::vector<TidyFinding> CheckFile(const std::string& path, std::string_view text) {
  return FileCheck(path, text).Run();
}

}  // namespace rescind::tidy

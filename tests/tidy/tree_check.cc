#include "tests/tidy/tree_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "tests/tidy/code_text.h"
#include "tests/tidy/file_check.h"
#include "tests/tidy/house_rules.h"

namespace rescind::tidy {
namespace {

constexpr std::string_view kExceptionsPath = "tests/tidy/exceptions.txt";

bool IsSkippedFolder(const std::string& name) {
  return (name.starts_with('.') && name != ".ci") || name == "build" ||
         name.starts_with("build-") || name == "node_modules";
}

void AddFolders(const SourceTree& tree, std::set<std::string>& folders) {
  for (const auto& [path, text] : tree) {
    for (const std::string_view documented : kDocumentedFolders) {
      const bool with_children = documented.ends_with('/');
      const std::string_view folder =
          with_children ? documented.substr(0, documented.size() - 1) : documented;
      if (!path.starts_with(std::string(folder) + "/")) continue;
      folders.insert(std::string(folder));
      const size_t child_end = path.find('/', folder.size() + 1);
      if (with_children && child_end != std::string::npos) {
        folders.insert(path.substr(0, child_end));
      }
    }
  }
}

void CheckReadmes(const SourceTree& tree, std::vector<TidyFinding>& findings) {
  std::set<std::string> folders;
  AddFolders(tree, folders);
  for (const std::string& folder : folders) {
    const std::string readme = folder + "/README.md";
    if (!tree.contains(readme)) {
      findings.push_back({"readme", readme, 0, "every folder says what it is for"});
    }
  }
}

void CheckDeadFiles(const SourceTree& tree, std::string_view built_files,
                    std::vector<TidyFinding>& findings) {
  std::set<std::string> included;
  for (const auto& [path, text] : tree) {
    for (const IncludeLine& include : FindIncludes(text)) included.insert(include.header);
  }
  for (const auto& [path, text] : tree) {
    if (path.ends_with(".h") && !included.contains(path)) {
      findings.push_back({"dead-file", path, 0, "nothing includes this header"});
    }
    if (path.ends_with(".cc") && built_files.find("/" + path + "\n") == std::string_view::npos) {
      findings.push_back({"dead-file", path, 0, "no target builds this file"});
    }
  }
}

struct Exception {
  std::string rule;
  std::string path;
  std::string reason;
  size_t line = 0;
  bool used = false;
};

std::vector<Exception> ParseExceptions(std::string_view text) {
  std::vector<Exception> exceptions;
  const auto lines = SplitLines(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i].starts_with('#')) continue;
    std::istringstream words{std::string(lines[i])};
    Exception exception;
    exception.line = i + 1;
    words >> exception.rule >> exception.path >> std::ws;
    std::getline(words, exception.reason);
    exceptions.push_back(std::move(exception));
  }
  return exceptions;
}

}  // namespace

Result<SourceTree> ReadTree(const std::string& root) {
  namespace fs = std::filesystem;
  SourceTree tree;
  std::error_code failure;
  fs::recursive_directory_iterator entry(root, failure), end;
  if (failure) return Error{ErrorKind::kIo, fmt::format("cannot list {}", root), ""};
  for (; entry != end; entry.increment(failure)) {
    if (entry->is_directory() && IsSkippedFolder(entry->path().filename().string())) {
      entry.disable_recursion_pending();
    }
    // In a linked worktree .git is a file.
    if (!entry->is_regular_file() || entry->path().filename() == ".git") continue;
    std::ifstream stream(entry->path(), std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(stream)), {});
    if (text.find('\0') != std::string::npos) text.clear();
    tree.emplace(fs::relative(entry->path(), root).string(), std::move(text));
  }
  return tree;
}

std::vector<TidyFinding> CheckTree(const SourceTree& tree, std::string_view built_files) {
  std::vector<TidyFinding> findings;
  for (const auto& [path, text] : tree) {
    auto of_file = CheckFile(path, text);
    std::move(of_file.begin(), of_file.end(), std::back_inserter(findings));
  }
  CheckReadmes(tree, findings);
  CheckDeadFiles(tree, built_files, findings);
  std::sort(findings.begin(), findings.end());
  return findings;
}

std::vector<TidyFinding> Excuse(std::vector<TidyFinding> findings, std::string_view exceptions) {
  std::vector<Exception> parsed = ParseExceptions(exceptions);
  std::erase_if(findings, [&](const TidyFinding& finding) {
    for (Exception& exception : parsed) {
      if (exception.rule != finding.rule || exception.path != finding.path) continue;
      exception.used = true;
      return true;
    }
    return false;
  });
  for (const Exception& exception : parsed) {
    const std::string path(kExceptionsPath);
    if (exception.reason.empty()) {
      findings.push_back({"exception", path, exception.line, "an exception needs a reason"});
    }
    if (!exception.used) {
      findings.push_back(
          {"exception", path, exception.line,
           fmt::format("{} no longer breaks {}; remove the line", exception.path, exception.rule)});
    }
  }
  return findings;
}

}  // namespace rescind::tidy

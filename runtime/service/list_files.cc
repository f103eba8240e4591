#include "runtime/service/list_files.h"

#include <utility>

#include "engine/syntax/parser.h"
#include "runtime/service/policy_files.h"

namespace rescind {

std::vector<std::string> ListFilesOf(const Workspace& workspace, FileSystem& files) {
  std::vector<std::string> paths;
  const auto policy_files = FindPolicyFiles(workspace, files);
  if (!policy_files.ok()) return paths;
  for (const PolicyFile& file : *policy_files) {
    auto text = ReadPolicyText(file.path, files);
    if (!text.ok()) continue;
    SourceMap sources;
    DiagnosticSink mistakes;  // those that checking the policies reports
    const FileId id = sources.Add(file.name, *std::move(text));
    const ParseResult parsed = Parse(sources, id, mistakes);
    const std::string folder = file.path.substr(0, file.path.rfind('/'));
    for (const ast::Declaration& declaration : parsed.file.declarations) {
      if (const auto* list = declaration.As<ast::ListDecl>()) {
        if (list->file) paths.push_back(PathUnder(folder, *list->file));
      } else if (const auto* table = declaration.As<ast::TableDecl>()) {
        paths.push_back(PathUnder(folder, table->file));
      }
    }
  }
  return paths;
}

}  // namespace rescind

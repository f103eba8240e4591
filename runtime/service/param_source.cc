#include "runtime/service/param_source.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/visible_text.h"
#include "engine/syntax/literal.h"
#include "runtime/service/policy_files.h"

namespace rescind {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// What a reader of TOML counts from, and SourceFile does not: behind a byte order mark.
uint32_t OffsetOf(const SourceFile& file, LineColumn at) {
  const std::string_view text = file.text();
  if (at.line == 0 || at.line > file.line_count()) return static_cast<uint32_t>(text.size());
  size_t offset = file.LineStart(at.line);
  if (offset == 0 && text.starts_with(kByteOrderMark)) offset = kByteOrderMark.size();
  for (uint32_t column = 1; column < at.column && offset < text.size(); ++column) {
    offset += CodePointAt(text, offset).bytes;
  }
  return static_cast<uint32_t>(offset);
}

Span SpanOf(FileId id, const SourceFile& file, const TextRange& range) {
  const uint32_t begin = OffsetOf(file, range.begin);
  return {id, begin, std::max(begin, OffsetOf(file, range.end))};
}

}  // namespace

void AddParamSources(const Workspace& workspace, FileSystem& files, SourceMap& sources,
                     CheckOptions& options) {
  std::map<std::string, std::optional<FileId>> ids;
  for (const auto& [name, param] : workspace.params) {
    const auto [known, is_new] = ids.try_emplace(param.file);
    if (is_new) {
      auto text = files.Read(param.file, kMaxWorkspaceFileBytes);
      const bool usable = text.ok() && syntax::FindInvalidUtf8(*text) == std::string::npos;
      if (usable) {
        known->second = sources.Add(NameInWorkspace(workspace, param.file), *std::move(text));
      }
    }
    if (!known->second) continue;
    const SourceFile& file = sources.Get(*known->second);
    const ParamPlace place = {SpanOf(*known->second, file, param.written_name),
                              SpanOf(*known->second, file, param.written_value)};
    options.param_places.emplace(name, place);
  }
}

}  // namespace rescind

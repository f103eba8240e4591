#include "runtime/service/param_source.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/visible_text.h"
#include "engine/syntax/hidden_marks.h"
#include "engine/syntax/literal.h"
#include "runtime/service/policy_files.h"

namespace rescind {
namespace {

// What a reader of TOML counts from, and SourceFile does not: behind a byte order mark.
uint32_t OffsetOf(const SourceFile& file, LineColumn at) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
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

// Texts in double quotes, of one line or several, have escapes.
bool ReportMarks(const SourceFile& file, Span span, DiagnosticSink& sink) {
  const bool escapes = file.text().substr(span.begin, 1) == "\"";
  return syntax::ReportHiddenMarks(
      span.file, file.text(), span.begin, span.end,
      escapes ? syntax::MarkMend::kTomlEscape : syntax::MarkMend::kRemove, sink);
}

}  // namespace

void AddParamSources(const Workspace& workspace, FileSystem& files, SourceMap& sources,
                     CheckOptions& options, DiagnosticSink& sink) {
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
    const bool marked_name = ReportMarks(file, place.name, sink);
    const bool marked_value = ReportMarks(file, place.value, sink);
    if (marked_name || marked_value) {
      options.params.erase(name);
    } else {
      options.param_places.emplace(name, place);
    }
  }
}

}  // namespace rescind

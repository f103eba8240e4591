#include "engine/base/source.h"

#include <algorithm>

#include "engine/base/assert.h"

namespace rescind {

Span Cover(Span first, Span last) {
  RESCIND_ASSERT(first.file == last.file, "a span cannot cross files");
  return {first.file, std::min(first.begin, last.begin), std::max(first.end, last.end)};
}

SourceFile::SourceFile(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  line_starts_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(static_cast<uint32_t>(i + 1));
  }
}

LineColumn SourceFile::Locate(uint32_t offset) const {
  offset = std::min<uint32_t>(offset, static_cast<uint32_t>(text_.size()));
  auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const uint32_t line = static_cast<uint32_t>(next - line_starts_.begin());
  uint32_t column = 1;
  for (uint32_t i = line_starts_[line - 1]; i < offset; ++i) {
    const bool continuation = (static_cast<unsigned char>(text_[i]) & 0xC0) == 0x80;
    if (!continuation) ++column;
  }
  return {line, column};
}

std::string_view SourceFile::Line(uint32_t line) const {
  RESCIND_ASSERT(line >= 1 && line <= line_count(), "line out of range");
  const uint32_t begin = line_starts_[line - 1];
  uint32_t end = line < line_count() ? line_starts_[line] : static_cast<uint32_t>(text_.size());
  while (end > begin && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) --end;
  return std::string_view(text_).substr(begin, end - begin);
}

uint32_t SourceFile::LineStart(uint32_t line) const {
  RESCIND_ASSERT(line >= 1 && line <= line_count(), "line out of range");
  return line_starts_[line - 1];
}

FileId SourceMap::Add(std::string name, std::string text) {
  files_.push_back(std::make_unique<SourceFile>(std::move(name), std::move(text)));
  return FileId(static_cast<uint32_t>(files_.size() - 1));
}

const SourceFile& SourceMap::Get(FileId file) const {
  RESCIND_ASSERT(file.valid() && file.index() < files_.size(), "unknown source file");
  return *files_[file.index()];
}

std::string_view SourceMap::Text(Span span) const {
  const std::string_view text = Get(span.file).text();
  RESCIND_ASSERT(span.begin <= span.end && span.end <= text.size(), "span out of range");
  return text.substr(span.begin, span.end - span.begin);
}

}  // namespace rescind

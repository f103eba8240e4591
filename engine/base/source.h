// Source files and spans in them.
//
// Every token, tree node and diagnostic points into a SourceFile by byte offsets. Lines and
// columns are computed only when somebody reads them. Owned by SourceMap for the whole run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/strong_id.h"

namespace rescind {

using FileId = StrongId<struct FileTag>;

// Half-open byte range [begin, end) of one file. An invalid file means "no place".
struct Span {
  FileId file;
  uint32_t begin = 0;
  uint32_t end = 0;

  bool valid() const { return file.valid(); }
  auto operator<=>(const Span&) const = default;
};

// The span from the start of `first` to the end of `last`; both in one file.
Span Cover(Span first, Span last);

// One-based. `column` counts Unicode code points, not bytes; a tab is one.
struct LineColumn {
  uint32_t line = 1;
  uint32_t column = 1;
  auto operator<=>(const LineColumn&) const = default;
};

class SourceFile {
 public:
  // `name` is the path shown to users; `text` is UTF-8 as read, BOM and CRLF included.
  SourceFile(std::string name, std::string text);

  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }
  LineColumn Locate(uint32_t offset) const;
  uint32_t line_count() const { return static_cast<uint32_t>(line_starts_.size()); }
  // The text of a one-based line without its line break.
  std::string_view Line(uint32_t line) const;
  uint32_t LineStart(uint32_t line) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<uint32_t> line_starts_;
};

class SourceMap {
 public:
  FileId Add(std::string name, std::string text);
  const SourceFile& Get(FileId file) const;
  std::string_view Text(Span span) const;
  uint32_t count() const { return static_cast<uint32_t>(files_.size()); }

 private:
  std::vector<std::unique_ptr<SourceFile>> files_;
};

}  // namespace rescind

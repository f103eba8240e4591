// RejectFile: the records that `--skip-bad` left out, as they stood, each below a comment that says
// why. Mended, the file can be imported as it is: readers pass over the comments.
//
// It is written beside its final name, under one that is nobody else's, and gets that name in
// Publish(), so that a reject file is always whole. One that is there already holds what an earlier
// import left out and is kept: the new one is called `….rejects.1` then, or the next number that is
// free. Its mode is 0600: it holds what the feed held.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/env/file_system.h"
#include "runtime/feeds/bad_record.h"

namespace rescind {

class RejectFile {
 public:
  // `files` must outlive it. Nothing is created before the first Add.
  RejectFile(FileSystem& files, std::string path);
  // Removes what was not published.
  ~RejectFile();
  RejectFile(const RejectFile&) = delete;
  RejectFile& operator=(const RejectFile&) = delete;

  // `preamble` goes to the top of the file: the header of a CSV file, or "". kInvalidInput when
  // something else than a regular file stands there.
  Status Add(std::string_view preamble, const BadRecord& bad);
  // Durable under its name, when anything was added.
  Status Publish();
  // Takes a published file back: the import failed after all.
  Status Withdraw();
  // What it is called: once it is published, with its number.
  const std::string& path() const { return path_; }

 private:
  Status Append();
  Status TakeFreeName();

  FileSystem& files_;
  std::string path_;
  std::string place_;      // behind symbolic links
  std::string temporary_;  // until it is published
  std::unique_ptr<WritableFile> file_;
  std::string pending_;
  bool is_published_ = false;
};

}  // namespace rescind

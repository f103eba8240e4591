// StreamFile: an input stream (standard input) read as a file.
#pragma once

#include <istream>

#include "runtime/env/file_system.h"

namespace rescind {

class StreamFile final : public ReadableFile {
 public:
  // `stream` must outlive it.
  explicit StreamFile(std::istream& stream) : stream_(stream) {}

  Result<size_t> Read(std::span<char> bytes) override {
    stream_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (stream_.bad()) {
      return Error{ErrorKind::kIo, "cannot read standard input",
                   "check the program that writes to it"};
    }
    return static_cast<size_t>(stream_.gcount());
  }

 private:
  std::istream& stream_;
};

}  // namespace rescind

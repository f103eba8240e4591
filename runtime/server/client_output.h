// ClientOutput: what a command prints, into a stream of its client, without ever waiting for it.
//
// What the client does not take at once is kept, and goes with what is printed later, or when
// whoever runs the command says so (Flush, FinishedCommands). A stream whose reader has gone is
// lost: then printing fails, as it would in a process of the client's own. The stream stays as it
// is: it is the client's too (README.md, "Streams"). One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <streambuf>
#include <string>

#include "runtime/env/descriptor.h"

namespace rescind {

class ClientOutput final : public std::streambuf {
 public:
  // The descriptor outlives it.
  explicit ClientOutput(int descriptor);

  // Hands on what the client takes without being waited for.
  void Flush();
  bool has_rest() const { return sent_ < kept_.size(); }
  bool is_lost() const { return is_lost_; }
  int descriptor() const { return descriptor_; }

 protected:
  int_type overflow(int_type byte) override;
  std::streamsize xsputn(const char* bytes, std::streamsize count) override;
  int sync() override;

 private:
  // As much as is taken at once; as `write` returns.
  ssize_t Give(const char* bytes, size_t count) const;

  enum class Kind : uint8_t {
    kFile,    // writing to it waits for no reader
    kOwn,     // a pipe or terminal of which we have an opening of our own, which does not wait
    kSocket,  // asked not to wait
    kShared,  // the client's, which may wait: looked at first
  };

  const int descriptor_;
  Descriptor own_;
  Kind kind_ = Kind::kShared;
  bool is_lost_ = false;
  std::string kept_;
  size_t sent_ = 0;  // of them
};

}  // namespace rescind

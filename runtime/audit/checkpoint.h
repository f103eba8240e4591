// Checkpoint: size and root of a log at one moment (C2SP tlog-checkpoint), the text of a note.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/audit/merkle_tree.h"
#include "runtime/audit/signed_note.h"

namespace rescind {

struct Checkpoint {
  std::string origin;
  uint64_t size = 0;
  TreeHash root{};
  bool operator==(const Checkpoint&) const = default;
};

// "origin\nsize\nbase64 of the root\n".
std::string FormatCheckpoint(const Checkpoint& checkpoint);
// Lines after the third are extensions and passed over.
Result<Checkpoint> ParseCheckpoint(std::string_view text);

// A checkpoint with the note that carries it.
struct SignedCheckpoint {
  Checkpoint checkpoint;
  SignedNote note;
};
Result<SignedCheckpoint> ParseSignedCheckpoint(std::string_view bytes);

}  // namespace rescind

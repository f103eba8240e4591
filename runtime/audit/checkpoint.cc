#include "runtime/audit/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "runtime/audit/base64.h"

namespace rescind {
namespace {

Error NoCheckpoint(std::string_view why) {
  return {ErrorKind::kInvalidInput, fmt::format("not a checkpoint: {}", why),
          "give the file `checkpoint` of an exported log"};
}

// The text up to the next line break, taken off `text`; false when there is none.
bool TakeLine(std::string_view& text, std::string_view& line) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::string FormatCheckpoint(const Checkpoint& checkpoint) {
  const std::string_view root(reinterpret_cast<const char*>(checkpoint.root.data()),
                              checkpoint.root.size());
  return fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, EncodeBase64(root));
}

Result<Checkpoint> ParseCheckpoint(std::string_view text) {
  std::string_view origin, size, root;
  if (!TakeLine(text, origin) || !TakeLine(text, size) || !TakeLine(text, root)) {
    return NoCheckpoint("it has fewer than three lines");
  }
  if (!IsKeyName(origin)) return NoCheckpoint("its first line names no log");
  Checkpoint checkpoint;
  checkpoint.origin = origin;
  const auto [end, problem] =
      std::from_chars(size.data(), size.data() + size.size(), checkpoint.size);
  const bool has_leading_zero = size.size() > 1 && size.front() == '0';
  if (problem != std::errc() || end != size.data() + size.size() || has_leading_zero) {
    return NoCheckpoint("its second line is no size");
  }
  const auto bytes = DecodeBase64(root);
  if (!bytes || bytes->size() != checkpoint.root.size()) {
    return NoCheckpoint("its third line is no root hash");
  }
  std::copy(bytes->begin(), bytes->end(), checkpoint.root.begin());
  return checkpoint;
}

Result<SignedCheckpoint> ParseSignedCheckpoint(std::string_view bytes) {
  RESCIND_ASSIGN(SignedNote note, ParseNote(bytes));
  RESCIND_ASSIGN(Checkpoint checkpoint, ParseCheckpoint(note.text));
  return SignedCheckpoint{std::move(checkpoint), std::move(note)};
}

}  // namespace rescind

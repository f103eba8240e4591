// Signed notes (C2SP signed-note): a text, a blank line, and signatures by named Ed25519 keys.
//
//   rescind/acme
//   42
//   q8R…=
//
//   — rescind/acme k3…=
//
// What the text says is the reader's business. Private keys live in signing_key.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace rescind {

inline constexpr size_t kMaxNoteBytes = 64 << 10;

// Who may sign: shared with auditors as "name+1f2e3d4c+base64".
struct AuditPublicKey {
  std::string name;  // the log's origin
  std::array<uint8_t, 32> bytes{};

  uint32_t Id() const;  // of name and key
  std::string Text() const;
  bool Verify(std::string_view message, std::string_view signature) const;
  bool operator==(const AuditPublicKey&) const = default;
};

// Reads Text(). Blanks and a line break around it are fine.
Result<AuditPublicKey> ParsePublicKey(std::string_view text);
// No blanks, no plus signs, printable UTF-8, 1–200 bytes.
bool IsKeyName(std::string_view name);

struct NoteSignature {
  std::string name;
  uint32_t key_id = 0;
  std::string signature;
};

struct SignedNote {
  std::string text;  // ends with a line break
  std::vector<NoteSignature> signatures;

  // Whether one of the signatures is a valid one by `key`.
  bool IsSignedBy(const AuditPublicKey& key) const;
};

std::string FormatNote(const SignedNote& note);
// kInvalidInput says what is wrong; there is exactly one text for a note.
Result<SignedNote> ParseNote(std::string_view bytes);

}  // namespace rescind

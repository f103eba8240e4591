// Leaves: an AuditEvent as canonical JSON, and back.
//
// Canonical: keys sorted by bytes, no blanks, integers only, shortest escapes (RFC 8785 for what
// occurs here). A leaf is at most kMaxLeafBytes long; what would exceed it lies beside the log
// and the leaf has its SHA-256. Personal texts are replaced by salted commitments. FORMAT.md has
// every field.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/audit/audit_event.h"
#include "runtime/env/random.h"

namespace rescind {

constexpr size_t kSaltBytes = 32;

// A personal value and the salt of its commitment: kept in the side store.
struct PersonalValue {
  std::string salt;  // kSaltBytes
  std::string value;
};

struct EncodedLeaf {
  std::string leaf;                     // the bytes that are hashed
  std::vector<PersonalValue> personal;  // in the order of their commitments in the event
  std::string beside;                   // canonical JSON of what was too long; empty: nothing
};

// "sha256:…" over a fixed prefix, the salt and the value.
std::string CommitmentOf(const PersonalValue& value);

// Always fits: what is too long even so (a sentence, an id) is cut, an id with its SHA-256 behind.
// `store_id` has its 32 hex digits.
EncodedLeaf EncodeLeaf(const AuditEvent& event, std::string_view store_id, Random& random);

// For readers: what stands where a text is committed to and is not at hand.
inline constexpr const char* kCommittedText = "(a committed value)";

// What a reader of leaves needs to know; the rest is shown as it is.
struct LeafView {
  std::string format;
  std::string kind;
  std::string at;
  std::string from;
  std::string to;
  std::string outcome;             // kCommittedText where it is not written
  std::string outcome_commitment;  // "sha256:…"; empty: the outcome is written
  std::string trigger;
  std::string action_key;
  std::string verb;
  std::string entity;  // of the action, else the row that a message or an exemption is about
  std::string target;
  std::string system;
  std::string account;  // of that row, as are the next three; empty in entries of before
  std::string owner;    // a person
  std::string entitlement;
  std::string entitlement_name;
  std::vector<std::string> policies;
  std::string decisions;      // "sha256:…" of what people have decided; empty: it does not say
  std::string decisions_of;   // how many of each, for people
  std::string beside_sha256;  // hex; empty: nothing lies beside
  bool is_newer = false;      // of a later format: shown as far as it is understood
};
// kCorrupt when it is no JSON object with a format.
Result<LeafView> ReadLeaf(std::string_view leaf);
// Indented, for people. Only for leaves of one's own store: nesting is not limited.
std::string IndentLeaf(std::string_view leaf);

// Where leaves name what lies beside them; cheap to look for in canonical JSON.
inline constexpr std::string_view kBesideMark = "\"beside\":{";

// The content of a kKeyRotated leaf.
struct KeyRotation {
  std::string from;  // public keys as text
  std::string to;
  std::string signature;  // by `from`, over RotationStatement
};
inline constexpr std::string_view kRotationMark = "\"kind\":\"key_rotated\"";
// nullopt when the leaf is no readable rotation.
std::optional<KeyRotation> ReadRotation(std::string_view leaf);
std::string RotationStatement(std::string_view from, std::string_view to, uint64_t leaf_index);

}  // namespace rescind

#include "runtime/audit/log_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "runtime/audit/base64.h"

namespace rescind {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1\n";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";
constexpr size_t kMaxHashes = 64;  // a longer way has no tree of 64-bit size

Error NoProof(std::string_view why) {
  return {ErrorKind::kInvalidInput, fmt::format("not a proof: {}", why),
          "give a file as `rescind audit prove` writes it"};
}

// The text up to the next line break, taken off `text`; nullopt when there is none.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

Result<LogProof> ProveEntry(const LogReader& reader, uint64_t index,
                            const std::string& checkpoint) {
  RESCIND_ASSIGN(const SignedCheckpoint parsed, ParseSignedCheckpoint(checkpoint));
  RESCIND_ASSIGN(const uint64_t size, reader.Size());
  if (index >= parsed.checkpoint.size && index < size) {
    return Error{ErrorKind::kNotFound,
                 fmt::format("entry {} is in no signed checkpoint yet: the last covers {} entries",
                             index, parsed.checkpoint.size),
                 "prove it where the private key is: that signs a new one"};
  }
  if (index >= parsed.checkpoint.size) {
    return Error{ErrorKind::kNotFound,
                 fmt::format("the checkpoint covers {} entries, there is no entry {}",
                             parsed.checkpoint.size, index),
                 "entries count from 0; `rescind audit show` lists them"};
  }
  LogProof proof;
  proof.index = index;
  proof.checkpoint = checkpoint;
  RESCIND_ASSIGN(proof.entry, reader.Leaf(index));
  RESCIND_ASSIGN(proof.hashes, InclusionProof(index, parsed.checkpoint.size, reader));
  return proof;
}

std::string FormatProof(const LogProof& proof) {
  std::string text = fmt::format("{}{}{}\n{}{}\n", kHeader, kExtra, EncodeBase64(proof.entry),
                                 kIndex, proof.index);
  for (const TreeHash& hash : proof.hashes) {
    text += EncodeBase64({reinterpret_cast<const char*>(hash.data()), hash.size()}) + "\n";
  }
  return text + "\n" + proof.checkpoint;
}

Result<LogProof> ParseProof(std::string_view bytes) {
  if (bytes.size() > kMaxProofBytes) return NoProof("it is too long");
  if (!bytes.starts_with(kHeader)) return NoProof("its first line is another");
  bytes.remove_prefix(kHeader.size());
  LogProof proof;
  auto line = TakeLine(bytes);
  if (!line || !line->starts_with(kExtra)) return NoProof("it does not hold the entry");
  auto entry = DecodeBase64(line->substr(kExtra.size()));
  if (!entry) return NoProof("its entry is damaged");
  proof.entry = *std::move(entry);
  line = TakeLine(bytes);
  if (!line || !line->starts_with(kIndex)) return NoProof("it has no index");
  const std::string_view index = line->substr(kIndex.size());
  const auto [end, problem] =
      std::from_chars(index.data(), index.data() + index.size(), proof.index);
  if (problem != std::errc() || end != index.data() + index.size() ||
      (index.size() > 1 && index.front() == '0')) {
    return NoProof("its index is no number");
  }
  for (line = TakeLine(bytes); line && !line->empty(); line = TakeLine(bytes)) {
    const auto hash = DecodeBase64(*line);
    if (!hash || hash->size() != sizeof(TreeHash)) return NoProof("one of its hashes is damaged");
    if (proof.hashes.size() == kMaxHashes) return NoProof("it has too many hashes");
    std::copy(hash->begin(), hash->end(), proof.hashes.emplace_back().begin());
  }
  if (!line) return NoProof("it ends before the checkpoint");
  proof.checkpoint = bytes;
  RESCIND_TRY([&]() -> Status {
    auto checkpoint = ParseSignedCheckpoint(proof.checkpoint);
    return checkpoint.ok() ? Status() : Status(std::move(checkpoint).error());
  }());
  return proof;
}

Result<Checkpoint> VerifyProof(const LogProof& proof, const AuditPublicKey& key) {
  RESCIND_ASSIGN(const SignedCheckpoint parsed, ParseSignedCheckpoint(proof.checkpoint));
  const Checkpoint& checkpoint = parsed.checkpoint;
  if (checkpoint.origin != key.name || !parsed.note.IsSignedBy(key)) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("the checkpoint of the proof is not signed by {}", key.Text()),
                 "ask for a newer proof, or give the key that signs now"};
  }
  if (!VerifyInclusion(LeafHash(proof.entry), proof.index, checkpoint.size, proof.hashes,
                       checkpoint.root)) {
    return Error{ErrorKind::kCorrupt,
                 fmt::format("the entry is not number {} of the log {} as its owner signed it",
                             proof.index, checkpoint.origin),
                 "do not rely on this entry"};
  }
  return checkpoint;
}

}  // namespace rescind

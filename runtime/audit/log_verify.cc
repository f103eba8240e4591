// One pass over the entry bundles, from the first to the last. Each leaf is hashed; the hashes
// grow the same tree as the log's owner grew, so every tile and the root can be compared with what
// lies in the folder. Where a bundle cannot be read its tile stands in, so that one damaged file
// does not hide the place of the next; it is reported all the same.
//
// Trust begins with the given key alone. A rotation entry signed by a trusted key adds the next
// key and ends the old one's right to sign anything longer.
#include "runtime/audit/log_verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "runtime/audit/base64.h"
#include "runtime/audit/export_reader.h"
#include "runtime/audit/leaf.h"
#include "runtime/audit/log_export.h"
#include "runtime/audit/merkle_tree.h"
#include "runtime/audit/tile.h"

namespace rescind {
namespace {

constexpr uint64_t kMaxManifestBytes = 1 << 16;
constexpr uint64_t kMaxBesideBytes = uint64_t{1} << 30;

struct TrustedKey {
  AuditPublicKey key;
  std::optional<uint64_t> retired_at;  // the rotation's entry

  bool MaySign(uint64_t size) const { return !retired_at || size <= *retired_at; }
};

class Verifier {
 public:
  Verifier(std::string folder, const AuditPublicKey& key, FileSystem& files)
      : folder_(std::move(folder)), files_(files), trusted_({{key, std::nullopt}}) {}

  Result<VerifyReport> Run(const std::vector<HeldCheckpoint>& held) {
    RESCIND_TRY(RefuseOdd());
    RESCIND_TRY(CheckManifest());
    expected_files_.insert(kExportCheckpoint);
    RESCIND_ASSIGN(const SignedCheckpoint own, ReadExportCheckpoint(folder_, files_));
    report_.origin = own.checkpoint.origin;
    report_.size = own.checkpoint.size;
    report_.root = HexOf(own.checkpoint.root);
    const auto held_checkpoints = ParseHeld(held);
    roots_[0] = EmptyTreeRoot();
    for (const auto& [name, held_one] : held_checkpoints) {
      wanted_roots_.insert(held_one.checkpoint.size);
    }
    WalkEntries();
    ComparePartialTiles();
    CheckRoot(own.checkpoint);
    CheckSignature(own);
    for (const auto& [name, checkpoint] : held_checkpoints) CheckHeld(name, checkpoint);
    CheckStrangers();
    report_.end_is_proven = report_.ok() && !held.empty() && report_.proven_size == report_.size;
    return std::move(report_);
  }

 private:
  using Named = std::vector<std::pair<std::string, SignedCheckpoint>>;

  void Reject(std::string place, std::string what) {
    ++report_.problem_count;
    if (report_.problems.size() < kMaxProblems) {
      report_.problems.push_back({std::move(place), std::move(what)});
    }
  }

  // The file, or nullopt with the problem reported.
  std::optional<std::string> ReadFile(const std::string& path, uint64_t limit_bytes) {
    expected_files_.insert(path);
    if (IsRefused(path)) return std::nullopt;  // reported
    const std::string file = folder_ + "/" + path;
    const auto info = files_.Stat(file);
    if (!info.ok() && info.error().kind == ErrorKind::kNotFound) {
      Reject(path, "is missing");
      return std::nullopt;
    }
    if (!info.ok() || info->kind != FileKind::kRegular) {
      Reject(path, info.ok() ? "is not a file" : info.error().message);
      return std::nullopt;
    }
    auto bytes = files_.Read(file, limit_bytes);
    if (!bytes.ok()) {
      Reject(path, info->size_bytes > limit_bytes ? "is far too long" : bytes.error().message);
      return std::nullopt;
    }
    return *std::move(bytes);
  }

  Status RefuseOdd();
  bool IsRefused(const std::string& path) const;
  Status CheckManifest();
  Named ParseHeld(const std::vector<HeldCheckpoint>& held);
  void WalkEntries();
  bool TakeBundle(uint64_t index, uint32_t width);
  void TakeLeaf(uint64_t index, std::string_view leaf);
  void Grow(const TreeHash& hash);
  void CompareTile(uint32_t level, uint64_t index, const std::vector<TreeHash>& hashes);
  void ComparePartialTiles();
  void TakeRotation(uint64_t index, std::string_view leaf);
  void CheckBeside(uint64_t index, std::string_view leaf);
  void CheckRoot(const Checkpoint& checkpoint);
  void CheckSignature(const SignedCheckpoint& checkpoint);
  void RejectSigner(const std::string& name, const SignedCheckpoint& checkpoint);
  void CheckHeld(const std::string& name, const SignedCheckpoint& held);
  void CheckStrangers();
  const TrustedKey* SignerOf(const SignedCheckpoint& checkpoint) const;

  const std::string folder_;
  FileSystem& files_;
  VerifyReport report_;
  std::vector<TrustedKey> trusted_;
  TileEdge edge_;
  TreeFrontier frontier_;
  std::set<uint64_t> wanted_roots_;     // sizes of held checkpoints
  std::map<uint64_t, TreeHash> roots_;  // at those sizes
  std::set<std::string> expected_files_;
  std::set<std::string> refused_;  // what is neither a file nor a folder: never opened
  bool is_complete_ = true;        // every entry's hash is known
};

constexpr std::string_view kWhyNoLink =
    "is a symbolic link, behind which every reader may find something else";

// A log is what lies in the folder, the same for everybody who is given it.
Status Verifier::RefuseOdd() {
  for (const char* part : {kExportManifest, kExportCheckpoint, "tile", "beside"}) {
    RESCIND_ASSIGN(const auto odd, files_.FindOdd(folder_ + "/" + part));
    for (const OddEntry& entry : odd) {
      const std::string path = entry.path.substr(folder_.size() + 1);
      refused_.insert(path);
      if (path == kExportCheckpoint) {
        return Error{ErrorKind::kInvalidInput,
                     fmt::format("{} {}", entry.path,
                                 entry.is_link ? kWhyNoLink : "is neither a file nor a folder"),
                     kExportLinkRemedy};
      }
      Reject(path, entry.is_link ? fmt::format("{}: {}", kWhyNoLink, kExportLinkRemedy)
                                 : "is not a file, and is not opened: remove it");
    }
  }
  return {};
}

// It, or a folder that it lies in.
bool Verifier::IsRefused(const std::string& path) const {
  for (size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    if (refused_.contains(path.substr(0, end))) return true;
  }
  return refused_.contains(path);
}

// Another number and a whole line, whatever else that version says there.
bool IsOtherVersion(std::string_view manifest) {
  constexpr std::string_view kStem = "{\"format\":\"rescind.audit-export/";
  constexpr size_t kMostBytes = 100;
  if (!manifest.starts_with(kStem) || !manifest.ends_with("}\n")) return false;
  const std::string_view rest = manifest.substr(kStem.size());
  int version = 0;
  const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), version);
  return manifest.size() < kMostBytes && problem == std::errc() && *end == '"' &&
         version != kExportVersion;
}

Status Verifier::CheckManifest() {
  const auto bytes = ReadFile(kExportManifest, kMaxManifestBytes);
  if (!bytes) return {};
  const std::string expected = ExportManifest();
  if (*bytes == expected) return {};
  if (IsOtherVersion(*bytes)) {
    return Error{
        ErrorKind::kUnsupported,
        fmt::format("{}/{} was written by another version: {}", folder_, kExportManifest,
                    bytes->substr(0, bytes->find('\n'))),
        fmt::format("verify it with a newer rescind; this one knows version {}", kExportVersion)};
  }
  if (expected.starts_with(*bytes)) {
    Reject(kExportManifest, "is cut short");
  } else {
    Reject(kExportManifest, *bytes == expected.substr(0, expected.size() - 1) + "\r\n"
                                ? "its line ends were changed to CRLF"
                                : "was changed");
  }
  return {};
}

Verifier::Named Verifier::ParseHeld(const std::vector<HeldCheckpoint>& held) {
  Named parsed;
  for (const HeldCheckpoint& checkpoint : held) {
    auto signed_checkpoint = ParseSignedCheckpoint(checkpoint.bytes);
    if (signed_checkpoint.ok()) {
      parsed.emplace_back(checkpoint.name, *std::move(signed_checkpoint));
    } else {
      Reject(checkpoint.name, signed_checkpoint.error().message);
    }
  }
  return parsed;
}

void Verifier::WalkEntries() {
  for (uint64_t begin = 0; begin < report_.size; begin += kTileWidth) {
    const auto width = static_cast<uint32_t>(std::min<uint64_t>(kTileWidth, report_.size - begin));
    if (TakeBundle(begin / kTileWidth, width)) continue;
    Reject(BundlePath(begin / kTileWidth, width),
           fmt::format("entries from {} on cannot be checked: neither they nor their hashes are "
                       "there",
                       begin));
    is_complete_ = false;
    return;
  }
}

// Entries and hashes of one bundle; false when neither can be read.
bool Verifier::TakeBundle(uint64_t index, uint32_t width) {
  const uint64_t first = index * kTileWidth;
  const std::string bundle_path = BundlePath(index, width);
  const std::string tile_path = TilePath(0, index, width);
  const auto bundle = ReadFile(bundle_path, kMaxBundleBytes);
  const auto tile_bytes = ReadFile(tile_path, kTileWidth * sizeof(TreeHash));
  const auto tile = tile_bytes ? DecodeTile(*tile_bytes, width) : std::nullopt;
  if (tile_bytes && !tile) Reject(tile_path, fmt::format("does not hold {} hashes", width));

  std::vector<std::string_view> leaves;
  if (bundle) {
    auto split = SplitBundle(*bundle, width);
    if (split.ok()) {
      leaves = *std::move(split);
    } else {
      Reject(bundle_path, split.error().message);
    }
  }
  if (leaves.empty() && !tile) return false;
  for (uint32_t i = 0; i < width; ++i) {
    if (leaves.empty()) {
      Grow((*tile)[i]);
      continue;
    }
    const TreeHash hash = LeafHash(leaves[i]);
    if (tile && (*tile)[i] != hash) {
      Reject(bundle_path,
             fmt::format("entry {} does not have the hash that {} says", first + i, tile_path));
    }
    TakeLeaf(first + i, leaves[i]);
    Grow(hash);
  }
  return true;
}

void Verifier::TakeLeaf(uint64_t index, std::string_view leaf) {
  ++report_.entries_read;
  if (leaf.find("\"format\":\"rescind.audit/1\"") == std::string_view::npos) {
    ++report_.newer_entries;
  }
  if (leaf.find(kRotationMark) != std::string_view::npos) TakeRotation(index, leaf);
  if (leaf.find(kBesideMark) != std::string_view::npos) CheckBeside(index, leaf);
}

void Verifier::Grow(const TreeHash& hash) {
  frontier_.Append(hash);
  if (wanted_roots_.contains(frontier_.size())) roots_[frontier_.size()] = frontier_.Root();
  edge_.Append(hash, [&](uint32_t level, uint64_t index, const std::vector<TreeHash>& hashes) {
    CompareTile(level, index, hashes);
  });
}

void Verifier::CompareTile(uint32_t level, uint64_t index, const std::vector<TreeHash>& hashes) {
  if (level == 0) return;  // compared entry by entry
  const std::string path = TilePath(level, index, static_cast<uint32_t>(hashes.size()));
  const auto bytes = ReadFile(path, kTileWidth * sizeof(TreeHash));
  if (bytes && *bytes != EncodeTile(hashes)) Reject(path, "does not fit the hashes below it");
}

void Verifier::ComparePartialTiles() {
  if (!is_complete_) return;
  edge_.TakePartial([&](uint32_t level, uint64_t index, const std::vector<TreeHash>& hashes) {
    CompareTile(level, index, hashes);
  });
}

void Verifier::TakeRotation(uint64_t index, std::string_view leaf) {
  const auto rotation = ReadRotation(leaf);
  if (!rotation) return;
  for (TrustedKey& trusted : trusted_) {
    if (trusted.retired_at || trusted.key.Text() != rotation->from) continue;
    const auto next = ParsePublicKey(rotation->to);
    const auto signature = DecodeBase64(rotation->signature);
    const std::string statement = RotationStatement(rotation->from, rotation->to, index);
    if (!next.ok() || !signature || !trusted.key.Verify(statement, *signature)) {
      Reject(fmt::format("entry {}", index), "hands over to a key without the old key's signature");
      return;
    }
    trusted.retired_at = index;
    report_.rotated_to.push_back(rotation->to);
    trusted_.push_back({*next, std::nullopt});
    return;
  }
}

void Verifier::CheckBeside(uint64_t index, std::string_view leaf) {
  const auto view = ReadLeaf(leaf);
  if (!view.ok() || view->beside_sha256.empty()) return;
  const bool is_hash =
      view->beside_sha256.size() == 64 &&
      std::all_of(view->beside_sha256.begin(), view->beside_sha256.end(),
                  [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!is_hash) {
    Reject(fmt::format("entry {}", index), "names evidence by something that is no hash");
    return;
  }
  const std::string path = fmt::format("beside/{}.json", view->beside_sha256);
  const auto bytes = ReadFile(path, kMaxBesideBytes);
  if (!bytes) return;
  ++report_.beside_count;
  if (Sha256Hex(*bytes) != view->beside_sha256) {
    Reject(path, fmt::format("is not the evidence that entry {} commits to", index));
  }
}

void Verifier::CheckRoot(const Checkpoint& checkpoint) {
  if (!is_complete_ || frontier_.Root() == checkpoint.root) return;
  Reject(kExportCheckpoint, fmt::format("its root is not that of the {} entries: entries were "
                                        "edited, moved, added or removed",
                                        checkpoint.size));
}

const TrustedKey* Verifier::SignerOf(const SignedCheckpoint& checkpoint) const {
  const auto signer =
      std::find_if(trusted_.begin(), trusted_.end(), [&](const TrustedKey& trusted) {
        return trusted.MaySign(checkpoint.checkpoint.size) &&
               checkpoint.checkpoint.origin == trusted.key.name &&
               checkpoint.note.IsSignedBy(trusted.key);
      });
  return signer == trusted_.end() ? nullptr : &*signer;
}

void Verifier::CheckSignature(const SignedCheckpoint& checkpoint) {
  if (const TrustedKey* signer = SignerOf(checkpoint)) {
    report_.signed_by = signer->key.Text();
    return;
  }
  RejectSigner(kExportCheckpoint, checkpoint);
}

void Verifier::RejectSigner(const std::string& name, const SignedCheckpoint& checkpoint) {
  std::vector<std::string> signers;
  bool is_claimed = false;  // by a key that is known here
  for (const NoteSignature& signature : checkpoint.note.signatures) {
    signers.push_back(fmt::format("{}+{:08x}", signature.name, signature.key_id));
    for (const TrustedKey& trusted : trusted_) is_claimed |= trusted.key.Id() == signature.key_id;
  }
  if (is_claimed) {
    Reject(name, fmt::format("its signature by {} does not hold: it was edited, is of another log, "
                             "or was signed after that key had been handed over",
                             fmt::join(signers, " and ")));
    return;
  }
  // Perhaps a key of before, which the given one cannot know.
  ++report_.foreign_count;
  Reject(name,
         fmt::format("is signed by {}: neither by the given {} nor by a key that it handed "
                     "over to. If that is a key of before, give the public half that you kept: "
                     "it speaks for the later ones as well",
                     fmt::join(signers, " and "), trusted_.front().key.Text()));
}

void Verifier::CheckHeld(const std::string& name, const SignedCheckpoint& held) {
  const Checkpoint& checkpoint = held.checkpoint;
  if (checkpoint.origin != report_.origin) {
    Reject(name, fmt::format("is of the log {}, not of {}", checkpoint.origin, report_.origin));
  } else if (SignerOf(held) == nullptr) {
    RejectSigner(name, held);
  } else if (checkpoint.size > report_.size) {
    Reject(name, fmt::format("covers {} entries, the exported log has {}: its end was cut off",
                             checkpoint.size, report_.size));
  } else if (!roots_.contains(checkpoint.size)) {
    Reject(name, "cannot be compared: entries that it covers are missing");
  } else if (roots_.at(checkpoint.size) != checkpoint.root) {
    Reject(name, fmt::format("covers other first {} entries than the exported log has: history "
                             "was rewritten",
                             checkpoint.size));
  } else {
    report_.proven_size = std::max(report_.proven_size, checkpoint.size);
  }
}

// Tiles and evidence that the log does not account for.
void Verifier::CheckStrangers() {
  for (const char* part : {"tile", "beside"}) {
    const std::string directory = folder_ + "/" + part;
    if (IsRefused(part) || !files_.Exists(directory)) continue;
    const auto paths = files_.ListRecursively(directory, "");
    if (!paths.ok()) {
      Reject(part, paths.error().message);
      continue;
    }
    for (const std::string& file : *paths) {
      const std::string path = file.substr(folder_.size() + 1);
      if (!expected_files_.contains(path) && !IsRefused(path)) {
        Reject(path, "does not belong to the log");
      }
    }
  }
}

}  // namespace

Result<VerifyReport> VerifyExport(const std::string& folder, const AuditPublicKey& key,
                                  const std::vector<HeldCheckpoint>& held, FileSystem& files) {
  RESCIND_ASSIGN(const std::string path, ExportFolder(folder, files));
  return Verifier(path, key, files).Run(held);
}

}  // namespace rescind

#include "runtime/audit/log_export.h"

#include <fmt/format.h>

#include <set>

#include "engine/base/sha256.h"
#include "runtime/audit/checkpoint.h"
#include "runtime/audit/leaf.h"

namespace rescind {
namespace {

// Entries name accounts and reasons: who reads them is for whoever exports to say.
constexpr uint32_t kPrivateFolderMode = 0700;

class Exporter {
 public:
  Exporter(const LogReader& reader, std::string folder, FileSystem& files)
      : reader_(reader), folder_(std::move(folder)), files_(files) {}

  Status Write(const Checkpoint& checkpoint, const std::string& note) {
    RESCIND_TRY(files_.MakeDirectories(folder_, kPrivateFolderMode));
    // First, so that what is left of an export that was cut off can be known by it.
    RESCIND_TRY(WriteFile(kExportManifest, ExportManifest()));
    RESCIND_TRY(WriteEntries(checkpoint.size));
    if (edge_.size() != checkpoint.size || frontier_.Root() != checkpoint.root) {
      return Error{ErrorKind::kCorrupt,
                   fmt::format("the audit log has {} entries that are not those of its checkpoint "
                               "over {}",
                               edge_.size(), checkpoint.size),
                   "the store was altered: restore it from a backup"};
    }
    RESCIND_TRY(WritePartialTiles());
    return WriteFile(kExportCheckpoint, note);
  }

  ExportReport report() const { return {edge_.size(), file_count_}; }

 private:
  Status WriteEntries(uint64_t size) {
    Status status;
    RESCIND_TRY(reader_.Scan(0, [&](uint64_t index, std::string_view leaf) {
      if (index >= size) return false;
      status = WriteEntry(index, leaf);
      return status.ok();
    }));
    RESCIND_TRY(std::move(status));
    if (edge_.size() % kTileWidth == 0) return {};
    return WriteFile(
        BundlePath(edge_.size() / kTileWidth, static_cast<uint32_t>(edge_.size() % kTileWidth)),
        bundle_);
  }

  Status WriteEntry(uint64_t index, std::string_view leaf) {
    const TreeHash hash = LeafHash(leaf);
    frontier_.Append(hash);
    AppendToBundle(bundle_, leaf);
    Status status;
    edge_.Append(hash, [&](uint32_t level, uint64_t tile, const std::vector<TreeHash>& hashes) {
      if (status.ok()) status = WriteFile(TilePath(level, tile, kTileWidth), EncodeTile(hashes));
    });
    RESCIND_TRY(std::move(status));
    if (leaf.find(kBesideMark) != std::string_view::npos) RESCIND_TRY(WriteBeside(index, leaf));
    if ((index + 1) % kTileWidth != 0) return {};
    RESCIND_TRY(WriteFile(BundlePath(index / kTileWidth, kTileWidth), bundle_));
    bundle_.clear();
    return {};
  }

  Status WriteBeside(uint64_t index, std::string_view leaf) {
    RESCIND_ASSIGN(const LeafView view, ReadLeaf(leaf));
    if (view.beside_sha256.empty()) return {};
    RESCIND_ASSIGN(const auto beside, reader_.Beside(index));
    if (!beside || Sha256Hex(*beside) != view.beside_sha256) {
      return Error{ErrorKind::kCorrupt,
                   fmt::format("the evidence beside audit entry {} is missing or altered", index),
                   "the store was altered: restore it from a backup"};
    }
    if (!beside_.insert(view.beside_sha256).second) return {};
    return WriteFile(fmt::format("beside/{}.json", view.beside_sha256), *beside);
  }

  Status WritePartialTiles() {
    Status status;
    edge_.TakePartial([&](uint32_t level, uint64_t tile, const std::vector<TreeHash>& hashes) {
      if (!status.ok()) return;
      status = WriteFile(TilePath(level, tile, static_cast<uint32_t>(hashes.size())),
                         EncodeTile(hashes));
    });
    return status;
  }

  Status WriteFile(const std::string& path, std::string_view bytes) {
    const std::string file = folder_ + "/" + path;
    const std::string directory = file.substr(0, file.rfind('/'));
    if (directories_.insert(directory).second) {
      RESCIND_TRY(files_.MakeDirectories(directory, kPrivateFolderMode));
    }
    RESCIND_ASSIGN(const auto out, files_.Create(file, kPrivateMode));
    RESCIND_TRY(out->Append(bytes));
    RESCIND_TRY(out->Sync());
    RESCIND_TRY(out->Close());
    ++file_count_;
    return {};
  }

  const LogReader& reader_;
  const std::string folder_;
  FileSystem& files_;
  TileEdge edge_;
  TreeFrontier frontier_;
  std::string bundle_;
  std::set<std::string> directories_;
  std::set<std::string> beside_;
  uint64_t file_count_ = 0;
};

Status CheckPlace(const std::string& folder, FileSystem& files) {
  if (files.Exists(folder)) {
    return Error{ErrorKind::kInvalidInput, fmt::format("{} exists already", folder),
                 "name a folder that does not exist yet"};
  }
  RESCIND_ASSIGN(const auto odd, files.FindOdd(folder));
  if (odd.empty()) return {};
  return Error{ErrorKind::kInvalidInput,
               fmt::format("{} is a symbolic link that leads nowhere", folder),
               "remove it, or name another folder"};
}

// Takes away what is left of an export that was cut off, and nothing else: a folder without links
// that holds the manifest, or as much of it as was written before anything else, or nothing.
Status MakeWay(const std::string& unfinished, FileSystem& files) {
  RESCIND_ASSIGN(const auto odd, files.FindOdd(unfinished));
  const auto info = files.Stat(unfinished);
  if (odd.empty() && !info.ok() && info.error().kind == ErrorKind::kNotFound) return {};
  if (odd.empty() && info.ok() && info->kind == FileKind::kDirectory) {
    const std::string file = unfinished + "/" + kExportManifest;
    const std::string whole = ExportManifest();
    const auto manifest = files.Read(file, whole.size());
    // Succeeds where the folder is empty.
    if (!manifest.ok() && files.Remove(unfinished).ok()) return {};
    RESCIND_ASSIGN(const auto others, files.ListRecursively(unfinished, ""));
    if (manifest.ok() &&
        (*manifest == whole || (whole.starts_with(*manifest) && others.size() == 1))) {
      return files.RemoveRecursively(unfinished);
    }
  }
  return Error{ErrorKind::kInvalidInput,
               fmt::format("{} is there and is no unfinished export", unfinished),
               "move it away, or name another folder"};
}

}  // namespace

std::string ExportManifest() {
  return fmt::format("{{\"format\":\"rescind.audit-export/{}\"}}\n", kExportVersion);
}

Result<ExportReport> ExportLog(const LogReader& reader, const std::string& checkpoint,
                               const std::string& typed_folder, FileSystem& files) {
  RESCIND_ASSIGN(const SignedCheckpoint parsed, ParseSignedCheckpoint(checkpoint));
  std::string folder = typed_folder;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  RESCIND_TRY(CheckPlace(folder, files));
  const std::string unfinished = folder + ".unfinished";
  RESCIND_TRY(MakeWay(unfinished, files));
  Exporter exporter(reader, unfinished, files);
  Status status = exporter.Write(parsed.checkpoint, checkpoint);
  if (status.ok()) status = files.Rename(unfinished, folder);
  if (!status.ok()) {
    static_cast<void>(files.RemoveRecursively(unfinished));  // best effort, said by its name
    return std::move(status).error();
  }
  const size_t slash = folder.rfind('/');
  RESCIND_TRY(files.SyncDirectory(slash == std::string::npos ? "."
                                  : slash == 0               ? "/"
                                                             : folder.substr(0, slash)));
  return exporter.report();
}

}  // namespace rescind

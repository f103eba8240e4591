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
    RESCIND_TRY(WriteEntries(checkpoint.size));
    if (edge_.size() != checkpoint.size || frontier_.Root() != checkpoint.root) {
      return Error{ErrorKind::kCorrupt,
                   fmt::format("the audit log has {} entries that are not those of its checkpoint "
                               "over {}",
                               edge_.size(), checkpoint.size),
                   "the store was altered: restore it from a backup"};
    }
    RESCIND_TRY(WritePartialTiles());
    RESCIND_TRY(
        WriteFile(kExportManifest,
                  fmt::format("{{\"format\":\"rescind.audit-export/{}\"}}\n", kExportVersion)));
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

}  // namespace

Result<ExportReport> ExportLog(const LogReader& reader, const std::string& checkpoint,
                               const std::string& folder, FileSystem& files) {
  RESCIND_ASSIGN(const SignedCheckpoint parsed, ParseSignedCheckpoint(checkpoint));
  if (files.Exists(folder)) {
    return Error{ErrorKind::kInvalidInput, fmt::format("{} exists already", folder),
                 "name a folder that does not exist yet"};
  }
  const std::string unfinished = folder + ".unfinished";
  if (files.Exists(unfinished)) RESCIND_TRY(files.RemoveRecursively(unfinished));
  Exporter exporter(reader, unfinished, files);
  if (Status status = exporter.Write(parsed.checkpoint, checkpoint); !status.ok()) {
    static_cast<void>(files.RemoveRecursively(unfinished));  // best effort, said by its name
    return std::move(status).error();
  }
  RESCIND_TRY(files.Rename(unfinished, folder));
  const size_t slash = folder.rfind('/');
  RESCIND_TRY(files.SyncDirectory(slash == std::string::npos ? "."
                                  : slash == 0               ? "/"
                                                             : folder.substr(0, slash)));
  return exporter.report();
}

}  // namespace rescind

#include "runtime/audit/export_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/audit/log_export.h"
#include "runtime/audit/tile.h"

namespace rescind {
namespace {

// Whoever shows an entry goes through its nesting, and shows it on one line.
bool IsShowable(std::string_view leaf) {
  constexpr int kMaxDepth = 32;
  int depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < leaf.size(); ++i) {
    const char c = leaf[i];
    if (static_cast<uint8_t>(c) < ' ') return false;
    if (in_text && c == '\\') {
      ++i;  // what follows is of the text
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '{' || c == '[')) {
      if (++depth > kMaxDepth) return false;
    } else if (!in_text && (c == '}' || c == ']')) {
      --depth;
    }
  }
  return true;
}

// Either may have been edited, or lost a part on its way.
Error DoesNotFit(const std::string& folder, uint64_t size, const std::string& file) {
  return {ErrorKind::kCorrupt,
          fmt::format("{0}/{1} does not fit the entries in {0}: it counts {2} of them, and then "
                      "there would be a file {3}",
                      folder, kExportCheckpoint, size, file),
          "get the folder anew from whoever exported it; `rescind audit verify` says what else is "
          "wrong with it"};
}

}  // namespace

Result<std::string> ExportFolder(const std::string& given, FileSystem& files) {
  std::string path = given;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  RESCIND_ASSIGN(const FileInfo info, files.Stat(path));
  if (info.kind == FileKind::kDirectory) return path;
  return Error{ErrorKind::kInvalidInput, fmt::format("{} is not a folder", path),
               "give the folder that `rescind audit export` made"};
}

Result<SignedCheckpoint> ReadExportCheckpoint(const std::string& folder, FileSystem& files) {
  const std::string file = folder + "/" + kExportCheckpoint;
  const auto info = files.Stat(file);
  if (!info.ok() || info->kind != FileKind::kRegular) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("{} holds no exported audit log: there is no file {}", folder,
                             kExportCheckpoint),
                 "give the folder that `rescind audit export` made"};
  }
  RESCIND_ASSIGN(const std::string bytes, files.Read(file, kMaxNoteBytes));
  auto checkpoint = ParseSignedCheckpoint(bytes);
  if (!checkpoint.ok()) return std::move(checkpoint).error().In(file);
  return checkpoint;
}

Result<ExportReader> ExportReader::Open(const std::string& folder, FileSystem& files) {
  RESCIND_ASSIGN(std::string path, ExportFolder(folder, files));
  for (const char* part : {kExportManifest, kExportCheckpoint, "tile"}) {
    RESCIND_ASSIGN(const auto odd, files.FindOdd(path + "/" + part));
    if (odd.empty()) continue;
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("{} is {}, not a file of an export", odd.front().path,
                             odd.front().is_link ? "a symbolic link" : "no regular file"),
                 kExportLinkRemedy};
  }
  RESCIND_ASSIGN(SignedCheckpoint checkpoint, ReadExportCheckpoint(path, files));
  const std::string manifest = path + "/" + kExportManifest;
  const auto layout = files.Read(manifest, ExportManifest().size());
  if (!layout.ok() || *layout != ExportManifest()) {
    return Error{ErrorKind::kUnsupported,
                 fmt::format("{} does not say that this is an export of version {}", manifest,
                             kExportVersion),
                 "`rescind audit verify` says what is wrong with it"};
  }
  return ExportReader(std::move(path), std::move(checkpoint.checkpoint), files);
}

Status ExportReader::Scan(
    uint64_t from, const std::function<bool(uint64_t index, std::string_view leaf)>& take) const {
  const uint64_t size = checkpoint_.size;
  for (uint64_t first = from - from % kTileWidth; first < size; first += kTileWidth) {
    const auto width = static_cast<uint32_t>(std::min<uint64_t>(kTileWidth, size - first));
    const std::string file = folder_ + "/" + BundlePath(first / kTileWidth, width);
    if (!files_->Exists(file)) return DoesNotFit(folder_, size, file);
    RESCIND_ASSIGN(const std::string bundle, files_->Read(file, kMaxBundleBytes));
    auto leaves = SplitBundle(bundle, width);
    if (!leaves.ok()) return std::move(leaves).error().In(file);
    for (uint32_t i = 0; i < width; ++i) {
      if (first + i < from) continue;
      if (!IsShowable((*leaves)[i])) {
        return Error{
            ErrorKind::kCorrupt,
            fmt::format("entry {} in {} was written by no rescind: line breaks, or nesting "
                        "without end",
                        first + i, file),
            "`rescind audit verify` says whether this is the log that was signed"};
      }
      if (!take(first + i, (*leaves)[i])) return {};
    }
    if (size - first <= kTileWidth) break;  // a claimed size may be the greatest number there is
  }
  return {};
}

}  // namespace rescind

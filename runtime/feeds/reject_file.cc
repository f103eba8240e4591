#include "runtime/feeds/reject_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "runtime/env/temporary_name.h"
#include "runtime/feeds/feed_reader.h"

namespace rescind {
namespace {

constexpr size_t kPendingBytes = 1 << 20;
constexpr uint32_t kMostNumber = 99'999;

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

RejectFile::RejectFile(FileSystem& files, std::string path)
    : files_(files), path_(std::move(path)) {}

RejectFile::~RejectFile() {
  if (file_ == nullptr) return;
  file_.reset();
  // Nobody is there to hear of a failure.
  (void)files_.Remove(temporary_).ok();
}

Status RejectFile::Add(std::string_view preamble, const BadRecord& bad) {
  if (file_ == nullptr) {
    RESCIND_ASSIGN(const OutputPlace place, files_.FindOutput(path_));
    if (!place.is_replaceable) {
      return Error{ErrorKind::kInvalidInput,
                   fmt::format("{} is no regular file, so bad lines cannot go there", path_),
                   "remove it, or import a file of another name"};
    }
    place_ = place.path;
    temporary_ = TemporaryBeside(place_);
    auto created = files_.Create(temporary_, kPrivateMode);
    if (!created.ok()) return AboutName(std::move(created).error(), temporary_, path_);
    file_ = *std::move(created);
    if (!preamble.empty()) pending_ = std::string(preamble) + "\n";
  }
  if (!bad.continues) {
    std::string reason = bad.Text("line");
    std::replace_if(
        reason.begin(), reason.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    pending_ += fmt::format("{}{}\n", kCommentMark, reason);
  }
  pending_ += bad.original;
  const bool has_line = bad.continues || !bad.original.empty();
  if (has_line && !bad.goes_on) pending_ += '\n';
  if (pending_.size() < kPendingBytes) return {};
  return Append();
}

Status RejectFile::Append() {
  if (Status written = file_->Append(pending_); !written.ok()) {
    return AboutName(std::move(written).error(), temporary_, path_);
  }
  pending_.clear();
  return {};
}

Status RejectFile::Publish() {
  if (file_ == nullptr) return {};
  RESCIND_TRY(Append());
  RESCIND_TRY(file_->Sync());
  RESCIND_TRY(file_->Close());
  RESCIND_TRY(TakeFreeName());
  file_.reset();
  is_published_ = true;
  return files_.SyncDirectory(FolderOf(place_));
}

Status RejectFile::TakeFreeName() {
  const std::string first = place_;
  for (uint32_t number = 0; number <= kMostNumber; ++number) {
    if (number > 0) place_ = fmt::format("{}.{}", first, number);
    RESCIND_ASSIGN(const bool is_taken_by_us, files_.RenameToFree(temporary_, place_));
    if (!is_taken_by_us) continue;
    if (number > 0) path_ = place_;
    return {};
  }
  return Error{ErrorKind::kInvalidInput,
               fmt::format("{} and {} more of that name hold what earlier imports left out", first,
                           kMostNumber),
               "import what they hold, once mended, and remove them"};
}

Status RejectFile::Withdraw() {
  if (!is_published_) return {};
  is_published_ = false;
  return files_.Remove(place_);
}

}  // namespace rescind

#include "runtime/env/faulty_file_system.h"

#include <utility>

namespace rescind {
namespace {

class FaultyWritableFile final : public WritableFile {
 public:
  FaultyWritableFile(FaultyFileSystem& owner, std::unique_ptr<WritableFile> below, std::string path)
      : owner_(owner), below_(std::move(below)), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override {
    if (Status step = owner_.Step("write", path_); !step.ok()) {
      RESCIND_TRY(below_->Append(bytes.substr(0, bytes.size() / 2)));
      return step;
    }
    return below_->Append(bytes);
  }
  Status Sync() override {
    RESCIND_TRY(owner_.Step("sync", path_));
    return below_->Sync();
  }
  Status Close() override {
    RESCIND_TRY(owner_.Step("close", path_));
    return below_->Close();
  }

 private:
  FaultyFileSystem& owner_;
  std::unique_ptr<WritableFile> below_;
  std::string path_;
};

}  // namespace

Status FaultyFileSystem::Step(std::string_view verb, const std::string& path) {
  ++step_count_;
  const bool fails =
      fail_at_ != 0 && (step_count_ == fail_at_ || (stays_broken_ && step_count_ > fail_at_));
  if (fails) return SystemCallError(verb, path, error_number_);
  return {};
}

Result<std::unique_ptr<ReadableFile>> FaultyFileSystem::OpenForReading(const std::string& path) {
  return below_.OpenForReading(path);
}

Result<std::unique_ptr<ReadableFile>> FaultyFileSystem::OpenRegular(const std::string& path) {
  return below_.OpenRegular(path);
}

Result<std::unique_ptr<WritableFile>> FaultyFileSystem::Create(const std::string& path,
                                                               uint32_t mode) {
  RESCIND_TRY(Step("create", path));
  RESCIND_ASSIGN(auto file, below_.Create(path, mode));
  return std::unique_ptr<WritableFile>(
      std::make_unique<FaultyWritableFile>(*this, std::move(file), path));
}

Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  RESCIND_TRY(Step("replace", to));
  return below_.Rename(from, to);
}

Result<bool> FaultyFileSystem::RenameToFree(const std::string& from, const std::string& to) {
  RESCIND_TRY(Step("rename", to));
  return below_.RenameToFree(from, to);
}

Status FaultyFileSystem::SyncDirectory(const std::string& directory) {
  RESCIND_TRY(Step("sync", directory));
  return below_.SyncDirectory(directory);
}

Status FaultyFileSystem::Remove(const std::string& path) {
  RESCIND_TRY(Step("remove", path));
  return below_.Remove(path);
}

Result<OutputPlace> FaultyFileSystem::FindOutput(const std::string& path) {
  return below_.FindOutput(path);
}

Result<std::unique_ptr<WritableFile>> FaultyFileSystem::OpenForWriting(const OutputPlace& place) {
  RESCIND_TRY(Step("write", place.path));
  RESCIND_ASSIGN(auto file, below_.OpenForWriting(place));
  return std::unique_ptr<WritableFile>(
      std::make_unique<FaultyWritableFile>(*this, std::move(file), place.path));
}

Status FaultyFileSystem::RemoveRecursively(const std::string& path) {
  RESCIND_TRY(Step("remove", path));
  return below_.RemoveRecursively(path);
}

Status FaultyFileSystem::MakeDirectories(const std::string& path, uint32_t mode) {
  RESCIND_TRY(Step("make folder", path));
  return below_.MakeDirectories(path, mode);
}

Result<FileInfo> FaultyFileSystem::Stat(const std::string& path) { return below_.Stat(path); }

Result<std::vector<TreeEntry>> FaultyFileSystem::ListTree(const std::string& directory) {
  return below_.ListTree(directory);
}

Result<std::vector<OddEntry>> FaultyFileSystem::FindOdd(const std::string& path) {
  return below_.FindOdd(path);
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::Lock(const std::string& path) {
  return below_.Lock(path);
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::LockShared(const std::string& path) {
  return below_.LockShared(path);
}

Result<uint64_t> FaultyFileSystem::FreeBytes(const std::string& path) {
  if (!filled_with_.empty() && below_.Exists(filled_with_)) return uint64_t{0};
  if (claimed_free_bytes_) return *claimed_free_bytes_;
  return below_.FreeBytes(path);
}

}  // namespace rescind

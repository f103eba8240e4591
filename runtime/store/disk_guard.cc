#include "runtime/store/disk_guard.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace rescind {
namespace {

// For a log that begins, a manifest that grows, and the mark.
constexpr uint64_t kSpareBytes = 256 << 10;

std::string SizeText(uint64_t bytes) {
  if (bytes < (1 << 20)) return fmt::format("{} kB", bytes >> 10);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

// The store's folder is made with the store.
std::string DiskGuard::NearestFolder() const {
  std::string folder = path_;
  while (!files_.Exists(folder)) {
    const size_t slash = folder.rfind('/');
    if (slash == std::string::npos) return ".";
    folder.resize(slash);
    if (folder.empty()) return "/";
  }
  return folder;
}

Status DiskGuard::NeedRoom(uint64_t bytes, std::string_view standing) const {
  // A disk that does not say how much is free shows it when it is written to.
  const auto free = files_.FreeBytes(NearestFolder());
  const uint64_t needed = bytes + kSpareBytes;
  if (!free.ok() || *free >= needed) return {};
  return Error{ErrorKind::kIo,
               fmt::format("no space left on the disk of store {}: {} free, at least {} needed",
                           path_, SizeText(*free), SizeText(needed)),
               fmt::format("free some and run again; {}", standing)};
}

std::string_view DiskGuard::Standing() const {
  if (commit_is_open_) {
    return "whether the last change was kept, all of it or nothing, shows at the next opening";
  }
  return has_committed_ ? "what was committed before stands, and nothing else was changed"
                        : "nothing was changed";
}

void DiskGuard::SetLastWords(LastWords words) {
  const std::lock_guard lock(mutex_);
  last_words_ = std::move(words);
}

void DiskGuard::EndProcess(const Error& error) const {
  const std::lock_guard lock(mutex_);  // never given back: one thread's words are enough
  const LastWords& words = last_words_;
  fmt::print(stderr, "fatal: {}\nfatal: the store cannot go on; {}{}{}; {}{}{}\n", error.message,
             Standing(), words.standing.empty() ? "" : "; ", words.standing,
             error.help.empty() ? "run again" : error.help, words.remedy.empty() ? "" : ". ",
             words.remedy);
  std::fflush(stderr);
  std::_Exit(words.exit_status);
}

void DiskGuard::EndProcess(const std::string& file, std::string_view reason, bool is_full) const {
  if (!is_full) {
    EndProcess({ErrorKind::kIo, fmt::format("cannot write {}: {}", file, reason),
                "look at the health of the disk and run again"});
  }
  const size_t slash = file.rfind('/');
  const auto free = files_.FreeBytes(slash == std::string::npos ? "." : file.substr(0, slash));
  EndProcess({ErrorKind::kIo,
              fmt::format("no space left to write {}{}", file,
                          free.ok() ? fmt::format(": {} free", SizeText(*free)) : std::string()),
              "free some and run again"});
}

}  // namespace rescind

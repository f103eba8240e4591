#include "runtime/plan/pieces_ahead.h"

#include <algorithm>
#include <utility>

namespace rescind {
namespace {

constexpr size_t kAhead = 16;

}  // namespace

PiecesAhead::PiecesAhead(size_t count, std::function<std::string(size_t)> make)
    : make_(std::move(make)), pieces_(count), other_([this] { MakeAhead(); }) {}

PiecesAhead::~PiecesAhead() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    abandoned_ = true;
  }
  changed_.notify_all();
  other_.join();
}

bool PiecesAhead::MayMakeNext() const { return next_ < std::min(pieces_.size(), taken_ + kAhead); }

void PiecesAhead::MakeAhead() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return abandoned_ || next_ == pieces_.size() || MayMakeNext(); });
    if (abandoned_ || next_ == pieces_.size()) return;
    MakeNext(lock);
  }
}

void PiecesAhead::MakeNext(std::unique_lock<std::mutex>& lock) {
  const size_t number = next_++;
  lock.unlock();
  std::string piece = make_(number);
  lock.lock();
  pieces_[number] = std::move(piece);
  changed_.notify_all();
}

std::string PiecesAhead::Take(size_t number) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!pieces_[number]) {
    if (MayMakeNext()) {
      MakeNext(lock);
    } else {
      changed_.wait(lock);  // the other thread is making it
    }
  }
  std::string piece = std::move(*pieces_[number]);
  pieces_[number].reset();
  taken_ = number + 1;
  changed_.notify_all();
  return piece;
}

}  // namespace rescind

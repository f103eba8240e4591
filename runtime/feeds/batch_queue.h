// BatchQueue: batches on their way from the thread that reads to the one that stores, and back
// when they are empty. Two of them, so that memory is bounded and both threads have work.
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/base/result.h"
#include "runtime/feeds/feed_reader.h"

namespace rescind {

class BatchQueue {
 public:
  BatchQueue() {
    for (FeedBatch& batch : batches_) free_[free_count_++] = &batch;
  }

  // For the reading thread: an empty batch, or null when nobody wants more.
  FeedBatch* TakeFree() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return free_count_ > 0 || is_stopped_; });
    if (is_stopped_) return nullptr;
    FeedBatch* batch = free_[--free_count_];
    batch->Clear();
    return batch;
  }
  void PutFull(FeedBatch* batch) {
    const std::lock_guard lock(mutex_);
    full_[(full_begin_ + full_count_++) % kBatches] = batch;
    changed_.notify_all();
  }
  // Nothing follows; why, when that is an error.
  void Close(Status status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
    is_closed_ = true;
    changed_.notify_all();
  }

  // For the storing thread: the next batch in order, or null when all have come.
  FeedBatch* TakeFull() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return full_count_ > 0 || is_closed_; });
    if (full_count_ == 0) return nullptr;
    FeedBatch* batch = full_[full_begin_];
    full_begin_ = (full_begin_ + 1) % kBatches;
    --full_count_;
    return batch;
  }
  void PutFree(FeedBatch* batch) {
    const std::lock_guard lock(mutex_);
    free_[free_count_++] = batch;
    changed_.notify_all();
  }
  // No more is wanted.
  void Stop() {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    changed_.notify_all();
  }
  // After TakeFull gave null and the reading thread has ended.
  Status status() const { return status_; }

 private:
  static constexpr size_t kBatches = 2;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<FeedBatch, kBatches> batches_;
  std::array<FeedBatch*, kBatches> free_{};
  std::array<FeedBatch*, kBatches> full_{};
  size_t free_count_ = 0;
  size_t full_begin_ = 0;
  size_t full_count_ = 0;
  Status status_;
  bool is_closed_ = false;
  bool is_stopped_ = false;
};

}  // namespace rescind

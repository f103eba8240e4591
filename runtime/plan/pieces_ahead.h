// PiecesAhead: texts that are made out of order by two threads and taken in order by one of them.
//
// The thread that takes makes pieces itself while the one it waits for is not there. A few pieces
// are ready ahead, never many: memory does not grow with their number. It knows nothing of plans.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace rescind {

class PiecesAhead {
 public:
  // `make` is called once for every number below `count`, by two threads at a time.
  PiecesAhead(size_t count, std::function<std::string(size_t)> make);
  ~PiecesAhead();
  PiecesAhead(const PiecesAhead&) = delete;
  PiecesAhead& operator=(const PiecesAhead&) = delete;

  size_t count() const { return pieces_.size(); }
  // In order from 0 on, each once, by the thread that made this.
  std::string Take(size_t number);

 private:
  void MakeAhead();
  bool MayMakeNext() const;
  void MakeNext(std::unique_lock<std::mutex>& lock);

  const std::function<std::string(size_t)> make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::optional<std::string>> pieces_;
  size_t next_ = 0;   // to be made
  size_t taken_ = 0;  // pieces below it
  bool abandoned_ = false;
  std::thread other_;  // last: it uses all of the above
};

}  // namespace rescind

// TextList: texts with dense codes that are only ever added: a column's dictionary, its sets, the
// sources, the origins.
//
// On disk in blocks that begin at a code; what lies beyond the folded count there is left from an
// unfinished fold and does not exist. In memory from the first use on, but for the few texts that
// are merely shown: a list may be as long as its table. What commits since the last fold added
// comes from the change log.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/facts/text_dictionary.h"
#include "runtime/store/database.h"
#include "runtime/store/fold_sink.h"

namespace rescind {

class TextList {
 public:
  TextList(uint32_t entity, uint32_t list) : entity_(entity), list_(list) {}

  uint32_t entity() const { return entity_; }
  uint32_t list() const { return list_; }
  uint32_t folded_count() const { return folded_count_; }
  uint32_t count() const {
    return texts_ ? texts_->count() : folded_count_ + static_cast<uint32_t>(pending_.size());
  }

  // Before the first use.
  void SetFolded(uint32_t count) { folded_count_ = logged_count_ = count; }
  // A text that a commit added, in the order of the log.
  void AddPending(std::string_view text) {
    pending_.emplace_back(text);
    ++logged_count_;
  }

  // One text that is shown; kCorrupt when there is none of that code. Reads the block that holds
  // it, until so many were asked for that the whole list costs less. For several threads, like
  // Need.
  Result<std::string> Show(const Database& database, uint32_t code);

  // The other functions need it. Several threads may call it at once, while nobody changes the
  // list.
  Status Need(const Database& database) {
    if (loaded_.load(std::memory_order_acquire)) [[likely]]
      return {};
    return Load(database);
  }
  std::string_view Text(uint32_t code) const { return texts_->Text(code); }
  uint32_t Intern(std::string_view text) { return texts_->Intern(text); }
  const TextDictionary& texts() const { return *texts_; }

  // What was added since the last call: [first, count()), to be written to the log.
  uint32_t unlogged_first() const { return logged_count_; }
  void MarkLogged() { logged_count_ = count(); }

  Status Fold(FoldSink& sink);
  // Removes blocks beyond the folded count.
  void RemoveLeftovers(const Database& database, rocksdb::WriteBatch& batch) const;

 private:
  // The texts of one block, which begins at a code.
  struct Block {
    uint32_t first = 0;
    std::vector<std::string> texts;
  };
  Status Load(const Database& database);
  Error Corrupt() const;
  // False: not worth it any more.
  Result<bool> FindShown(const Database& database, uint32_t code, std::string& text);

  const uint32_t entity_;
  const uint32_t list_;
  uint32_t folded_count_ = 0;
  uint32_t logged_count_ = 0;
  std::vector<std::string> pending_;
  std::unique_ptr<TextDictionary> texts_;
  std::atomic<bool> loaded_ = false;
  std::mutex loading_;
  Block shown_;               // the last one that Show read
  uint64_t shown_texts_ = 0;  // how many it has read in all
};

}  // namespace rescind

// HeldStore: the store that a server holds, lent to the commands that it runs for its clients.
//
// A command opens a store, uses it and closes it; what it gets here is the open one, whose closing
// is the server's. Commands run one after the other, so that nothing else of the rules of the store
// changes. Whatever was lent goes on with the store that is put in its place. One thread.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "runtime/service/store_opener.h"
#include "runtime/store/store.h"

namespace rescind {

class HeldStore final : public StoreLender {
 public:
  // `folder`: as the store was opened, absolute.
  HeldStore(std::string folder, std::unique_ptr<Store> store)
      : folder_(std::move(folder)), store_(std::move(store)) {}

  Result<std::unique_ptr<Store>> Lend(const std::string& folder, const Schema& schema,
                                      const StoreOptions& options) override;
  std::shared_ptr<const Schema> SchemaOf(const std::string& folder) const override;

  bool is_held() const { return store_ != nullptr; }
  Store& store() { return *store_; }
  const std::string& folder() const { return folder_; }
  // Folds what is committed and lets go. What was lent must not be used until the next Put.
  Status Close();
  // The same store, opened again: with another schema.
  void Put(std::unique_ptr<Store> store) { store_ = std::move(store); }

 private:
  bool IsIt(const std::string& folder) const;

  const std::string folder_;
  std::unique_ptr<Store> store_;  // null: closed
};

}  // namespace rescind

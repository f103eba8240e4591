// PostgresExecutor: takes access away in a PostgreSQL server.
//
// One connection for each call of the contract, so a restarted server or a changed password is
// met with nothing stale. What a verb does is in postgres_operation.h; here are the order of the
// steps and the precondition.
#pragma once

#include <string>

#include "runtime/executors/executor.h"
#include "runtime/executors/postgres_config.h"

namespace rescind {

class PostgresExecutor final : public Executor {
 public:
  explicit PostgresExecutor(PostgresConfig config);

  ExecutorDescription Describe() const override;
  Result<TargetState> Observe(const Action& action) override;
  ApplyResult Apply(const Action& action, const std::string& precondition_digest,
                    uint64_t epoch) override;
  ApplyResult Undo(const Action& action, const std::string& preimage) override;
  VerifyResult Verify(const Action& action) override;

 private:
  PostgresConfig config_;
};

}  // namespace rescind

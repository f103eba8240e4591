#include "tests/executors/trouble_check.h"

namespace rescind {

void CheckTrouble(Executor& executor, const Action& action, ErrorKind kind,
                  const std::string& message) {
  const auto state = executor.Observe(action);
  REQUIRE_MESSAGE(!state.ok(), (state.ok() ? state->summary : ""));
  CHECK_MESSAGE(state.error().kind == kind, state.error().message);
  CHECK_MESSAGE(Holds(state.error().message, message), state.error().message);
  CHECK(!state.error().help.empty());
  CHECK(executor.Apply(action, "", 1).outcome == ApplyOutcome::kTransient);
  CHECK(executor.Undo(action, "{}").outcome == ApplyOutcome::kTransient);
  CHECK(executor.Verify(action).outcome == VerifyOutcome::kCannotTell);
}

}  // namespace rescind

#include "engine/compile/compile.h"

#include <string>
#include <utility>

#include "engine/base/assert.h"
#include "engine/compile/columns.h"
#include "engine/compile/fold_constants.h"
#include "engine/compile/lower.h"
#include "engine/compile/order.h"
#include "engine/compile/simplify.h"

namespace rescind::compile {
namespace {

// Every pass leaves a rule program. INVARIANT: what compile hands out, Verify finds nothing in.
ir::Program Checked(ir::Program program) {
  const std::vector<std::string> problems = ir::Verify(program);
  RESCIND_ASSERT(problems.empty(), problems.front());
  return program;
}

}  // namespace

ir::Program Compile(const typed::Program& program, const CompileOptions& options) {
  ir::Program rules = Checked(Lower(program, options.sources));
  rules = Checked(FoldConstants(std::move(rules)));  // what is known now need not be computed
  rules = Checked(Simplify(std::move(rules)));       // what cannot decide anything is dropped
  rules = Checked(Order(std::move(rules)));          // what is cheap and decides much goes first
  rules.columns = ColumnsOf(rules);
  return rules;
}

}  // namespace rescind::compile

// CollectEvidence: which facts a condition names, as the policy writes them.
#pragma once

#include <vector>

#include "engine/check/typed_ast.h"
#include "engine/compile/expression_lowering.h"
#include "engine/ir/program.h"

namespace rescind::compile {

// Every longest path of fields from the judged row in `when` and `unless`, in the order of the
// source, each once: "g.account.owner.status". Paths of members of collections are left out: they
// have no one value on the judged row. Those of `timezone` come last, where a condition asks for a
// day. `unless` and `timezone` may be null.
std::vector<ir::EvidencePath> CollectEvidence(ExpressionLowering& lowering, typed::BinderId binder,
                                              const typed::Program& program,
                                              const typed::Expr& when, const typed::Expr* unless,
                                              const typed::Expr* timezone);

}  // namespace rescind::compile

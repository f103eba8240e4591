#include "engine/compile/evidence.h"

#include <optional>
#include <set>
#include <string>
#include <utility>

namespace rescind::compile {
namespace {

using typed::Expr;
using typed::ExprKind;

class EvidenceCollector {
 public:
  EvidenceCollector(ExpressionLowering& lowering, typed::BinderId binder,
                    const typed::Program& program)
      : lowering_(lowering), binder_(binder), program_(program) {}

  void Visit(const Expr& unresolved) {
    const Expr& expr = lowering_.Resolve(unresolved);
    // A let that is used again names nothing new.
    if (expr.kind != unresolved.kind && !visited_.insert(&expr).second) return;
    asks_for_a_day_ = asks_for_a_day_ || NeedsZone(expr);
    const bool is_read = expr.kind == ExprKind::kField || expr.kind == ExprKind::kId;
    if (const auto path = is_read ? PathOf(expr) : std::nullopt) {
      Add(expr, *path);
      return;
    }
    for (const auto& operand : expr.operands) {
      if (operand) Visit(*operand);
    }
  }

  bool asks_for_a_day() const { return asks_for_a_day_; }
  std::vector<ir::EvidencePath> Take() { return std::move(found_); }

 private:
  // nullopt when it does not start at the judged row.
  std::optional<std::string> PathOf(const Expr& unresolved) const {
    const Expr& expr = lowering_.Resolve(unresolved);
    if (expr.kind == ExprKind::kVariable) {
      if (expr.binder != binder_) return std::nullopt;
      return expr.name;
    }
    if (expr.kind != ExprKind::kField && expr.kind != ExprKind::kId) return std::nullopt;
    auto path = PathOf(*expr.operands[0]);
    if (!path) return std::nullopt;
    return *path + "." +
           (expr.kind == ExprKind::kId ? "id"
                                       : program_.schema.field(expr.entity, expr.field).name);
  }

  void Add(const Expr& expr, const std::string& path) {
    if (!paths_.insert(path).second) return;
    ir::EvidencePath evidence;
    evidence.path = path;
    evidence.value = lowering_.Value(expr);
    evidence.row = lowering_.Value(*expr.operands[0]);
    evidence.entity = expr.operands[0]->type.entity;
    if (expr.kind == ExprKind::kField) evidence.field = expr.field;
    found_.push_back(std::move(evidence));
  }

  ExpressionLowering& lowering_;
  typed::BinderId binder_;
  const typed::Program& program_;
  std::set<const Expr*> visited_;
  std::set<std::string> paths_;
  std::vector<ir::EvidencePath> found_;
  bool asks_for_a_day_ = false;
};

}  // namespace

std::vector<ir::EvidencePath> CollectEvidence(ExpressionLowering& lowering, typed::BinderId binder,
                                              const typed::Program& program, const Expr& when,
                                              const Expr* unless, const Expr* timezone) {
  EvidenceCollector collector(lowering, binder, program);
  collector.Visit(when);
  if (unless != nullptr) collector.Visit(*unless);
  if (timezone != nullptr && collector.asks_for_a_day()) collector.Visit(*timezone);
  return collector.Take();
}

}  // namespace rescind::compile

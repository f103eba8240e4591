// ReferenceEvaluator: one row at a time, naive and obvious: the oracle of the differential test,
// and what reads the values of the few rows that a plan shows.
//
// It shares no code with the sweep. Texts whose columns were not loaded are fetched through
// FactBase::texts(). Not for several threads at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/eval/sweep.h"
#include "engine/eval/value.h"

namespace rescind::eval {

struct Judgement {
  Verdict verdict = Verdict::kNoMatch;
  EvaluationError error = EvaluationError::kNone;
  Instant deadline = Instant::Never();
  bool operator==(const Judgement&) const = default;
};

// A time field of a row that has another value than the facts say.
struct SupposedInstant {
  FactRow row;
  FieldId field;
  Instant at;
};

class ReferenceEvaluator {
 public:
  // The input outlives it.
  explicit ReferenceEvaluator(const EvaluationInput& input);
  ~ReferenceEvaluator();

  // Of any row; one that is not live and complete does not match and never will by itself.
  Judgement Judge(uint32_t rule, RowId row);
  // The same as if these fields of these rows held these instants: what somebody has seen, and no
  // feed has told yet.
  Judgement JudgeSupposing(const std::vector<SupposedInstant>& supposed, uint32_t rule, RowId row);
  // A node of the root frame of the row's entity, or one that depends on no row.
  Value Evaluate(ir::NodeId node, RowId row);
  // The members of a collection seen from that row, each once, ascending: live rows of an entity.
  // Incomplete and undecided ones are left out (an action never touches them).
  std::vector<FactRow> Members(ir::CollectionId collection, RowId row);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// As people read it: "2026-04-01T09:00:00Z", "unknown", an enum's member, a row's id, texts
// without quotes. An error when the store cannot be read.
Result<std::string> FormatValue(const EvaluationInput& input, const Value& value);
// `value` is what that field of the row comes to. Of a reference to a row that is gone, or that
// nobody has delivered, it says which: "ann, removed at 2026-04-01T09:00:00Z".
Result<std::string> FormatField(const EvaluationInput& input, FactRow row, FieldId field,
                                const Value& value);

}  // namespace rescind::eval

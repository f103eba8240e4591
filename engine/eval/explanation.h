// Explanation: why a rule matches a row, or why not: the proof tree with values.
//
// Made by replay at given facts and `now`. Plain data with places in the sources; it knows no
// source text: faces print it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/source.h"
#include "engine/eval/sweep.h"

namespace rescind::eval {

enum class ClauseAnswer : uint8_t { kFalse = 0, kTrue = 1, kUndecided = 2, kError = 3 };

// One part of a condition, as written.
struct ExplainedClause {
  Span span;
  ClauseAnswer answer = ClauseAnswer::kFalse;
  bool decides = false;  // the result hangs on it: a true conjunct of a match, a failing one else
  std::optional<Instant> changes_at;  // the first instant at which it could change; nullopt: never
  std::vector<ExplainedClause> children;
};

struct ExplainedFact {
  std::string path;    // "g.account.owner.status"; of a collection's member "grant g2: level"
  std::string value;   // FormatValue, FormatField
  std::string source;  // the feed that said so; empty when nobody did
  std::optional<Instant> observed_at;
  EntityId entity{};  // whose field it is; none: no field of a row
  FieldId field{};
};

// Value and origin of `fact`, whose path stands: `value` is that of `field` of the row that `base`
// is, where it is one and the field is valid.
Status ReadFact(const EvaluationInput& input, const Value& value, const Value& base, FieldId field,
                ExplainedFact& fact);

struct Explanation {
  uint32_t rule = 0;  // index in Program::rules
  RowId row;
  Verdict verdict = Verdict::kNoMatch;
  bool incomplete = false;  // live but incomplete, or not live: it matches nothing
  ExplainedClause when;
  std::optional<ExplainedClause> unless;
  std::vector<ExplainedFact> facts;  // those of deciding members last
  // For a row that does not match: the instant at which it will if the facts stay; nullopt when
  // time alone does not make it match (found by stepping from deadline to deadline).
  std::optional<Instant> becomes_true_at;
};

Result<Explanation> Explain(const EvaluationInput& input, uint32_t rule, RowId row);

}  // namespace rescind::eval

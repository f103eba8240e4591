// Meaning: typed and compiled expressions evaluated by two trivial interpreters over a handful of
// facts, so that a test can ask whether compiling changes what a condition says.
//
// There is one judged row with a few members in its one collection: a path to another row stays on
// the row it starts from, and any collection is all members. Times are small numbers of micros.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/check/typed_ast.h"
#include "engine/ir/program.h"

namespace rescind::compile {

enum class Status : uint8_t { kKnown, kUnknown, kUndecided, kError };

struct Answer {
  Status status = Status::kKnown;
  int64_t number = 0;  // kKnown; a truth is 0 or 1
  bool operator==(const Answer&) const = default;
};

struct Facts {
  static constexpr int kJudged = -1;  // the judged row; members are 0 …
  int member_count = 0;
  std::map<std::pair<int, std::string>, Answer> fields;  // row, field name
  int64_t now_micros = 0;
};

// As the language says.
Answer Evaluate(const typed::Program& program, const typed::Policy& policy, const typed::Expr& expr,
                const Facts& facts);
// As node.h says.
Answer Evaluate(const ir::Program& program, ir::NodeId node, const Facts& facts);

}  // namespace rescind::compile

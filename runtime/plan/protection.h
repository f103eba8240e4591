// Protection: which rows the `protect` rules keep every action but `notify` away from.
//
// Matches of protect rules go in, as a sweep found them or row by row; the planner asks about
// targets. An undecided, failing or incomplete row of a protect counts as protected, and so does a
// row that was only mentioned: nobody knows yet what it is.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/eval/sweep.h"
#include "runtime/plan/action.h"
#include "runtime/plan/coverage.h"

namespace rescind {

struct Veto {
  std::string by;      // full name of the protect, or id of the exemption
  std::string detail;  // a sentence for people
  // Of a protect: whether it covers the row is not known, so it is held to.
  bool undecided = false;
};

class Protection {
 public:
  // What a protect rule, by its index, says of a row.
  using VerdictQuery = std::function<eval::Verdict(uint32_t rule, RowId row)>;

  // Of what `sweep` says; it has judged every protect rule. Program and facts outlive it, and stay
  // as they are.
  Protection(const ir::Program& program, const FactBase& facts, const eval::SweepResult& sweep);
  // Of what `verdict` says, while facts change: then the rows are to be refreshed that are new, of
  // which a protect says something else, and whose life or completeness is another. The facts are
  // indexed for it (IndexBelongings). All outlive it.
  Protection(const ir::Program& program, const FactBase& facts, VerdictQuery verdict);
  void Refresh(EntityId entity, RowId row);

  // Why `verb` must not touch the row; nothing when it may. `delete` asks also for what belongs
  // to the row.
  std::optional<Veto> Vetoes(Verb verb, EntityId entity, RowId row);

 private:
  Veto VetoOf(uint32_t label, std::string_view decided, std::string_view unsure) const;
  // The lowest label counts: a protect that is sure of a row speaks before one that is not.
  uint32_t UnsureLabel(uint32_t rule) const;
  std::optional<uint32_t> LabelOf(EntityId entity, RowId row) const;

  const ir::Program& program_;
  const FactBase& facts_;
  Coverage coverage_;
  VerdictQuery verdict_;
};

}  // namespace rescind

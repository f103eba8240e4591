// Dependencies: which judged rows the change of a fact can affect, of which rules, and by what path
// they are found: whether a rule matches them, or what its actions would be about.
//
//   for g in grant when g.account.owner.status == terminated
//
//   identity.status   of x  ->  accounts whose owner is x  ->  grants whose account is one of those
//   account.owner     of a  ->  grants whose account is a
//   grant.account     of g  ->  g itself
//
// A path leads from the changed row to judged rows over the facts as they are after the change, and
// that is enough, however much has changed at once. Judging a row reads facts in some order; of
// those that it read before and that are different now, take the first: everything on the path from
// the judged row to it was read earlier, and so is as it was. Only where the changed fact is itself
// the step (a reference that puts a row into another collection) does what it named before count as
// well: see InversePath.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/facts/fact_change.h"
#include "engine/ir/program.h"

namespace rescind::ir {

// From some rows to others.
struct Step {
  enum class Kind : uint8_t {
    kReferrers,      // rows of `entity` whose `field` names one of them
    kPastReferrers,  // rows of `entity` whose previous value of `field` names one of them
    kHolders,        // rows of `entity` whose set `field` holds one of them
    kReferred,       // rows of `entity` that their own `field` names
    kEverything,     // all rows of `entity`
  };
  Kind kind = Kind::kReferrers;
  EntityId entity;  // of the rows that it leads to
  FieldId field;    // kReferred: of the entity that it leads from
  auto operator<=>(const Step&) const = default;
};

// From the row that has changed to the judged rows; empty: it is one. Where the first step is
// kReferred by the very field that has changed, it leads to the row that it named before, too.
using InversePath = std::vector<Step>;

// What a change can change of a rule.
enum class RulePart : uint8_t {
  kMatch,  // whether it matches, and until when
  // Which rows its actions name, whom they tell or ask, which groups its limits count it in. Not
  // how those rows are: whose they are, where they live, whether access to them is gone.
  kActions,
};

class Dependencies {
 public:
  struct Dependent {
    InversePath path;
    EntityId judged;              // the entity of the rows that it leads to
    std::vector<uint32_t> rules;  // by index in Program::rules, ascending
  };

  // Every change of facts that can change that part for a row is among the changes, with a path to
  // that row.
  Dependencies(const Program& program, RulePart part);

  // None for what no rule reads.
  std::span<const Dependent> Of(const FactChange& change) const;
  const std::map<FactChange, std::vector<Dependent>>& all() const { return dependents_; }

 private:
  std::map<FactChange, std::vector<Dependent>> dependents_;
};

// One line a dependent, for golden tests: "identity.status > account.owner > grant.account: p, q".
std::string Print(const Program& program, const Dependencies& dependencies);

}  // namespace rescind::ir

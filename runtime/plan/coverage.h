// Coverage: rows, and all that belongs to them.
//
// A row belongs to what its required references name, an account also to its owner, transitively.
// Protections and exemptions cover so. Built from seeds; asking about a row walks up its few
// references, and only "does something covered belong to it" makes linear passes over the columns,
// once, when first asked. It does not know why a row is a seed: seeds carry a label.
// Not for several threads at once.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/facts/fact_base.h"

namespace rescind {

// "Rows of `child` belong to the row that `field` names."
struct Belonging {
  EntityId child;
  FieldId field;
  EntityId parent;
  bool operator==(const Belonging&) const = default;
};
// All of a schema: required references, and `account.owner`.
std::vector<Belonging> Belongings(const Schema& schema);

class Coverage {
 public:
  // The facts outlive it.
  explicit Coverage(const FactBase& facts);

  // The lowest label of a row wins, so that the order of seeds does not matter.
  void AddSeed(EntityId entity, RowId row, uint32_t label);
  bool empty() const { return empty_; }

  // The lowest label among the row itself and all that it belongs to.
  std::optional<uint32_t> Covers(EntityId entity, RowId row) const;
  // The lowest label among the live rows that belong to the row, transitively.
  std::optional<uint32_t> CoversBelow(EntityId entity, RowId row);

 private:
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  using Labels = std::vector<std::vector<uint32_t>>;  // by entity, then row; empty: none

  uint32_t LabelAt(const Labels& labels, EntityId entity, RowId row) const;
  void LowerTo(Labels& labels, EntityId entity, RowId row, uint32_t label) const;
  void BuildBelow();

  const FactBase& facts_;
  const std::vector<Belonging> belongings_;
  std::vector<std::vector<Belonging>> upward_;  // by child
  Labels seeds_;
  Labels below_;
  bool built_ = false;
  bool empty_ = true;
};

}  // namespace rescind

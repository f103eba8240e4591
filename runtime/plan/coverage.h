// Coverage: rows, and all that belongs to them.
//
// A row belongs to what its required references name, an account also to its owner, transitively.
// Protections and exemptions cover so. Built from seeds; asking about a row walks up its few
// references. It does not know why a row is a seed: seeds carry a label. Not for several threads at
// once.
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
// So that whoever asks what belongs to a row need not look at all rows.
void IndexBelongings(FactBase& facts);

class Coverage {
 public:
  // How "does something covered belong to it" is found out.
  enum class Below : uint8_t {
    kByPasses,  // over the columns, once, when first asked: facts and seeds stay from then on
    kByWalks,   // from the row down, each time; after IndexBelongings
  };
  // The facts outlive it.
  explicit Coverage(const FactBase& facts, Below below = Below::kByPasses);

  // The lowest label of a row wins, so that the order of seeds does not matter.
  void AddSeed(EntityId entity, RowId row, uint32_t label);
  // In place of all labels that the row was given; nothing: it is no seed.
  void SetSeed(EntityId entity, RowId row, std::optional<uint32_t> label);

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
  uint32_t WalkBelow(EntityId entity, RowId row) const;

  const FactBase& facts_;
  const Below how_below_;
  std::vector<std::vector<Belonging>> upward_;    // by child; those whose column is here
  std::vector<std::vector<Belonging>> downward_;  // by parent; likewise
  Labels seeds_;
  uint64_t seed_count_ = 0;
  Labels below_;
  bool built_ = false;
};

}  // namespace rescind

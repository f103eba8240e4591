// RandomProgram: rule programs of every operation, correct by type, meaningless otherwise.
//
// It ignores what the checker proves (that unknown values do not reach a comparison), because the
// evaluators must agree on those programs too.
#pragma once

#include <string>
#include <vector>

#include "tests/differential/random_choice.h"
#include "tests/support/program_builder.h"

namespace rescind {

class RandomProgram {
 public:
  RandomProgram(RandomChoice& choice, Schema schema, Instant now);

  // One to five rules on random entities.
  void AddRules();
  // Nodes of any type in the root frame of some entity, for GroupRows and Evaluate.
  struct Probe {
    EntityId entity;
    ir::NodeId node;
  };
  std::vector<Probe> AddProbes(uint32_t count);
  // A collection of rows seen from an entity's row, if one turns up.
  struct CollectionProbe {
    EntityId entity;
    ir::CollectionId collection;
  };
  std::vector<CollectionProbe> AddCollections(uint32_t count);
  ir::Program Build() const { return builder_.Build(); }

 private:
  using Kind = ir::Type::Kind;

  ir::NodeId Expression(const ir::Type& type, int depth);
  ir::NodeId Constant(const ir::Type& type);
  // A field of that type of some row in scope; invalid when there is none.
  ir::NodeId FieldOfType(const ir::Type& type, int depth);
  ir::NodeId MemberOfType(const ir::Type& type);
  ir::NodeId CellOfType(const ir::Type& type);
  ir::NodeId Special(const ir::Type& type, int depth);
  ir::NodeId Bool(int depth);
  ir::NodeId Relation(int depth);
  ir::NodeId TextRelation(int depth);
  ir::NodeId In(int depth);
  ir::NodeId Has(int depth);
  ir::NodeId Moment(int depth);
  ir::NodeId Number(int depth);
  ir::NodeId Time(int depth);
  ir::NodeId Date(int depth);
  ir::NodeId Duration(int depth);
  ir::NodeId AnyRow(int depth);
  ir::NodeId Fold(ir::Op op, const ir::Type& value, int depth);
  ir::NodeId Zone(int depth);
  // Invalid when no row in scope leads anywhere.
  ir::CollectionId Collection(int depth);
  ir::CollectionId Extended(ir::CollectionId inner, int depth);
  ir::FrameId FrameOver(ir::CollectionId collection);
  ir::Type AnyType();
  ir::Type AnyScalar();
  void AddTables();

  RandomChoice& choice_;
  Instant now_;
  ProgramBuilder builder_;
  std::vector<ir::NodeId> scope_;  // members, from the outermost frame to the innermost
  std::vector<ir::TableId> tables_;
  bool may_name_now_ = false;  // conditions have `now` and `today` normalised away
};

}  // namespace rescind

// SourceWorld: policy text over random facts, and what three opinions of it must agree on.
//
//   text -> parse, check -> compile -> sweep == reference evaluator == NaiveMeaning, and deadlines
//
// Plain data with a question, so that a shrinker can make it smaller and ask again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/check/program.h"
#include "engine/facts/fact_base_builder.h"
#include "engine/ir/program.h"
#include "tests/differential/agreement.h"
#include "tests/differential/random_source.h"

namespace rescind {

struct SourceWorld {
  uint64_t seed = 0;
  std::vector<SourceDeclaration> declarations;
  std::map<std::string, std::string> files;                // CSV, by path
  std::set<std::pair<std::string, std::string>> left_out;  // rows of facts: entity, id
  Instant now;

  std::string Text() const;
};

// The world of a seed.
SourceWorld RandomSourceWorld(uint64_t seed);

// Compiled; null when the checker refuses it.
std::unique_ptr<ir::Program> CompileWorld(const SourceWorld& world);
// Its facts.
FactBaseBuilder FactsOf(const SourceWorld& world, const ir::Program& program);

// What was found wrong. `kind` is what a smaller world must share to be the same trouble.
struct SourceTrouble {
  std::string kind;    // empty: none
  std::string detail;  // for people
  bool found() const { return !kind.empty(); }
};

// `variety`, where given, gets the judgements.
SourceTrouble FindTrouble(const SourceWorld& world, eval::Variety* variety = nullptr);

// A smaller world with the same trouble: without declarations and rows that it does not need, and
// with conditions replaced by `true`, `false` or one of their parts.
SourceWorld Shrink(SourceWorld world, const SourceTrouble& trouble);

}  // namespace rescind

// RandomSource: policy source text, correct by type, meaningless otherwise.
//
// A world of text in two steps, as a workspace has it: first fields and entities of its own beside
// the standard model, then, over the schema that the checker made of them, params, lists, tables,
// defines, policies and protects. Every declaration is a text of its own, so that a shrinker can
// leave it out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/facts/schema.h"
#include "tests/differential/random_choice.h"
#include "tests/differential/source_expression.h"

namespace rescind {

// What expressions may name.
struct SourceNames {
  struct Value {
    std::string name;
    typed::Type type;
  };
  struct Table {
    std::string name;
    typed::Type row;  // kTableRow
    std::vector<Value> columns;
  };
  struct Define {
    std::string name;
    std::vector<Value> parameters;  // `moving`: may be called with `now`
    SourceExpression result;        // in terms of the parameters
    KnownKeys when_true;            // likewise; of a bool
    KnownKeys when_false;
  };
  std::vector<Value> params;
  std::vector<Value> lists;  // by the type of their elements
  std::vector<Table> tables;
  std::vector<Define> defines;
};

struct SourceDeclaration {
  std::string text;
};

// `extend` and `entity` declarations.
std::vector<SourceDeclaration> RandomSchemaSource(RandomChoice& choice);

// Params, lists, tables, defines, policies, protects. `schema` is what the checker made of the
// schema's source. `files` gets the CSV files that they read.
std::vector<SourceDeclaration> RandomPolicySource(RandomChoice& choice, const Schema& schema,
                                                  Instant now,
                                                  std::map<std::string, std::string>& files);

}  // namespace rescind

// CheckState: the program while it is being checked, shared by all parts of the checker.
//
// Created by Check (check.cc), filled stage by stage: schema, names, constants, defines,
// policies, tests. It lives for one call.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/diagnostic.h"
#include "engine/base/source.h"
#include "engine/check/check.h"
#include "engine/check/check_codes.h"
#include "engine/check/symbol_table.h"
#include "engine/check/typed_ast.h"
#include "engine/syntax/ast.h"

namespace rescind::check {

// One declaration with the module that it stands in.
template <typename Decl>
struct Declared {
  std::string module;
  const ast::Declaration* declaration = nullptr;
  const Decl* decl = nullptr;
};

// One diagnostic while it is put together; sent at the end of the statement that began it.
class Mistake {
 public:
  // Without a sink nothing is sent.
  Mistake(DiagnosticSink* sink, DiagnosticCode code, Span span, std::string message)
      : sink_(sink), diagnostic_{code, span, {}, std::move(message), {}, {}} {}
  Mistake(const Mistake&) = delete;
  Mistake& operator=(const Mistake&) = delete;
  ~Mistake() {
    if (sink_ != nullptr) sink_->Report(std::move(diagnostic_));
  }

  // What is said under the underlined text.
  Mistake& Label(std::string text) {
    diagnostic_.label = std::move(text);
    return *this;
  }
  Mistake& Note(Span span, std::string text) {
    diagnostic_.notes.push_back({span, std::move(text)});
    return *this;
  }
  Mistake& Help(std::string text, std::vector<TextEdit> fix = {}) {
    diagnostic_.help.push_back({std::move(text), std::move(fix)});
    return *this;
  }
  // "did you mean `x`?" with the edit, when a candidate is near.
  Mistake& Suggest(std::string_view written, Span place,
                   const std::vector<std::string>& candidates) {
    if (auto near = DidYouMean(written, candidates)) {
      Help("did you mean `" + *near + "`?", {{place, *near}});
    }
    return *this;
  }

 private:
  DiagnosticSink* sink_;
  Diagnostic diagnostic_;
};

struct Define {
  std::string module;
  std::string full_name;
  const ast::DefineDecl* decl = nullptr;
  enum class State { kUnchecked, kBeingChecked, kSound, kBroken };
  State state = State::kUnchecked;
  std::vector<typed::Type> parameters;
  typed::Type result;  // once kSound
};

struct Fixture {
  std::string module;
  const ast::FixtureDecl* decl = nullptr;
  bool incomplete = false;  // a syntax error may have hidden rows
};

struct CheckState {
  CheckState(const SourceMap& all_sources, const CheckOptions& all_options,
             DiagnosticSink& diagnostics, typed::Program& result)
      : sources(all_sources), options(all_options), sink(diagnostics), program(result) {}

  const SourceMap& sources;
  const CheckOptions& options;
  DiagnosticSink& sink;
  typed::Program& program;

  SymbolTable symbols;
  std::vector<Define> defines;
  std::vector<Fixture> fixtures;
  std::vector<Declared<ast::ParamDecl>> params;     // as Program::params
  std::vector<Declared<ast::ListDecl>> lists;       // as Program::lists
  std::vector<Declared<ast::TableDecl>> tables;     // as Program::tables
  std::vector<Declared<ast::PolicyDecl>> policies;  // as Program::policies
  std::vector<Declared<ast::ProtectDecl>> protects;
  std::vector<Declared<ast::TestDecl>> tests;
  std::vector<bool> sound_param;  // its value is right; others poison what uses them
  std::vector<bool> sound_list;   // of the right element type
  std::vector<bool> sound_table;
  std::vector<bool> used_define, used_param, used_list, used_table;
  // A syntax error may have hidden a declaration: an unknown name is no mistake that we can see.
  bool names_incomplete = false;
  bool entities_incomplete = false;
  std::set<std::string> incomplete_entities;  // their fields
  // What is declared and cannot be read: whoever names it is not to blame.
  std::set<std::pair<EntityId, std::string>> broken_fields;

  bool FieldMayBeHidden(EntityId entity, const std::string& field) const {
    return entities_incomplete || broken_fields.count({entity, field}) > 0 ||
           incomplete_entities.count(program.schema.entity(entity).name) > 0;
  }

  Schema& schema() { return program.schema; }
  typed::BinderId NewBinder() { return typed::BinderId(program.binder_count++); }
  std::string Text(Span span) const { return std::string(sources.Text(span)); }
  std::string Type(const typed::Type& type) const {
    return typed::FormatType(program.schema, type);
  }

  check::Mistake Mistake(DiagnosticCode code, Span span, std::string message) {
    return check::Mistake(&sink, code, span, std::move(message));
  }
};

}  // namespace rescind::check

// The stages of checking, in order: names are declared, the schema is built, constants get their
// values, defines are checked, then policies and protects, then tests.
#include "engine/check/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/check/check_state.h"
#include "engine/check/constants.h"
#include "engine/check/expression_checker.h"
#include "engine/check/rule_checker.h"
#include "engine/check/schema_builder.h"
#include "engine/check/standard_model.h"
#include "engine/check/test_checker.h"

namespace rescind {

namespace check {
namespace {

// What a file is called decides its module when it names none: "policies/access/stale.rescind"
// is access.stale.
std::string ModuleOf(const CheckState& state, const ast::File& file) {
  if (file.module && file.module->ok()) return file.module->Text();
  std::string name = state.sources.Get(file.file).name();
  const std::string& folder = state.options.policy_folder;
  if (!folder.empty() && name.rfind(folder, 0) == 0) name = name.substr(folder.size());
  constexpr std::string_view kSuffix = ".rescind";
  if (name.size() > kSuffix.size() && name.ends_with(kSuffix)) {
    name.resize(name.size() - kSuffix.size());
  }
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

template <typename Decl>
void SortByName(std::vector<Declared<Decl>>& declared) {
  std::stable_sort(declared.begin(), declared.end(), [](const auto& a, const auto& b) {
    return std::pair(a.module, a.decl->name.text) < std::pair(b.module, b.decl->name.text);
  });
}

class Collector {
 public:
  explicit Collector(CheckState& state) : state_(state) {}

  std::vector<EntitySource> Collect(const std::vector<const ast::File*>& files) {
    for (const ast::File* file : files) CollectFile(*file);
    SortByName(state_.params);
    SortByName(state_.lists);
    SortByName(state_.tables);
    SortByName(state_.policies);
    SortByName(state_.protects);
    DeclareAll();
    return std::move(entities_);
  }

 private:
  void CollectFile(const ast::File& file) {
    const std::string module = ModuleOf(state_, file);
    const bool standard = state_.sources.Get(file.file).name() == kStandardModelName;
    state_.names_incomplete = state_.names_incomplete || file.incomplete;
    for (const ast::Declaration& declaration : file.declarations) {
      const auto take = [&](auto& list, const auto* decl) {
        list.push_back({module, &declaration, decl});
      };
      if (const auto* entity = declaration.As<ast::EntityDecl>()) {
        entities_.push_back({module, standard, &declaration, entity});
        if (entity->name_is_hidden || !entity->name.ok()) {
          state_.entities_incomplete = true;
        } else if (declaration.incomplete) {
          state_.incomplete_entities.insert(entity->name.parts.back().text);
        }
      } else if (const auto* param = declaration.As<ast::ParamDecl>()) {
        take(state_.params, param);
      } else if (const auto* list = declaration.As<ast::ListDecl>()) {
        take(state_.lists, list);
      } else if (const auto* table = declaration.As<ast::TableDecl>()) {
        take(state_.tables, table);
      } else if (const auto* policy = declaration.As<ast::PolicyDecl>()) {
        take(state_.policies, policy);
      } else if (const auto* protect = declaration.As<ast::ProtectDecl>()) {
        take(state_.protects, protect);
      } else if (const auto* test = declaration.As<ast::TestDecl>()) {
        take(state_.tests, test);
      } else if (const auto* define = declaration.As<ast::DefineDecl>()) {
        state_.defines.push_back(
            {module, module + "." + define->name.text, define, Define::State::kUnchecked, {}, {}});
      } else if (const auto* fixture = declaration.As<ast::FixtureDecl>()) {
        state_.fixtures.push_back({module, fixture, declaration.incomplete});
      }
    }
    state_.entities_incomplete = state_.entities_incomplete || file.incomplete;
  }

  void Declare(NameSpace space, SymbolKind kind, size_t index, const std::string& module,
               const ast::Name& name) {
    if (!name.ok()) {
      state_.names_incomplete = true;
      return;
    }
    const Symbol* taken = state_.symbols.Add(
        space, {kind, static_cast<uint32_t>(index), module, name.text, name.span});
    if (taken == nullptr) return;
    state_
        .Mistake(kDeclaredTwice, name.span,
                 fmt::format("`{}` is {} in this module already", name.text,
                             SymbolKindText(taken->kind)))
        .Note(taken->span, "it is declared here")
        .Help("choose another name, or put it into another module");
  }

  template <typename List>
  void DeclareList(NameSpace space, SymbolKind kind, const List& list) {
    for (size_t i = 0; i < list.size(); ++i) {
      Declare(space, kind, i, list[i].module, list[i].decl->name);
    }
  }

  void DeclareAll() {
    DeclareList(NameSpace::kValues, SymbolKind::kParam, state_.params);
    DeclareList(NameSpace::kValues, SymbolKind::kList, state_.lists);
    DeclareList(NameSpace::kValues, SymbolKind::kTable, state_.tables);
    DeclareList(NameSpace::kValues, SymbolKind::kDefine, state_.defines);
    DeclareList(NameSpace::kPolicies, SymbolKind::kPolicy, state_.policies);
    DeclareList(NameSpace::kPolicies, SymbolKind::kProtect, state_.protects);
    DeclareList(NameSpace::kFixtures, SymbolKind::kFixture, state_.fixtures);
  }

  CheckState& state_;
  std::vector<EntitySource> entities_;
};

void Reserve(CheckState& state) {
  state.program.params.resize(state.params.size());
  state.program.lists.resize(state.lists.size());
  state.program.tables.resize(state.tables.size());
  state.program.policies.resize(state.policies.size());
  state.program.protects.resize(state.protects.size());
  state.sound_param.resize(state.params.size());
  state.sound_list.resize(state.lists.size());
  state.sound_table.resize(state.tables.size());
  state.used_param.resize(state.params.size());
  state.used_list.resize(state.lists.size());
  state.used_table.resize(state.tables.size());
  state.used_define.resize(state.defines.size());
}

void ReportUnused(CheckState& state) {
  const auto report = [&](const ast::Name& name, std::string_view what) {
    if (!name.ok()) return;
    state.Mistake(kUnusedName, name.span, fmt::format("{} `{}` is never used", what, name.text))
        .Help("leave it out, or use it");
  };
  for (size_t i = 0; i < state.params.size(); ++i) {
    if (!state.used_param[i]) report(state.params[i].decl->name, "the param");
  }
  for (size_t i = 0; i < state.lists.size(); ++i) {
    if (!state.used_list[i]) report(state.lists[i].decl->name, "the list");
  }
  for (size_t i = 0; i < state.tables.size(); ++i) {
    if (!state.used_table[i]) report(state.tables[i].decl->name, "the table");
  }
  for (size_t i = 0; i < state.defines.size(); ++i) {
    if (!state.used_define[i]) report(state.defines[i].decl->name, "the define");
  }
}

void RunStages(CheckState& state, const std::vector<const ast::File*>& files) {
  std::vector<EntitySource> entities = Collector(state).Collect(files);
  Reserve(state);
  BuildSchema(state, std::move(entities));
  CheckConstants(state);
  for (uint32_t i = 0; i < state.defines.size(); ++i) CheckDefine(state, i);
  for (size_t i = 0; i < state.policies.size(); ++i) {
    RuleChecker(state, state.policies[i].module)
        .CheckPolicy(state.policies[i], state.program.policies[i]);
  }
  for (size_t i = 0; i < state.protects.size(); ++i) {
    RuleChecker(state, state.protects[i].module)
        .CheckProtect(state.protects[i], state.program.protects[i]);
  }
  CheckTests(state);
  // What is broken may have been meant to use them.
  if (!state.sink.has_errors()) ReportUnused(state);
}

}  // namespace
}  // namespace check

std::unique_ptr<typed::Program> Check(const SourceMap& sources,
                                      const std::vector<const ast::File*>& files,
                                      const CheckOptions& options, DiagnosticSink& sink) {
  auto program = std::make_unique<typed::Program>();
  program->default_timezone = options.timezone;
  program->holidays = options.holidays;
  DiagnosticSink own;
  check::CheckState state(sources, options, own, *program);
  check::RunStages(state, files);
  const bool sound = !own.has_errors();
  bool incomplete = false;
  for (const ast::File* file : files) {
    incomplete = incomplete || file->incomplete;
    for (const auto& declaration : file->declarations) {
      incomplete = incomplete || declaration.incomplete;
    }
  }
  for (Diagnostic& diagnostic : own.TakeSorted()) sink.Report(std::move(diagnostic));
  if (!sound || incomplete) return nullptr;
  return program;
}

}  // namespace rescind

#include "runtime/plan/finding_text.h"

#include <fmt/format.h>

#include "runtime/plan/personal_data.h"

namespace rescind {
namespace {

// There may be a million rows: `why` looks closer.
constexpr uint64_t kMostStepsForMembers = 2'000;

std::string SourceLine(const ir::Rule& rule, const SourceMap* sources) {
  const bool has_clause = rule.when_clause < rule.clauses.size();
  const Span span = has_clause ? rule.clauses[rule.when_clause].span : rule.span;
  if (!sources || !span.valid()) return "";
  const SourceFile& file = sources->Get(span.file);
  return fmt::format("{}:{}", file.name(), file.Locate(span.begin).line);
}

std::vector<std::string> ControlNames(const ir::Rule& rule) {
  std::vector<std::string> names;
  for (const ir::Control& control : rule.controls) {
    names.push_back(control.framework + " " + control.reference);
  }
  return names;
}

}  // namespace

FindingTexts::FindingTexts(PlanDraft& draft) : draft_(draft), evaluator_(draft.input) {
  std::vector<RuleText> rules;
  for (const ir::Rule& rule : draft.input.program.rules) {
    rules.push_back({SourceLine(rule, draft.options.sources), ControlNames(rule),
                     IsBecausePersonal(draft.input.program, rule)});
  }
  rules_ = std::make_shared<const std::vector<RuleText>>(std::move(rules));
}

FindingTexts::FindingTexts(const FindingTexts& other)
    : draft_(other.draft_), rules_(other.rules_), evaluator_(other.draft_.input) {}

Result<const FindingText*> FindingTexts::Of(uint32_t rule, RowId row) {
  const uint64_t key = uint64_t{rule} << 32 | row.index();
  const auto known = known_.find(key);
  if (known != known_.end()) return &known->second;
  RESCIND_ASSIGN(FindingText text, Read(rule, row));
  return &known_.emplace(key, std::move(text)).first->second;
}

Result<std::string> FindingTexts::Because(const ir::Rule& rule, RowId row) {
  std::string because;
  for (const ir::ReasonPart& part : rule.because) {
    if (!part.node.valid()) {
      because += part.text;
      continue;
    }
    RESCIND_ASSIGN(const std::string value,
                   eval::FormatValue(draft_.input, evaluator_.Evaluate(part.node, row)));
    because += value;
  }
  return because;
}

Result<FindingText> FindingTexts::Read(uint32_t rule_index, RowId row) {
  const ir::Rule& rule = draft_.input.program.rules[rule_index];
  FindingText text;
  RESCIND_ASSIGN(text.judged_id, draft_.IdOf({rule.entity, row}));
  RESCIND_ASSIGN(text.because, Because(rule, row));
  text.evidence.reserve(rule.evidence.size());
  const auto add = [&](eval::ExplainedFact fact) {
    const bool personal =
        fact.field.valid() && IsPersonal(draft_.input.program.schema, fact.entity, fact.field);
    text.evidence.push_back(
        {std::move(fact.path), std::move(fact.value), std::move(fact.source), personal});
  };
  for (const ir::EvidencePath& path : rule.evidence) {
    eval::ExplainedFact fact;
    fact.path = path.path;
    RESCIND_TRY(eval::ReadFact(draft_.input, evaluator_.Evaluate(path.value, row),
                               evaluator_.Evaluate(path.row, row), path.field, fact));
    add(std::move(fact));
  }
  auto& members = members_[rule_index];
  if (!members) {
    members = std::make_unique<eval::DecidingMembers>(draft_.input, rule, kMostStepsForMembers);
  }
  RESCIND_ASSIGN(std::vector<eval::ExplainedFact> facts, members->At(row));
  for (eval::ExplainedFact& fact : facts) add(std::move(fact));
  return text;
}

}  // namespace rescind

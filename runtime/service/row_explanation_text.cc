#include "runtime/service/row_explanation_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/base/visible_text.h"
#include "runtime/plan/plan_table.h"
#include "runtime/service/shown_json.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

std::string_view AnswerName(eval::ClauseAnswer answer) {
  switch (answer) {
    case eval::ClauseAnswer::kFalse: return "false";
    case eval::ClauseAnswer::kTrue: return "true";
    case eval::ClauseAnswer::kUndecided: return "undecided";
    case eval::ClauseAnswer::kError: return "error";
  }
  return "unknown";
}

std::string_view VerdictName(const eval::Explanation& explanation) {
  if (explanation.incomplete) return "insufficient data";
  switch (explanation.verdict) {
    case eval::Verdict::kMatch: return "matches";
    case eval::Verdict::kNoMatch: return "does not match";
    case eval::Verdict::kUndecided: return "insufficient data";
    case eval::Verdict::kError: return "cannot be evaluated";
  }
  return "unknown";
}

std::string PlaceOf(const SourceMap& sources, Span span) {
  if (!span.valid()) return {};
  const SourceFile& file = sources.Get(span.file);
  return fmt::format("{}:{}", file.name(), file.Locate(span.begin).line);
}

// The clause as it is written, on one line.
std::string ClauseText(const SourceMap& sources, Span span) {
  if (!span.valid()) return {};
  std::string text;
  for (const char c : sources.Text(span)) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank) {
      text += c;
    } else if (!text.empty() && text.back() != ' ') {
      text += ' ';
    }
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

class ExplanationText {
 public:
  ExplanationText(const RowExplanation& explanation, Asked asked, const ir::Program& program,
                  const SourceMap& sources)
      : explanation_(explanation), asked_(asked), program_(program), sources_(sources) {}

  std::string Format() {
    Line("{}, judged at {}", Visible(explanation_.target.Text()), FormatInstant(explanation_.now));
    if (explanation_.presence != Presence::kLive) {
      Line("this row is {}: no policy acts on it",
           explanation_.presence == Presence::kRemoved ? "removed" : "only mentioned by others");
      return std::move(text_);
    }
    size_t shown = 0;
    for (const ExplainedRule& rule : explanation_.rules) {
      if (!IsShown(rule)) continue;
      ++shown;
      Rule(rule);
    }
    for (const Exemption& exemption : explanation_.exemptions) {
      Line("\n= exempt until {}: {} ({}, {})", FormatInstant(exemption.end()),
           exemption.policy.empty() ? "all policies" : exemption.policy, Visible(exemption.reason),
           Visible(exemption.owner));
    }
    if (shown == 0) Nothing();
    return std::move(text_);
  }

 private:
  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  // File names are foreign text like any other.
  std::string Place(Span span) const { return Visible(PlaceOf(sources_, span)); }

  bool IsShown(const ExplainedRule& rule) const {
    const ir::Rule& ir_rule = program_.rules[rule.relevant.rule];
    if (ir_rule.protect) {
      return rule.explanation.incomplete || rule.explanation.verdict != eval::Verdict::kNoMatch;
    }
    if (asked_ == Asked::kWhy) return rule.matches();
    return !rule.matches() || rule.actions.empty() || !rule.not_acted_on.empty() ||
           !rule.held_because.empty() ||
           std::any_of(rule.actions.begin(), rule.actions.end(), [](const PlannedAction& action) {
             return action.status != ActionStatus::kReady || action.escalated || action.left;
           });
  }

  void Nothing() {
    const bool any_policy = std::any_of(
        explanation_.rules.begin(), explanation_.rules.end(),
        [&](const ExplainedRule& rule) { return !program_.rules[rule.relevant.rule].protect; });
    if (!any_policy && explanation_.only_policy.empty()) {
      Line("no policy judges this row or acts on it");
    } else if (!any_policy) {
      Line("{} neither judges this row nor acts on it", explanation_.only_policy);
    } else if (asked_ == Asked::kWhy) {
      Line("no policy asks for anything here; `rescind why-not {}:{}` says what is missing",
           explanation_.target.entity_name, Visible(explanation_.target.id));
    } else {
      Line("every policy that bears on this row matches and is carried out; `rescind why {}:{}`",
           explanation_.target.entity_name, Visible(explanation_.target.id));
    }
  }

  void Rule(const ExplainedRule& explained) {
    const ir::Rule& rule = program_.rules[explained.relevant.rule];
    text_ += '\n';
    if (rule.protect) {
      const bool is_sure = explained.explanation.verdict == eval::Verdict::kMatch &&
                           !explained.explanation.incomplete;
      Line("= {} {}: {}  ({})", is_sure ? "protected by" : "undecided protect", rule.full_name,
           Visible(rule.title), Place(rule.name_span));
    } else {
      Line("{} {}: {}  ({})", rule.full_name, VerdictName(explained.explanation),
           Visible(rule.title), Place(rule.name_span));
    }
    if (!explained.relevant.judges_target) Line("  it judges {}", Visible(explained.judged));
    if (!explained.insufficient_because.empty()) {
      Line("  {}", Visible(explained.insufficient_because));
    }
    Line("  when");
    Clause(explained.explanation.when, 2);
    if (explained.explanation.unless) {
      Line("  unless");
      Clause(*explained.explanation.unless, 2);
    }
    if (!explained.explanation.facts.empty()) Line("  facts");
    for (const eval::ExplainedFact& fact : explained.explanation.facts) Fact(fact);
    if (explained.explanation.becomes_true_at) {
      Line("  becomes true at {} if the facts stay",
           FormatInstant(*explained.explanation.becomes_true_at));
    } else if (!rule.protect && explained.explanation.verdict == eval::Verdict::kNoMatch) {
      Line("  time alone does not make it match");
    }
    Consequences(explained, rule);
  }

  void Clause(const eval::ExplainedClause& clause, size_t depth) {
    const std::string until =
        clause.changes_at ? fmt::format(", until {}", FormatInstant(*clause.changes_at)) : "";
    // Of a compound only the parts are shown: its own text would repeat theirs.
    if (clause.children.empty()) {
      Line("{:{}}{} {}: {}{}{}  ({})", "", depth * 2, clause.decides ? "*" : " ",
           Visible(ClauseText(sources_, clause.span)), AnswerName(clause.answer),
           clause.decides ? ", decides" : "", until, Place(clause.span));
      return;
    }
    if (clause.children.size() == 1) {
      Line("{:{}}{} {}: {}{}{}  ({})", "", depth * 2, clause.decides ? "*" : " ",
           Visible(ClauseText(sources_, clause.span)), AnswerName(clause.answer),
           clause.decides ? ", decides" : "", until, Place(clause.span));
      ++depth;
    }
    for (const eval::ExplainedClause& child : clause.children) Clause(child, depth);
  }

  void Fact(const eval::ExplainedFact& fact) {
    std::string origin;
    if (!fact.source.empty()) {
      origin = fmt::format(
          "  ({}{})", Visible(fact.source),
          fact.observed_at ? fmt::format(", observed {}", FormatInstant(*fact.observed_at)) : "");
    }
    Line("    {} = {}{}", Visible(fact.path), Visible(fact.value), origin);
  }

  void Consequences(const ExplainedRule& explained, const ir::Rule& rule) {
    if (rule.protect || !explained.matches()) return;
    Line("  what follows");
    if (rule.mode == ir::Mode::kObserve) Line("    nothing: the policy only observes");
    for (const PlannedNotice& notice : explained.notices) {
      Line("    · notify {}{}: {}{}",
           Visible(fmt::format("{}", fmt::join(notice.recipients, ", "))), AtText(notice.due),
           ActionStatusName(notice.status),
           notice.held_because.empty() ? "" : fmt::format(" ({})", Visible(notice.held_because)));
    }
    for (const PlannedAction& action : explained.actions) {
      Line("    {} {} {} {}{}: {}{}", MarkSign(action), VerbName(action.action.verb),
           action.action.target.entity, Visible(action.action.target.id), AtText(action.due),
           ActionStatusName(action.status),
           action.held_because.empty() ? "" : fmt::format(" ({})", Visible(action.held_because)));
      if (action.escalated) {
        Line("      X escalated since {}: {}", FormatInstant(action.escalated->since),
             Visible(action.escalated->error));
        Line("        {}", Visible(action.escalated->remedy));
      }
      if (action.left) {
        Line("      X left to a person: {}", Visible(action.left->because));
        Line("        {}", Visible(action.left->remedy));
      }
    }
    for (const NotActedOn& row : explained.not_acted_on) {
      Line("    = {}{}{}: {}", OtherRow(explained, row), NotActedReasonWords(row.reason),
           row.by.empty() ? "" : fmt::format(" by {}", row.by), Visible(row.detail));
    }
    if (!explained.nothing_because.empty()) Line("    nothing now: {}", explained.nothing_because);
  }

  // "account ann: " where it is neither the asked row nor the judged one.
  std::string OtherRow(const ExplainedRule& explained, const NotActedOn& row) const {
    const std::string name = fmt::format("{} {}", row.entity, row.target);
    const TargetRow& asked = explanation_.target;
    const bool is_asked = row.entity == asked.entity_name && row.target == asked.id;
    return is_asked || name == explained.judged ? "" : fmt::format("{}: ", Visible(name));
  }

  // Of what waits nobody can say when.
  static std::string AtText(Instant due) {
    return due == Instant::Never() ? "" : " at " + FormatInstant(due);
  }

  const RowExplanation& explanation_;
  const Asked asked_;
  const ir::Program& program_;
  const SourceMap& sources_;
  std::string text_;
};

Json TimeOrNull(const std::optional<Instant>& at) {
  return at ? Json(FormatInstant(*at)) : Json(nullptr);
}

Json ClauseJson(const SourceMap& sources, const eval::ExplainedClause& clause) {
  Json children = Json::array();
  for (const eval::ExplainedClause& child : clause.children) {
    children.push_back(ClauseJson(sources, child));
  }
  return {{"text", ClauseText(sources, clause.span)},    {"source", PlaceOf(sources, clause.span)},
          {"answer", AnswerName(clause.answer)},         {"decides", clause.decides},
          {"changes_at", TimeOrNull(clause.changes_at)}, {"parts", std::move(children)}};
}

Json ConsequencesJson(const ExplainedRule& explained) {
  Json actions = Json::array();
  for (const PlannedAction& action : explained.actions) {
    Json escalated = nullptr;
    if (action.escalated) {
      escalated = {{"since", FormatInstant(action.escalated->since)},
                   {"error", action.escalated->error},
                   {"remedy", action.escalated->remedy}};
    }
    Json left = nullptr;
    if (action.left) left = {{"because", action.left->because}, {"remedy", action.left->remedy}};
    actions.push_back({{"id", action.action.key},
                       {"verb", VerbName(action.action.verb)},
                       {"entity", action.action.target.entity},
                       {"target", action.action.target.id},
                       {"due", FormatInstant(action.due)},
                       {"status", ActionStatusName(action.status)},
                       {"held_because", action.held_because},
                       {"escalated", std::move(escalated)},
                       {"left", std::move(left)}});
  }
  Json notices = Json::array();
  for (const PlannedNotice& notice : explained.notices) {
    notices.push_back({{"recipients", notice.recipients},
                       {"due", FormatInstant(notice.due)},
                       {"status", ActionStatusName(notice.status)},
                       {"held_because", notice.held_because}});
  }
  Json left_alone = Json::array();
  for (const NotActedOn& row : explained.not_acted_on) {
    left_alone.push_back({{"entity", row.entity},
                          {"target", row.target},
                          {"reason", NotActedReasonName(row.reason)},
                          {"by", row.by},
                          {"detail", row.detail}});
  }
  return {{"actions", std::move(actions)},
          {"notices", std::move(notices)},
          {"not_acted_on", std::move(left_alone)},
          {"held_because", explained.held_because},
          {"nothing_because", explained.nothing_because}};
}

Json RuleJson(const ExplainedRule& explained, const ir::Rule& rule, const SourceMap& sources) {
  Json facts = Json::array();
  for (const eval::ExplainedFact& fact : explained.explanation.facts) {
    facts.push_back({{"path", fact.path},
                     {"value", fact.value},
                     {"source", fact.source},
                     {"observed_at", TimeOrNull(fact.observed_at)}});
  }
  const auto& unless = explained.explanation.unless;
  return {{rule.protect ? "protect" : "policy", rule.full_name},
          {"title", rule.title},
          {"source", PlaceOf(sources, rule.name_span)},
          {"mode", rule.mode == ir::Mode::kEnforce ? "enforce" : "observe"},
          {"judged", explained.judged},
          {"verdict", VerdictName(explained.explanation)},
          {"insufficient_because", explained.insufficient_because},
          {"becomes_true_at", TimeOrNull(explained.explanation.becomes_true_at)},
          {"when", ClauseJson(sources, explained.explanation.when)},
          {"unless", unless ? ClauseJson(sources, *unless) : Json(nullptr)},
          {"facts", std::move(facts)},
          {"follows", ConsequencesJson(explained)}};
}

}  // namespace

std::string FormatExplanation(const RowExplanation& explanation, Asked asked,
                              const ir::Program& program, const SourceMap& sources) {
  return ExplanationText(explanation, asked, program, sources).Format();
}

std::string EncodeExplanation(const RowExplanation& explanation, Asked asked,
                              const ir::Program& program, const SourceMap& sources) {
  Json rules = Json::array();
  for (const ExplainedRule& rule : explanation.rules) {
    rules.push_back(RuleJson(rule, program.rules[rule.relevant.rule], sources));
  }
  Json exemptions = Json::array();
  for (const Exemption& exemption : explanation.exemptions) {
    exemptions.push_back({{"id", exemption.id},
                          {"covers", exemption.Text()},
                          {"reason", exemption.reason},
                          {"owner", exemption.owner},
                          {"until", FormatInstant(exemption.end())}});
  }
  Json json = {{"format", asked == Asked::kWhy ? "rescind.why/1" : "rescind.why-not/1"},
               {"now", FormatInstant(explanation.now)},
               {"entity", explanation.target.entity_name},
               {"target", explanation.target.id},
               {"live", explanation.presence == Presence::kLive},
               {"removed", explanation.presence == Presence::kRemoved},
               {"rules", std::move(rules)},
               {"exemptions", std::move(exemptions)}};
  return ShownJson(json);
}

}  // namespace rescind

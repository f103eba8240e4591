#include "tests/differential/source_world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/diagnostic_text.h"
#include "engine/compile/compile.h"
#include "tests/differential/naive_meaning.h"
#include "tests/differential/random_facts.h"

namespace rescind {

using eval::EvaluationInput;
using eval::ReferenceEvaluator;
using eval::ValueStatus;
using eval::Verdict;

namespace {

// Far enough from the calendar's ends that a day in the months around `today` is always one.
constexpr int64_t kMarginDays = 3 * 366;
constexpr Instant kFirstNow{(kFirstDay.days + kMarginDays) * kMicrosPerDay};
constexpr Instant kLastNow{(kLastDay.days - kMarginDays) * kMicrosPerDay};

CheckOptions OptionsOf(const SourceWorld& world) {
  CheckOptions options;
  options.read_file = [&world](const std::string& path) -> Result<std::string> {
    const auto found = world.files.find(path);
    if (found == world.files.end())
      return Error{ErrorKind::kInvalidInput, "there is no such file", ""};
    return found->second;
  };
  options.timezone = world.seed % 3 == 0 ? "Europe/Berlin" : "UTC";
  return options;
}

struct Checked {
  std::unique_ptr<typed::Program> program;
  std::set<std::string> mistakes;  // codes and messages
  std::string errors;              // as people read them
};

Checked CheckText(const SourceWorld& world) {
  Checked checked;
  SourceMap sources;
  DiagnosticSink sink;
  const std::vector<FileId> files{sources.Add("policies/random.rescind", world.Text())};
  checked.program = ParseAndCheck(sources, files, OptionsOf(world), sink);
  for (const Diagnostic& diagnostic : sink.TakeSorted()) {
    if (diagnostic.severity() != DiagnosticSeverity::kError) continue;
    checked.mistakes.insert(fmt::format("{} {}", diagnostic.code.text, diagnostic.message));
    checked.errors += RenderDiagnostic(sources, diagnostic, {}) + "\n";
  }
  return checked;
}

Verdict VerdictOf(const NaiveAnswer& answer) {
  switch (answer.status) {
    case ValueStatus::kKnown:
      return std::get<bool>(answer.content) ? Verdict::kMatch : Verdict::kNoMatch;
    case ValueStatus::kError: return Verdict::kError;
    default: return Verdict::kUndecided;
  }
}

// What is kept of a value of the rule program.
NaiveAnswer AnswerOf(const eval::Value& value) {
  NaiveAnswer answer;
  answer.status = value.status;
  if (!value.known()) return answer;
  std::visit(
      [&]<typename T>(const T& content) {
        if constexpr (std::is_same_v<T, int64_t>) {
          answer.content = Wide{content};
        } else if constexpr (std::is_same_v<T, Instant> || std::is_same_v<T, Duration>) {
          answer.content = Wide{content.micros};
        } else if constexpr (std::is_same_v<T, Day>) {
          answer.content = Wide{content.days};
        } else if constexpr (std::is_same_v<T, eval::EnumMember>) {
          answer.content = Wide{content.member};
        } else {
          answer.content = content;
        }
      },
      value.content);
  return answer;
}

// One world, checked, compiled and with its facts.
class Opinions {
 public:
  Opinions(const SourceWorld& world, std::unique_ptr<typed::Program> program)
      : world_(world),
        choice_(world.seed + 1),
        program_(std::move(program)),
        rules_(compile::Compile(*program_)) {
    const auto schema = std::make_shared<const Schema>(program_->schema);
    RandomChoice facts_choice(world.seed + 2);
    FactBaseBuilder facts = RandomFacts(facts_choice, schema, world.now, world.left_out);
    base_ = std::make_unique<FactBase>(facts.Build(rules_.columns));
    all_columns_ = std::make_unique<FactBase>(facts.Build());
    std::vector<Day> days;
    for (int i = 0; i < 6; ++i) days.push_back(RandomDay(facts_choice, world.now));
    holidays_ = Holidays(days);
  }

  SourceTrouble Find(eval::Variety* variety) {
    Instant now = world_.now;
    // From deadline to deadline, the facts fixed.
    for (int step = 0; step < 3; ++step) {
      const EvaluationInput input{rules_, *base_, holidays_, now};
      const eval::Judgements judged = JudgeAll(input);
      if (variety != nullptr) variety->Add(judged);
      if (SourceTrouble trouble = FindAt(input, judged, variety); trouble.found()) {
        trouble.detail += " at " + FormatInstant(now);
        return trouble;
      }
      std::vector<Instant> deadlines;
      for (const auto& rows : judged) {
        for (const auto& judgement : rows) {
          if (judgement.deadline != Instant::Never()) deadlines.push_back(judgement.deadline);
        }
      }
      if (deadlines.empty()) break;
      now = choice_.OneIn(2) ? *std::min_element(deadlines.begin(), deadlines.end())
                             : choice_.Of(deadlines);
      if (now > kLastNow) break;
    }
    return {};
  }

 private:
  SourceTrouble FindAt(const EvaluationInput& input, const eval::Judgements& judged,
                       eval::Variety* variety) {
    if (SourceTrouble trouble = AgainstNaive(input.now, judged); trouble.found()) return trouble;
    std::string difference = AnySweepDifference(input, judged, 1 + choice_.Below(7), variety);
    if (!difference.empty()) return {"the sweep differs from the reference", difference};
    difference = DeadlineDifference(input, judged, choice_);
    if (!difference.empty()) return {"a deadline is wrong", difference};
    return Values(input);
  }

  template <typename Rule>
  SourceTrouble JudgeRule(NaiveMeaning& meaning, const Rule& rule, uint32_t index,
                          const std::vector<eval::Judgement>& judged) {
    const Table& table = all_columns_->table(rule.entity);
    for (uint32_t row = 0; row < table.row_count(); ++row) {
      if (!table.complete(RowId(row))) continue;
      meaning.StandOn(rule, RowId(row));
      const Verdict expected = VerdictOf(meaning.Matches(rule));
      if (expected == judged[row].verdict) continue;
      const bool reports_error =
          expected == Verdict::kUndecided && judged[row].verdict == Verdict::kError;
      if (reports_error && meaning.may_be_error()) continue;
      return {"the compiled rule means something else",
              fmt::format("`{}` (rule {}) on `{}`: verdict {}, by the words {}", rule.name, index,
                          all_columns_->texts().Id(rule.entity, RowId(row)).value(),
                          static_cast<int>(judged[row].verdict), static_cast<int>(expected))};
    }
    return {};
  }

  SourceTrouble AgainstNaive(Instant now, const eval::Judgements& judged) {
    NaiveMeaning meaning(*program_, *all_columns_, holidays_, now);
    uint32_t index = 0;
    for (const typed::Policy& policy : program_->policies) {
      SourceTrouble trouble = JudgeRule(meaning, policy, index, judged[index]);
      if (trouble.found()) return trouble;
      ++index;
    }
    for (const typed::Protect& protect : program_->protects) {
      SourceTrouble trouble = JudgeRule(meaning, protect, index, judged[index]);
      if (trouble.found()) return trouble;
      ++index;
    }
    return {};
  }

  // Groups of limits, and targets of actions.
  SourceTrouble Values(const EvaluationInput& input) {
    ReferenceEvaluator reference(input);
    NaiveMeaning meaning(*program_, *all_columns_, holidays_, input.now);
    for (size_t index = 0; index < program_->policies.size(); ++index) {
      const typed::Policy& policy = program_->policies[index];
      const ir::Rule& rule = rules_.rules[index];
      const Table& table = all_columns_->table(policy.entity);
      for (size_t limit = 0; limit < policy.share_limits.size(); ++limit) {
        const ir::NodeId group = rule.share_limits[limit].group;
        std::string difference = GroupDifference(input, group, policy.entity);
        if (!difference.empty()) return {"groups differ", policy.name + ": " + difference};
      }
      for (uint32_t row = 0; row < table.row_count(); ++row) {
        if (!table.complete(RowId(row))) continue;
        meaning.StandOn(policy, RowId(row));
        const std::string place =
            fmt::format("`{}` on `{}`", policy.name,
                        all_columns_->texts().Id(policy.entity, RowId(row)).value());
        for (size_t limit = 0; limit < policy.share_limits.size(); ++limit) {
          const NaiveAnswer value =
              AnswerOf(reference.Evaluate(rule.share_limits[limit].group, RowId(row)));
          if (value != meaning.Of(*policy.share_limits[limit].group)) {
            return {"a value means something else", place};
          }
        }
        const typed::Action& action = policy.stages[0].actions[0];
        if (action.target->type.kind != typed::Type::Kind::kRows) continue;
        if (reference.Members(rule.stages[0].actions[0].targets, RowId(row)) !=
            meaning.Targets(*action.target)) {
          return {"an action has other targets", place};
        }
      }
    }
    return {};
  }

  const SourceWorld& world_;
  RandomChoice choice_;
  std::unique_ptr<typed::Program> program_;
  ir::Program rules_;
  std::unique_ptr<FactBase> base_;
  std::unique_ptr<FactBase> all_columns_;
  Holidays holidays_;
};

}  // namespace

std::unique_ptr<ir::Program> CompileWorld(const SourceWorld& world) {
  const Checked checked = CheckText(world);
  if (!checked.program) return nullptr;
  return std::make_unique<ir::Program>(compile::Compile(*checked.program));
}

FactBaseBuilder FactsOf(const SourceWorld& world, const ir::Program& program) {
  RandomChoice choice(world.seed + 2);
  return RandomFacts(choice, std::make_shared<const Schema>(program.schema), world.now,
                     world.left_out);
}

std::string SourceWorld::Text() const {
  std::string text;
  for (const SourceDeclaration& declaration : declarations) text += declaration.text + "\n";
  return text;
}

SourceWorld RandomSourceWorld(uint64_t seed) {
  RandomChoice choice(seed);
  SourceWorld world;
  world.seed = seed;
  world.now = std::clamp(RandomNow(choice), kFirstNow, kLastNow);
  world.declarations = RandomSchemaSource(choice);
  const Checked checked = CheckText(world);
  // A schema that is refused is reported when the whole is.
  if (checked.program == nullptr) return world;
  for (auto& declaration :
       RandomPolicySource(choice, checked.program->schema, world.now, world.files)) {
    world.declarations.push_back(std::move(declaration));
  }
  return world;
}

SourceTrouble FindTrouble(const SourceWorld& world, eval::Variety* variety) {
  Checked checked = CheckText(world);
  if (checked.program == nullptr) {
    const bool is_too_large =
        std::all_of(checked.mistakes.begin(), checked.mistakes.end(),
                    [](const std::string& mistake) { return mistake.starts_with("E0219 "); });
    if (is_too_large) return {};  // it may be, and nobody need foresee it
    return {fmt::format("refused: {}", fmt::join(checked.mistakes, "; ")), checked.errors};
  }
  return Opinions(world, std::move(checked.program)).Find(variety);
}

}  // namespace rescind

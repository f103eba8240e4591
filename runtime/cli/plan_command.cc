// `rescind plan | show | diff`: what would be done now, and plans of earlier.
#include <fmt/ostream.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/plan/plan_csv.h"
#include "runtime/plan/plan_delta.h"
#include "runtime/plan/plan_html.h"
#include "runtime/plan/plan_json.h"
#include "runtime/plan/plan_table.h"
#include "runtime/service/pipeline.h"
#include "runtime/service/policy_name.h"

namespace rescind {
namespace {

struct PlanFace {
  std::string format = "table";
  size_t rows = 50;
  std::string csv;  // a file
};

struct PlanCommandOptions {
  std::string out;
  std::string now;
  std::string as_of;
  std::string against;
  std::vector<std::string> policies;
  std::string person;
  bool detailed_exit = false;
  PlanFace face;
};

// One line for the plan, one for each action and each row that is left alone.
std::string PlanAsLines(const Plan& plan) {
  using Json = nlohmann::ordered_json;
  Json whole = Json::parse(EncodePlan(plan));
  std::string lines;
  const auto add = [&](const char* type, const Json& fields) {
    Json line = {{"type", type}};
    line.update(fields);
    lines += line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  };
  const Json actions = std::move(whole["actions"]);
  const Json left_alone = std::move(whole["not_acted_on"]);
  whole.erase("actions");
  whole.erase("not_acted_on");
  add("plan", whole);
  for (const Json& action : actions) add("action", action);
  for (const Json& row : left_alone) add("not_acted_on", row);
  return lines;
}

Status PrintPlan(const Plan& plan, const PlanFace& face, Invocation& invocation) {
  if (!face.csv.empty()) {
    RESCIND_TRY(invocation.files.WriteAtomically(PathFrom(invocation, face.csv),
                                                 FormatPlanCsv(plan), kPrivateMode));
  }
  if (face.format == "json") {
    invocation.out << EncodePlan(plan);
  } else if (face.format == "ndjson") {
    invocation.out << PlanAsLines(plan);
  } else if (face.format == "csv") {
    invocation.out << FormatPlanCsv(plan);
  } else if (face.format == "html") {
    invocation.out << FormatPlanHtml(plan, face.csv.empty() ? "plan.csv" : face.csv);
  } else {
    invocation.out << FormatPlan(plan, {invocation.out_has_color(), face.rows});
  }
  return {};
}

void AddFace(CLI::App& app, PlanFace& face) {
  app.add_option("-o,--output", face.format, "table, json, ndjson, csv or html")
      ->check(CLI::IsMember({"table", "json", "ndjson", "csv", "html"}))
      ->capture_default_str();
  app.add_option("--rows", face.rows, "Rows of each listing in a table")->capture_default_str();
  app.add_option("--csv", face.csv, "Also write all rows there; the HTML page links it");
}

Result<DeriveOptions> ReadOptions(const PlanCommandOptions& options, Pipeline& pipeline) {
  const std::string& timezone = pipeline.workspace().timezone;
  DeriveOptions derive;
  RESCIND_ASSIGN(const Instant now, pipeline.Now());
  if (!options.now.empty()) {
    RESCIND_ASSIGN(derive.now, ParseMoment("--now", options.now, now, timezone));
  }
  if (!options.as_of.empty()) {
    RESCIND_ASSIGN(derive.as_of, ParseMoment("--as-of", options.as_of, now, timezone));
    if (*derive.as_of > now) {
      return Error{ErrorKind::kInvalidInput,
                   fmt::format("--as-of lies in the future: {}", FormatInstant(*derive.as_of)),
                   "`--now` judges today's facts at a later instant"};
    }
  }
  for (const std::string& name : options.policies) {
    RESCIND_ASSIGN(std::string policy, ResolvePolicy(pipeline.program(), name));
    derive.filter_policies.push_back(std::move(policy));
  }
  if (!options.person.empty()) {
    const auto identity = pipeline.program().schema.Find("identity");
    RESCIND_ASSIGN(const auto row, identity ? pipeline.store().Find(*identity, options.person)
                                            : Result<std::optional<RowId>>(std::nullopt));
    if (!row) {
      return Error{ErrorKind::kNotFound,
                   fmt::format("--person: no identity is called {}", options.person),
                   "give the id of a row of identity"};
    }
    derive.filter_person = options.person;
  }
  return derive;
}

// A comparison with anything but the last plan applied is for reading only.
Status CompareWith(const std::string& file, Plan& plan, Invocation& invocation) {
  RESCIND_ASSIGN(const Plan before, ReadPlanFile(invocation, file));
  plan.delta = {};
  for (PlannedAction& action : plan.actions) action.change.reset();
  ComparePlan(plan, OutlinePlan(before, fmt::format("{} ({})", file, before.id)));
  plan.applicable = false;
  plan.not_applicable_because = fmt::format("it is compared with {}", file);
  SealPlan(plan);
  return {};
}

// Would applying do anything, or is something held? What the last plan applied has put into its
// notice period already is no change.
bool HasChanges(const Plan& plan) {
  const auto changes = [](const PlannedAction& action) {
    return action.status != ActionStatus::kNotice || action.change != Change::kStanding;
  };
  return std::any_of(plan.actions.begin(), plan.actions.end(), changes) ||
         std::any_of(plan.notices.begin(), plan.notices.end(), [](const PlannedNotice& notice) {
           return notice.status != ActionStatus::kNotice;
         });
}

Result<ExitStatus> RunPlan(const PlanCommandOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(
      const auto pipeline,
      Pipeline::Open(std::move(workspace), EnvironmentOf(invocation), PipelinePurpose::kRead));
  PrintNotices(pipeline->policies(), invocation);
  RESCIND_ASSIGN(const DeriveOptions derive, ReadOptions(options, *pipeline));
  RESCIND_ASSIGN(const auto derivation, pipeline->Derive(derive));
  Plan& plan = derivation->outcome.plan;
  if (!options.against.empty()) RESCIND_TRY(CompareWith(options.against, plan, invocation));
  if (!options.out.empty()) {
    RESCIND_TRY(invocation.files.WriteAtomically(PathFrom(invocation, options.out),
                                                 EncodePlan(plan), kPrivateMode));
  }
  RESCIND_TRY(PrintPlan(plan, options.face, invocation));
  if (!options.out.empty() && plan.applicable) {
    fmt::print(invocation.err, "wrote {}; after reading it: rescind apply {} --confirm {}\n",
               options.out, options.out, plan.id);
  }
  return options.detailed_exit && HasChanges(plan) ? ExitStatus::kHasChanges : ExitStatus::kDone;
}

Result<ExitStatus> RunShow(const std::string& file, const PlanFace& face, Invocation& invocation) {
  RESCIND_ASSIGN(const Plan plan, ReadPlanFile(invocation, file));
  RESCIND_TRY(PrintPlan(plan, face, invocation));
  return ExitStatus::kDone;
}

struct DiffOptions {
  std::string before;
  std::string after;
  PlanFace face;
};

Result<ExitStatus> RunDiff(const DiffOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(Plan after, ReadPlanFile(invocation, options.after));
  RESCIND_TRY(CompareWith(options.before, after, invocation));
  if (options.face.format == "table") {
    invocation.out << FormatDelta(after, {invocation.out_has_color(), options.face.rows});
    return ExitStatus::kDone;
  }
  RESCIND_TRY(PrintPlan(after, options.face, invocation));
  return ExitStatus::kDone;
}

}  // namespace

void DeclarePlan(CommandLine& line) {
  auto options = std::make_shared<PlanCommandOptions>();
  CLI::App& plan = line.Add("plan", "Say what would be done now, and why; writes nothing",
                            [options](Invocation& run) { return RunPlan(*options, run); });
  plan.add_option("--out", options->out, "Write the plan there, for `apply` (mode 0600)");
  CLI::Option* now =
      plan.add_option("--now", options->now, "Judge today's facts at that instant (or +30d)");
  plan.add_option("--as-of", options->as_of, "Judge the facts as recorded at that instant")
      ->excludes(now);
  plan.add_option("--against", options->against, "Compare with that plan, not the last applied");
  plan.add_option("--policy", options->policies, "Show only that policy; may be repeated");
  plan.add_option("--person", options->person, "Show only that identity");
  plan.add_flag("--detailed-exitcode", options->detailed_exit,
                "Exit status 2 when anything is due");
  AddFace(plan, options->face);

  auto shown = std::make_shared<std::pair<std::string, PlanFace>>();
  CLI::App& show = line.Add("show", "Show a plan that was written", [shown](Invocation& run) {
    return RunShow(shown->first, shown->second, run);
  });
  show.add_option("plan", shown->first, "The file")->required();
  AddFace(show, shown->second);

  auto compared = std::make_shared<DiffOptions>();
  CLI::App& diff = line.Add("diff", "Say what one plan has that another has not",
                            [compared](Invocation& run) { return RunDiff(*compared, run); });
  diff.add_option("before", compared->before, "The earlier plan")->required();
  diff.add_option("after", compared->after, "The later plan")->required();
  AddFace(diff, compared->face);
}

}  // namespace rescind

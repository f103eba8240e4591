// `rescind plan | show | diff`: what would be done now, and plans of earlier.
#include <fmt/ostream.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/visible_text.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/plan/plan_csv.h"
#include "runtime/plan/plan_delta.h"
#include "runtime/plan/plan_html.h"
#include "runtime/plan/plan_json.h"
#include "runtime/plan/plan_table.h"
#include "runtime/service/pipeline.h"
#include "runtime/service/policy_name.h"
#include "runtime/service/policy_revision.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kPersonEntity = "identity";

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
  Json whole = Json::parse(EncodePlan(plan));
  std::string lines;
  const auto add = [&](const char* type, const Json& fields) {
    Json line = {{"type", type}};
    line.update(fields);
    lines += VisibleJson(line.dump(-1, ' ', false, Json::error_handler_t::replace)) + "\n";
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
    RESCIND_TRY(invocation.files.WriteOutput(invocation.PathFrom(face.csv), FormatPlanCsv(plan),
                                             kPrivateMode));
  }
  if (face.format == "json") {
    invocation.out << VisibleJson(EncodePlan(plan));
  } else if (face.format == "ndjson") {
    invocation.out << PlanAsLines(plan);
  } else if (face.format == "csv") {
    invocation.out << FormatPlanCsv(plan);
  } else if (face.format == "html") {
    invocation.out << FormatPlanHtml(plan, face.csv);
  } else {
    invocation.out << FormatPlan(plan, {invocation.out_has_color(), face.rows});
  }
  return {};
}

// An empty name, as of a variable that is not set, would write nothing and say nothing.
CLI::Validator IsFileName() {
  const auto check = [](const std::string& text) -> std::string {
    return text.empty() ? "must not be empty: name the file to write" : "";
  };
  return CLI::Validator(check, "");
}

void AddFace(CLI::App& app, PlanFace& face) {
  app.add_option("-o,--output", face.format, "table, json, ndjson, csv or html")
      ->check(CLI::IsMember({"table", "json", "ndjson", "csv", "html"}))
      ->capture_default_str();
  app.add_option("--rows", face.rows, "Rows of each listing in a table")
      ->check(IsRowCount())
      ->capture_default_str();
  app.add_option("--csv", face.csv, "Also write all rows there; the HTML page links it")
      ->check(IsFileName());
}

// A policy may be named that only the other policies have: `others`, null without.
Result<std::string> NamePolicy(const std::string& name, const ir::Program* others,
                               const Pipeline& pipeline) {
  auto policy = ResolvePolicy(pipeline.program(), name);
  if (policy.ok() || others == nullptr) return policy;
  auto other = ResolvePolicy(*others, name);
  return other.ok() ? std::move(other) : std::move(policy);
}

// `identity:ann` as everywhere, or the id alone, which may hold a colon itself.
Result<std::string> ReadPerson(const std::string& text, Pipeline& pipeline) {
  const auto identity = pipeline.program().schema.Find(kPersonEntity);
  const size_t colon = text.find(':');
  std::vector<std::string> ids = {text};
  if (text.substr(0, colon) == kPersonEntity && colon != text.npos) {
    ids.insert(ids.begin(), text.substr(colon + 1));
  }
  for (const std::string& id : ids) {
    if (!identity) break;
    RESCIND_ASSIGN(const auto row, pipeline.store().Find(*identity, id));
    if (row) return id;
  }
  return Error{ErrorKind::kNotFound, fmt::format("--person: no identity is called {}", text),
               "give the id of a row of identity, such as ann or identity:ann"};
}

Result<DeriveOptions> ReadOptions(const PlanCommandOptions& options, const ir::Program* others,
                                  Pipeline& pipeline) {
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
    RESCIND_ASSIGN(std::string policy, NamePolicy(name, others, pipeline));
    derive.filter_policies.push_back(std::move(policy));
  }
  if (!options.person.empty()) {
    RESCIND_ASSIGN(derive.filter_person, ReadPerson(options.person, pipeline));
  }
  // Nobody will see more than the table has, and nothing is kept of it.
  const bool is_only_shown = options.face.format == "table" && options.face.csv.empty() &&
                             options.out.empty() && options.against.empty();
  if (is_only_shown) derive.listed_actions = options.face.rows;
  return derive;
}

PlanOutline OutlineFile(const std::string& file, const Plan& before) {
  std::string label = fmt::format("{} ({})", file, before.id);
  const std::string filter = FilterText(before);
  if (!filter.empty()) label += fmt::format(", which shows only {}", filter);
  return OutlinePlan(before, std::move(label));
}

// What --against names: a plan that was written, or other policies.
struct Comparison {
  std::optional<PlanOutline> plan;
  std::optional<PolicyRevision> policies;
};

Result<Comparison> ReadComparison(const std::string& against, Pipeline& pipeline,
                                  Invocation& invocation) {
  Comparison comparison;
  if (against.empty()) return comparison;
  const std::string path = invocation.PathFrom(against);
  const auto info = invocation.files.Stat(path);
  if (info.ok() && info->kind != FileKind::kDirectory) {
    RESCIND_ASSIGN(const Plan before, ReadPlanFile(invocation, against));
    comparison.plan = OutlineFile(against, before);
    return comparison;
  }
  auto revision =
      OpenPolicyRevision(pipeline.workspace(), pipeline.program().schema, against, path,
                         {invocation.surroundings, invocation.files, invocation.processes});
  if (!revision.ok()) return std::move(revision).error().In("--against");
  comparison.policies = *std::move(revision);
  return comparison;
}

// The same facts at the same instant under the other policies.
Result<PlanOutline> OutlineUnder(const PolicyRevision& revision, DeriveOptions derive, Instant now,
                                 Pipeline& pipeline) {
  derive.judged_by = &revision.policies;
  if (!derive.as_of) derive.now = now;
  RESCIND_ASSIGN(const auto derivation, pipeline.Derive(derive));
  PlanOutline outline = OutlinePlan(derivation->outcome.plan, revision.label);
  outline.other_policies = true;
  return outline;
}

void MakeUnapplicable(const std::string& compared_with, Plan& plan) {
  std::string& because = plan.not_applicable_because;
  if (!plan.applicable) because += "; ";
  because += fmt::format("it is compared with {}", compared_with);
  plan.applicable = false;
}

// The name of a page or a table promises what `--out` does not write.
void WarnOfName(const std::string& out, Invocation& invocation) {
  const size_t dot = out.rfind('.');
  std::string format = dot == out.npos ? "" : out.substr(dot + 1);
  for (char& c : format) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (format == "htm") format = "html";
  if (format != "html" && format != "csv") return;
  invocation.Warn(fmt::format(
      "{} is the plan itself, as JSON, which is what `apply` reads; to save what is shown: "
      "rescind plan -o {} >FILE",
      out, format));
}

// Without it, a name that was mistyped where somebody is named looks like one whose access is fine.
void WarnOfPerson(const Derivation& derivation, const std::string& person, Invocation& invocation) {
  const auto identity = derivation.program.schema.Find(kPersonEntity);
  if (person.empty() || !identity) return;
  const Table& table = derivation.facts.table(*identity);
  const auto row = derivation.facts.texts().Find(*identity, person);
  if (!row.ok()) return;
  const bool is_there = *row && (*row)->index() < table.row_count();
  const Presence presence = is_there ? table.presence(**row) : Presence::kAbsent;
  if (presence == Presence::kLive) return;
  invocation.Warn(fmt::format(
      "--person: {} {}", Visible(person),
      presence == Presence::kRemoved
          ? "is removed, or no feed lists it any more"
          : "was never listed by a feed as an identity: other rows name it, and that is all"));
}

Result<ExitStatus> RunPlan(const PlanCommandOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(
      const auto pipeline,
      Pipeline::Open(std::move(workspace), EnvironmentOf(invocation), PipelinePurpose::kRead));
  PrintNotices(pipeline->policies(), invocation);
  for (const std::string& path : {options.out, options.face.csv}) {
    RESCIND_TRY(RefuseOwnFile(invocation, pipeline->workspace(), path));
  }
  RESCIND_ASSIGN(Comparison comparison, ReadComparison(options.against, *pipeline, invocation));
  const ir::Program* others =
      comparison.policies ? &comparison.policies->policies.program : nullptr;
  RESCIND_ASSIGN(const DeriveOptions derive, ReadOptions(options, others, *pipeline));
  RESCIND_ASSIGN(auto derived, pipeline->Derive(derive));
  const std::shared_ptr<Derivation> derivation = std::move(derived);
  invocation.leavings = derivation;
  WarnOfPerson(*derivation, derive.filter_person, invocation);
  RESCIND_TRY(WarnOfNameless(*pipeline, derivation->now, invocation));
  if (!derive.now && !derive.as_of) {
    RESCIND_ASSIGN(const ClockDoubt doubt, pipeline->DoubtClock());
    if (!doubt.behind.empty()) invocation.Warn(doubt.behind);
    if (!doubt.leap.empty()) invocation.Warn(doubt.leap);
  }
  Plan& plan = derivation->outcome.plan;
  const bool has_changes = HasChanges(plan);
  if (comparison.policies) {
    RESCIND_ASSIGN(comparison.plan,
                   OutlineUnder(*comparison.policies, derive, derivation->now, *pipeline));
    MakeUnapplicable(comparison.policies->label, plan);
  }
  if (comparison.plan) {
    ComparePlan(plan, *comparison.plan);
    SealPlan(plan);
  }
  if (!options.out.empty()) {
    RESCIND_TRY(invocation.files.WriteOutput(invocation.PathFrom(options.out), EncodePlan(plan),
                                             kPrivateMode));
  }
  RESCIND_TRY(PrintPlan(plan, options.face, invocation));
  WarnOfName(options.out, invocation);
  if (!options.out.empty() && plan.applicable) {
    fmt::print(invocation.err, "wrote {}; after reading it: rescind apply {} --confirm {}\n",
               Visible(options.out), Visible(options.out), plan.id);
  } else if (!options.out.empty()) {
    fmt::print(invocation.err, "wrote {}, which is for reading only\n", Visible(options.out));
  }
  return options.detailed_exit && has_changes ? ExitStatus::kHasChanges : ExitStatus::kDone;
}

Result<ExitStatus> RunShow(const std::string& file, const PlanFace& face, Invocation& invocation) {
  RESCIND_TRY(RefuseFileOfAnyWorkspace(invocation, face.csv));
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
  RESCIND_TRY(RefuseFileOfAnyWorkspace(invocation, options.face.csv));
  RESCIND_ASSIGN(Plan after, ReadPlanFile(invocation, options.after));
  RESCIND_ASSIGN(const Plan before, ReadPlanFile(invocation, options.before));
  ComparePlan(after, OutlineFile(options.before, before));
  SealPlan(after);
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
  plan.add_option("--out", options->out, "Write the plan there, for `apply` (mode 0600)")
      ->check(IsFileName());
  CLI::Option* now =
      plan.add_option("--now", options->now, "Judge today's facts at that instant (or +30d)")
          ->check(IsMoment());
  plan.add_option("--as-of", options->as_of, "Judge the facts as recorded at that instant")
      ->check(IsPastMoment())
      ->excludes(now);
  plan.add_option("--against", options->against,
                  "Compare with that plan, or with the policies in that folder or of that git "
                  "revision (default: with the last plan applied)");
  plan.add_option("--policy", options->policies, "Show only that policy; may be repeated")
      ->check(IsName());
  plan.add_option("--person", options->person, "Show only that identity")->check(IsName());
  plan.add_flag("--detailed-exitcode", options->detailed_exit,
                "Exit status 2 when anything is due");
  AddFace(plan, options->face);

  auto shown = std::make_shared<std::pair<std::string, PlanFace>>();
  CLI::App& show = line.Add(
      "show", "Show a plan that was written",
      [shown](Invocation& run) { return RunShow(shown->first, shown->second, run); },
      CommandPlace::kHere);
  show.add_option("plan", shown->first, "The file")->required();
  AddFace(show, shown->second);

  auto compared = std::make_shared<DiffOptions>();
  CLI::App& diff = line.Add(
      "diff", "Say what one plan has that another has not",
      [compared](Invocation& run) { return RunDiff(*compared, run); }, CommandPlace::kHere);
  diff.add_option("before", compared->before, "The earlier plan")->required();
  diff.add_option("after", compared->after, "The later plan")->required();
  AddFace(diff, compared->face);
}

}  // namespace rescind

// `rescind exempt add | list | end`: what people take out of the policies' reach, until a day.
#include <fmt/ostream.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/base/visible_text.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/plan/plan_table.h"
#include "runtime/plan/policy_renames.h"
#include "runtime/service/action_ledger.h"
#include "runtime/service/audit_desk.h"
#include "runtime/service/decision_check.h"
#include "runtime/service/exemption_desk.h"
#include "runtime/service/policy_name.h"
#include "runtime/service/shown_json.h"
#include "runtime/service/store_opener.h"
#include "runtime/service/target_resolver.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

struct AddOptions {
  std::string target;
  std::string policy;
  std::string reason;
  std::string owner;
  std::string until;
  std::string format = "table";
};

Json ExemptionJson(const Exemption& exemption, Instant now) {
  return {{"id", exemption.id},
          {"entity", exemption.entity},
          {"target", exemption.row_id},
          {"policy", exemption.policy.empty() ? "all" : exemption.policy},
          {"reason", exemption.reason},
          {"owner", exemption.owner},
          {"created_at", FormatInstant(exemption.created_at)},
          {"until", FormatInstant(exemption.expires_at)},
          {"ended_at", exemption.ended_at ? Json(FormatInstant(*exemption.ended_at)) : Json()},
          {"active", exemption.active(now)}};
}

Result<Exemption> ReadWish(const AddOptions& options, Pipeline& pipeline, Instant now) {
  Exemption wish;
  RESCIND_ASSIGN(TargetRow target, ResolveTarget(pipeline.store(), options.target));
  wish.entity = std::move(target.entity_name);
  wish.row_id = std::move(target.id);
  if (options.policy != "all") {
    RESCIND_ASSIGN(wish.policy, ResolvePolicy(pipeline.program(), options.policy));
  }
  wish.reason = options.reason;
  wish.owner = options.owner;
  wish.created_at = now;
  RESCIND_ASSIGN(wish.expires_at,
                 ParseMoment("--until", options.until, now, pipeline.workspace().timezone));
  return wish;
}

struct Opened {
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<ActionLedger> ledger;
};

Result<Opened> OpenForChange(Invocation& invocation) {
  Opened opened;
  RESCIND_ASSIGN(Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(opened.pipeline, Pipeline::Open(std::move(workspace), EnvironmentOf(invocation),
                                                 PipelinePurpose::kChange));
  RESCIND_ASSIGN(opened.ledger,
                 ActionLedger::Open(opened.pipeline->workspace(), opened.pipeline->store(),
                                    opened.pipeline->environment()));
  return opened;
}

// An owner may be anybody whom people know; of a slip of the pen nobody would learn until somebody
// has to answer.
Status WarnOfUnknownOwner(const std::string& owner, Pipeline& pipeline, Invocation& invocation) {
  if (pipeline.workspace().channels.contains(owner)) return {};
  if (const auto identity = pipeline.store().schema().Find("identity")) {
    RESCIND_ASSIGN(const auto facts, pipeline.store().Show(*identity, owner));
    if (facts && facts->presence == Presence::kLive) return {};
  }
  invocation.Warn(fmt::format(
      "{} is neither the id of an identity nor a channel of rescind.toml: will people know who "
      "answers for this exemption?",
      owner));
  return {};
}

Result<ExitStatus> RunAdd(const AddOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(const Opened opened, OpenForChange(invocation));
  RESCIND_ASSIGN(const Instant now, opened.pipeline->Now());
  RESCIND_ASSIGN(Exemption wish, ReadWish(options, *opened.pipeline, now));
  RESCIND_TRY(WarnOfUnknownOwner(wish.owner, *opened.pipeline, invocation));
  RESCIND_ASSIGN(const Exemption exemption,
                 AddExemption(std::move(wish), opened.pipeline->store(), opened.ledger->recorder(),
                              fmt::format("exempt add by {}", ActorName(invocation))));
  RESCIND_TRY(SignLog(opened.pipeline->store(), opened.ledger->audit()));
  RESCIND_TRY(opened.pipeline->Close());
  if (options.format == "json") {
    Json json = {{"format", "rescind.exemption/1"}};
    json.update(ExemptionJson(exemption, now));
    invocation.out << ShownJson(json);
    return ExitStatus::kDone;
  }
  fmt::print(invocation.out, "{}\n", exemption.id);
  fmt::print(invocation.err, "exempt until {}: {}{}\n", FormatInstant(exemption.expires_at),
             Visible(exemption.Text()), exemption.policy.empty() ? " for all policies" : "");
  return ExitStatus::kDone;
}

struct ListOptions {
  bool all = false;
  std::string format = "table";
};

// Exemptions as the store holds them, and what the policies say of them.
struct ListedExemptions {
  Instant now;
  std::vector<Exemption> exemptions;
  std::map<std::string, std::string> problems;  // by id
  Status as_logged;                             // an error: they are not what the audit log says
};

// As they were written down: which policies were renamed since is not known.
Result<ListedExemptions> ListWithoutPolicies(const Workspace& workspace, Invocation& invocation) {
  StoreOptions options;
  options.read_only = true;
  RESCIND_ASSIGN(const auto store,
                 OpenStoreWithoutFacts(workspace, EnvironmentOf(invocation), options));
  ListedExemptions listed;
  RESCIND_ASSIGN(const auto last, ReadLastEvaluation(store->key_values()));
  listed.now = std::max(invocation.clock.Now(), last.value_or(Instant{0}));
  RESCIND_ASSIGN(listed.exemptions, ListExemptions(store->key_values()));
  listed.as_logged = CheckDecisions(*store, workspace.audit_key_file, invocation.files);
  return listed;
}

Result<ListedExemptions> ListStored(Invocation& invocation) {
  RESCIND_ASSIGN(const Workspace workspace, invocation.OpenWorkspace());
  const auto pipeline =
      Pipeline::Open(workspace, EnvironmentOf(invocation), PipelinePurpose::kRead);
  if (!pipeline.ok()) {
    auto listed = ListWithoutPolicies(workspace, invocation);
    if (!listed.ok()) return pipeline.error();
    if (!listed->as_logged.ok()) return listed;
    invocation.Warn(fmt::format("whether these policies are still there is not known: {}",
                                pipeline.error().message));
    return listed;
  }
  ListedExemptions listed;
  RESCIND_ASSIGN(listed.now, (*pipeline)->Now());
  RESCIND_ASSIGN(listed.exemptions, ListExemptions((*pipeline)->store().key_values()));
  const ir::Program& program = (*pipeline)->program();
  PolicyRenames(program).MoveTo(listed.exemptions);
  for (const Exemption& each : listed.exemptions) {
    listed.problems[each.id] = WhyNamelessText(each, program);
  }
  return listed;
}

Result<ExitStatus> RunList(const ListOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(ListedExemptions listed, ListStored(invocation));
  const Instant now = listed.now;
  std::vector<Exemption>& exemptions = listed.exemptions;
  if (!options.all) {
    std::erase_if(exemptions, [&](const Exemption& each) { return each.end() <= now; });
  }
  if (options.format == "json") {
    Json json = {{"format", "rescind.exemptions/1"}, {"exemptions", Json::array()}};
    for (const Exemption& each : exemptions) {
      json["exemptions"].push_back(ExemptionJson(each, now));
      json["exemptions"].back()["problem"] = listed.problems[each.id];
    }
    invocation.out << ShownJson(json);
    RESCIND_TRY(std::move(listed.as_logged));
    return ExitStatus::kDone;
  }
  for (const Exemption& each : exemptions) {
    fmt::print(invocation.out, "{}  {}  {}  from {}  {}  ({})\n", each.id,
               each.end() <= now ? fmt::format("over since {}", FormatInstant(each.end()))
                                 : fmt::format("until {}", FormatInstant(each.end())),
               Visible(each.RowText()), each.policy.empty() ? "all policies" : each.policy,
               Visible(each.reason), Visible(each.owner));
    const std::string& problem = listed.problems[each.id];
    if (!problem.empty()) fmt::print(invocation.out, "  ! {}\n", Visible(problem));
  }
  if (exemptions.empty()) {
    fmt::print(invocation.err, "no exemption{}\n", options.all ? "" : " is active");
  }
  // Whoever has to put it right needs to see it.
  RESCIND_TRY(std::move(listed.as_logged));
  return ExitStatus::kDone;
}

struct EndOptions {
  std::string id;
  std::string reason;
};

// A store with its log; of the facts nothing is known.
struct OpenedWithoutFacts {
  std::unique_ptr<Store> store;
  std::unique_ptr<ActionLedger> ledger;
};

// An exemption keeps access: it must not stay because of a slip of the pen in a policy.
Result<OpenedWithoutFacts> OpenWithoutPolicies(Invocation& invocation) {
  OpenedWithoutFacts opened;
  RESCIND_ASSIGN(const Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(opened.store, OpenStoreWithoutFacts(workspace, EnvironmentOf(invocation), {}));
  RESCIND_TRY(CheckDecisions(*opened.store, workspace.audit_key_file, invocation.files));
  RESCIND_ASSIGN(opened.ledger,
                 ActionLedger::Open(workspace, *opened.store, EnvironmentOf(invocation)));
  return opened;
}

Status EndIt(const EndOptions& options, Store& store, ActionLedger& ledger,
             Invocation& invocation) {
  RESCIND_ASSIGN(const auto last, ReadLastEvaluation(store.key_values()));
  const Instant now = std::max(invocation.clock.Now(), last.value_or(Instant{0}));
  const Status ended = CloseExemption(options.id, now, options.reason, store, ledger.recorder(),
                                      fmt::format("exempt end by {}", ActorName(invocation)));
  if (!ended.ok()) {
    // Only a plan can be stale for exit statuses.
    Error error = ended.error();
    if (error.kind == ErrorKind::kStale) error.kind = ErrorKind::kInvalidInput;
    return error;
  }
  return SignLog(store, ledger.audit());
}

Result<ExitStatus> RunEnd(const EndOptions& options, Invocation& invocation) {
  auto opened = OpenForChange(invocation);
  if (opened.ok()) {
    RESCIND_TRY(EndIt(options, opened->pipeline->store(), *opened->ledger, invocation));
    RESCIND_TRY(opened->pipeline->Close());
  } else if (opened.error().kind == ErrorKind::kInvalidInput) {
    const Error why = opened.error();
    RESCIND_ASSIGN(const OpenedWithoutFacts without, OpenWithoutPolicies(invocation));
    RESCIND_TRY(EndIt(options, *without.store, *without.ledger, invocation));
    RESCIND_TRY(without.store->Close());
    invocation.Warn(fmt::format("nothing is planned or removed until this is mended: {}; {}",
                                why.message, why.help));
  } else {
    return opened.error();
  }
  fmt::print(invocation.err, "ended {}; stage times count from now\n", options.id);
  return ExitStatus::kDone;
}

void AddFormat(CLI::App& app, std::string& format) {
  app.add_option("-o,--output", format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace

void DeclareExempt(CommandLine& line) {
  CLI::App& exempt = line.AddGroup("exempt", "Take rows out of the policies' reach until a day");

  auto wish = std::make_shared<AddOptions>();
  CLI::App& add = line.Add(exempt, "add", "Exempt a row, and all that belongs to it",
                           [wish](Invocation& invocation) { return RunAdd(*wish, invocation); });
  add.add_option("target", wish->target, "A row: account:ldap/ann, or an id that is unique")
      ->required();
  add.add_option("--policy", wish->policy, "From that policy, or from all")->required();
  add.add_option("--reason", wish->reason, "Why")->required()->check(IsSaid());
  add.add_option("--owner", wish->owner, "Who answers for it: an identity, or a channel")
      ->required()
      ->check(IsSaid());
  add.add_option("--until", wish->until, "When it ends: 2026-04-01, an instant, or +30d")
      ->required()
      ->check(IsMoment());
  AddFormat(add, wish->format);

  auto listed = std::make_shared<ListOptions>();
  CLI::App& list = line.Add(exempt, "list", "List them",
                            [listed](Invocation& run) { return RunList(*listed, run); });
  list.add_flag("--all", listed->all, "Those that are over, too");
  AddFormat(list, listed->format);

  auto ended = std::make_shared<EndOptions>();
  CLI::App& end = line.Add(exempt, "end", "End one before its day",
                           [ended](Invocation& run) { return RunEnd(*ended, run); });
  end.add_option("id", ended->id, "What `exempt list` shows")->required();
  end.add_option("--reason", ended->reason, "Why")->required()->check(IsSaid());
}

}  // namespace rescind

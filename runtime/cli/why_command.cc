// `rescind why | why-not TARGET`: what the policies make of one row, clause by clause.
#include <fmt/ostream.h>

#include <memory>

#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/service/policy_name.h"
#include "runtime/service/row_explanation_text.h"

namespace rescind {
namespace {

struct WhyOptions {
  std::string target;
  std::string policy;
  std::string now;
  std::string format = "table";
};

Result<ExitStatus> RunWhy(const WhyOptions& options, Asked asked, Invocation& invocation) {
  RESCIND_ASSIGN(Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(
      const auto pipeline,
      Pipeline::Open(std::move(workspace), EnvironmentOf(invocation), PipelinePurpose::kRead));
  PrintNotices(pipeline->policies(), invocation);
  RESCIND_ASSIGN(const TargetRow target, ResolveTarget(pipeline->store(), options.target));
  std::optional<std::string> policy;
  if (!options.policy.empty()) {
    RESCIND_ASSIGN(policy, ResolvePolicy(pipeline->program(), options.policy));
  }
  DeriveOptions derive;
  if (!options.now.empty()) {
    RESCIND_ASSIGN(const Instant now, pipeline->Now());
    RESCIND_ASSIGN(derive.now,
                   ParseMoment("--now", options.now, now, pipeline->workspace().timezone));
  }
  RESCIND_ASSIGN(const auto derivation, pipeline->Derive(derive));
  RESCIND_ASSIGN(const RowExplanation explanation,
                 ExplainRow(*pipeline, *derivation, target, policy));
  const SourceMap& sources = pipeline->policies().sources;
  invocation.out << (options.format == "json"
                         ? EncodeExplanation(explanation, asked, pipeline->program(), sources)
                         : FormatExplanation(explanation, asked, pipeline->program(), sources));
  return ExitStatus::kDone;
}

void Declare(CommandLine& line, Asked asked, const char* name, const char* description) {
  auto options = std::make_shared<WhyOptions>();
  CLI::App& app = line.Add(name, description, [options, asked](Invocation& invocation) {
    return RunWhy(*options, asked, invocation);
  });
  app.add_option("target", options->target, "A row: grant:ldap/ann/vpn, or an id that is unique")
      ->required();
  app.add_option("--policy", options->policy, "Only that policy")->check(IsName());
  app.add_option("--now", options->now, "Judge at that instant (or +30d)")->check(IsMoment());
  app.add_option("-o,--output", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace

void DeclareWhy(CommandLine& line) {
  Declare(line, Asked::kWhy, "why", "Say why access goes: facts, clauses, what follows");
  Declare(line, Asked::kWhyNot, "why-not", "Say why access stays, and when that changes");
}

}  // namespace rescind

// `rescind facts show | check`: what is known of one row, and whether the facts are whole.
#include <fmt/format.h>

#include <memory>

#include "engine/base/diagnostic.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/cli/facts_report.h"
#include "runtime/service/facts_desk.h"
#include "runtime/service/store_opener.h"

namespace rescind {
namespace {

struct ShowRowOptions {
  std::string entity;
  std::string id;
  std::string output = "table";
};

struct CheckFactsOptions {
  uint32_t listed_count = 20;
  std::string output = "table";
};

// To look at; nothing is made.
Result<WorkspaceStore> OpenToRead(const Workspace& workspace, Invocation& invocation) {
  StoreOptions options;
  options.read_only = true;
  return OpenWorkspaceStore(workspace, EnvironmentOf(invocation), options);
}

Result<ExitStatus> RunShowRow(const ShowRowOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(const Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(const WorkspaceStore opened, OpenToRead(workspace, invocation));
  const Schema& schema = opened.store->schema();
  const auto entity = schema.Find(options.entity);
  if (!entity) {
    std::vector<std::string> names;
    for (const EntityDef& known : schema.entities()) names.push_back(known.name);
    const auto meant = DidYouMean(options.entity, names);
    return Error{ErrorKind::kNotFound, fmt::format("there is no entity `{}`", options.entity),
                 meant ? fmt::format("did you mean `{}`?", *meant)
                       : "`rescind facts check` lists the entities that have rows"};
  }
  RowDesk desk(*opened.store, opened.declared);
  RESCIND_ASSIGN(const auto row, desk.Show(*entity, options.id));
  if (!row) {
    return Error{
        ErrorKind::kNotFound,
        fmt::format("no {} with the id {} was ever listed or named", options.entity, options.id),
        "ids are told apart by every letter, upper and lower case too"};
  }
  RESCIND_ASSIGN(const FieldRemarks remarks, desk.RemarkReferences(*entity, *row));
  if (options.output == "json") {
    invocation.out << RowAsJson(options.entity, *row, remarks);
  } else {
    PrintRow(options.entity, *row, remarks, invocation.out);
  }
  return ExitStatus::kDone;
}

Result<ExitStatus> RunCheckFacts(const CheckFactsOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(const Workspace workspace, invocation.OpenWorkspace());
  RESCIND_ASSIGN(const WorkspaceStore opened, OpenToRead(workspace, invocation));
  const Instant now = invocation.clock.Now();
  RESCIND_ASSIGN(const FactsReport report,
                 CheckFacts(*opened.store, workspace, opened.declared, now, options.listed_count));
  if (options.output == "json") {
    invocation.out << FactsReportAsJson(report);
  } else {
    PrintFactsReport(report, now, invocation.out);
  }
  return report.ok() ? ExitStatus::kDone : ExitStatus::kCheckFailed;
}

}  // namespace

void DeclareFacts(CommandLine& line) {
  CLI::App& facts = line.AddGroup("facts", "What is known, where from, and what is missing");

  auto show = std::make_shared<ShowRowOptions>();
  CLI::App& show_app =
      line.Add(facts, "show", "Print one row with the source of every field",
               [show](Invocation& invocation) { return RunShowRow(*show, invocation); });
  show_app.add_option("entity", show->entity, "Such as account")->required();
  show_app.add_option("id", show->id, "Of the row")->required();
  show_app.add_option("-o,--output", show->output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();

  auto check = std::make_shared<CheckFactsOptions>();
  CLI::App& check_app =
      line.Add(facts, "check", "Find rows with holes, and feeds that have stopped",
               [check](Invocation& invocation) { return RunCheckFacts(*check, invocation); });
  check_app.add_option("--list", check->listed_count, "How many rows of an entity to list")
      ->check(IsRowCount())
      ->capture_default_str();
  check_app.add_option("-o,--output", check->output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace rescind

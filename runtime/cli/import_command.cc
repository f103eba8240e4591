// `rescind import FILE…`: facts from CSV and NDJSON into the store.
#include <fmt/ostream.h>

#include <memory>

#include "engine/base/time_zone.h"
#include "runtime/cli/command_input.h"
#include "runtime/cli/command_list.h"
#include "runtime/cli/import_report.h"
#include "runtime/service/import_desk.h"
#include "runtime/service/store_opener.h"

namespace rescind {
namespace {

struct ImportCommandOptions {
  std::vector<std::string> files;
  std::string entity;
  std::vector<std::string> map, set, ignore, date_format;
  std::string delimiter = ",";
  std::string format = "auto";
  std::string source;
  std::string observed_at, at;
  bool snapshot = false;
  bool skip_bad = false;
  bool allow_shrink = false;
  std::string output = "table";
};

Error Unclear(std::string_view option, std::string_view given, std::string help) {
  return {ErrorKind::kInvalidInput, fmt::format("{} {} is not clear", option, given),
          std::move(help)};
}

// A time, or a date: the start of that day.
Result<std::optional<Instant>> ReadMoment(std::string_view option, const std::string& given,
                                          const TimeZone& zone) {
  if (given.empty()) return std::optional<Instant>();
  if (const auto instant = ParseInstant(given)) return instant;
  if (const auto day = ParseDay(given)) return std::optional(zone.StartOf(*day));
  return Unclear(option, given, "write a time like 2026-04-01T09:00Z, or a date");
}

// Columns may hold `=`, fields and the names of fields cannot.
Status ReadPairs(const ImportCommandOptions& options, FeedOptions& feed) {
  for (const std::string& pair : options.map) {
    const size_t equals = pair.rfind('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
      return Unclear("--map", pair, "write COLUMN=FIELD: the file's name first, then ours");
    }
    if (!feed.map.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second) {
      return Unclear("--map", pair, "the column is mapped twice");
    }
  }
  for (const std::string& pair : options.set) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Unclear("--set", pair, "write FIELD=VALUE");
    }
    if (!feed.set.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second) {
      return Unclear("--set", pair, "the field is set twice");
    }
  }
  return {};
}

// An error is one of the options.
Result<ImportRequest> MakeRequest(const ImportCommandOptions& options, const Workspace& workspace,
                                  const Invocation& invocation) {
  const TimeZone* zone = FindTimeZone(workspace.timezone);
  if (zone == nullptr) zone = &UtcTimeZone();
  ImportRequest request;
  request.files = options.files;
  request.folder = invocation.working_folder;
  if (options.format == "csv") request.format = FeedFormat::kCsv;
  if (options.format == "ndjson") request.format = FeedFormat::kNdjson;
  request.feed.entity = options.entity;
  request.feed.ignore = options.ignore;
  RESCIND_TRY(ReadPairs(options, request.feed));
  if (options.delimiter == "\\t") {
    request.feed.delimiter = '\t';
  } else if (options.delimiter.size() == 1 &&
             options.delimiter.find_first_of("\"\r\n") == std::string::npos) {
    request.feed.delimiter = options.delimiter[0];
  } else {
    return Unclear("--delimiter", options.delimiter, "give one character, or \\t for a tab");
  }
  request.feed.moments.zone = zone;
  for (const std::string& format : options.date_format) {
    RESCIND_TRY(request.feed.moments.Add(format));
  }
  request.source = options.source;
  RESCIND_ASSIGN(request.observed_at, ReadMoment("--observed-at", options.observed_at, *zone));
  RESCIND_ASSIGN(request.at, ReadMoment("--at", options.at, *zone));
  request.snapshot = options.snapshot;
  request.skip_bad = options.skip_bad;
  request.allow_shrink = options.allow_shrink;
  return request;
}

Result<ImportSummary> Import(const ImportRequest& request, const Workspace& workspace,
                             Invocation& invocation) {
  RESCIND_ASSIGN(const WorkspaceStore opened,
                 OpenWorkspaceStore(workspace, EnvironmentOf(invocation)));
  ImportEnvironment environment{invocation.files, invocation.in, invocation.clock};
  ImportProgressLine line(invocation.err, invocation.clock);
  if (invocation.err_is_terminal) {
    environment.progress = [&](const ImportProgress& progress) { line.Show(progress); };
  }
  RESCIND_ASSIGN(ImportSummary summary,
                 ImportFeeds(request, workspace, *opened.store, environment));
  RESCIND_TRY(opened.store->Close());
  return summary;
}

Result<ExitStatus> RunImport(const ImportCommandOptions& options, Invocation& invocation) {
  RESCIND_ASSIGN(const Workspace workspace, invocation.OpenWorkspace());
  const auto request = MakeRequest(options, workspace, invocation);
  if (!request.ok()) return FailUsage(request.error(), invocation);
  RESCIND_ASSIGN(const ImportSummary summary, Import(*request, workspace, invocation));
  PrintBadLines(summary, summary.is_committed ? "warning" : "error", invocation.err);
  for (const std::string& warning : summary.warnings) invocation.Warn(warning);
  if (options.output == "json") invocation.out << ImportAsJson(summary);
  if (!summary.is_committed) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("nothing was taken: {} line{} cannot be read", summary.bad_count(),
                             summary.bad_count() == 1 ? "" : "s"),
                 "mend them, or take the rest with --skip-bad"};
  }
  PrintImport(summary, invocation.err);
  return ExitStatus::kDone;
}

}  // namespace

void DeclareImport(CommandLine& line) {
  auto options = std::make_shared<ImportCommandOptions>();
  CLI::App& import =
      line.Add("import", "Take facts from CSV and NDJSON files, all of them or none",
               [options](Invocation& invocation) { return RunImport(*options, invocation); });
  import.add_option("files", options->files, "Files, or - for standard input")->required();
  import.add_option("--entity", options->entity, "What the rows are, such as account");
  const auto add_list = [&](const char* name, std::vector<std::string>& into, const char* help) {
    import.add_option(name, into, help)->allow_extra_args(false);
  };
  add_list("--map", options->map,
           "COLUMN=FIELD of a CSV file; FIELD may be id, @effective_at or @deleted");
  add_list("--set", options->set, "FIELD=VALUE for every row of a CSV file");
  add_list("--ignore", options->ignore, "A column of a CSV file that is not taken");
  add_list("--date-format", options->date_format,
           "How dates and times are written, such as %d.%m.%Y; FIELD=FORMAT for one field");
  import.add_option("--delimiter", options->delimiter, "Between the cells of a CSV file")
      ->capture_default_str();
  import.add_option("--format", options->format, "csv, ndjson, or auto: by the file's name")
      ->check(CLI::IsMember({"auto", "csv", "ndjson"}))
      ->capture_default_str();
  import.add_option("--source", options->source, "Which feed this is, as rescind.toml names it");
  import.add_option("--observed-at", options->observed_at,
                    "When the source was read (default: now)");
  import.add_option("--at", options->at, "Record the change as of then, to load history");
  import.add_flag("--snapshot", options->snapshot,
                  "This is all the source has: what it no longer lists loses its claim");
  import.add_flag("--allow-shrink", options->allow_shrink,
                  "Accept a snapshot that lacks many of the rows that were or are named");
  import.add_flag(
      "--skip-bad", options->skip_bad,
      "Leave bad lines out, into FILE.rejects (.1, .2, … where that is taken), and take "
      "the rest");
  import.add_option("-o,--output", options->output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace rescind

#include "runtime/cli/import_report.h"

#include <fmt/ostream.h>

#include <nlohmann/json.hpp>

#include "engine/base/visible_text.h"
#include "runtime/service/shown_json.h"

namespace rescind {
namespace {

constexpr int64_t kProgressMicros = 100'000;

std::string Rows(uint64_t count) {
  return fmt::format("{} row{}", WithThousands(count), count == 1 ? "" : "s");
}
std::string Lines(uint64_t count) {
  return fmt::format("{} line{}", WithThousands(count), count == 1 ? "" : "s");
}

nlohmann::ordered_json FileAsJson(const ImportedFile& file) {
  nlohmann::ordered_json json = {{"name", file.name},
                                 {"rows", file.load.rows},
                                 {"bad_lines", file.load.bad_count},
                                 {"read_bytes", file.load.read_bytes},
                                 {"rejects", nullptr},
                                 {"problems", nlohmann::ordered_json::array()}};
  if (!file.rejects.empty()) json["rejects"] = file.rejects;
  for (const BadRecord& bad : file.load.bad) {
    json["problems"].push_back({{"line", bad.line},
                                {"column", bad.column},
                                {"field", bad.field},
                                {"value", bad.value},
                                {"what", bad.what},
                                {"help", bad.help}});
  }
  return json;
}

}  // namespace

std::string WithThousands(uint64_t count) {
  std::string text = fmt::format("{}", count);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

void PrintBadLines(const ImportSummary& summary, std::string_view mark, std::ostream& to) {
  for (const ImportedFile& file : summary.files) {
    for (const BadRecord& bad : file.load.bad) {
      fmt::print(to, "{}: {}\n", mark, Visible(bad.Text(file.name)));
    }
    if (file.load.bad_count > file.load.bad.size()) {
      const uint64_t rest = file.load.bad_count - file.load.bad.size();
      fmt::print(to, "{}: {}: and {} more line{}\n", mark, file.name, WithThousands(rest),
                 rest == 1 ? "" : "s");
    }
  }
}

void PrintImport(const ImportSummary& summary, std::ostream& to) {
  for (const ImportedFile& file : summary.files) {
    std::string rest;
    if (!file.rejects.empty()) {
      rest = fmt::format(", {} left out: mend them in {} and import that",
                         Lines(file.load.bad_count), file.rejects);
    }
    fmt::print(to, "{}: {}{}\n", file.name, Rows(file.load.rows), rest);
  }
  const CommitReport& commit = summary.commit;
  fmt::print(to, "imported {}from {}, observed {}: {} new, {} changed, {} unchanged, {} removed\n",
             summary.was_snapshot ? "a snapshot " : "", summary.origin.source,
             FormatInstant(summary.origin.observed_at), WithThousands(commit.rows_added),
             WithThousands(commit.rows_changed), WithThousands(commit.rows_unchanged),
             WithThousands(commit.rows_removed));
  if (commit.rows_ignored == 0) return;
  fmt::print(to,
             "{} not taken, in whole or in part: what is known already was observed after the "
             "source was read\n",
             Rows(commit.rows_ignored));
}

std::string ImportAsJson(const ImportSummary& summary) {
  nlohmann::ordered_json json = {{"format", "rescind.import/1"},
                                 {"committed", summary.is_committed},
                                 {"source", summary.origin.source},
                                 {"observed_at", FormatInstant(summary.origin.observed_at)},
                                 {"snapshot", summary.was_snapshot},
                                 {"facts_seq", nullptr},
                                 {"at", nullptr},
                                 {"rows", nullptr},
                                 {"bad_lines", summary.bad_count()},
                                 {"files", nlohmann::ordered_json::array()},
                                 {"warnings", summary.warnings}};
  if (summary.is_committed) {
    const CommitReport& commit = summary.commit;
    json["facts_seq"] = commit.facts_seq;
    json["at"] = FormatInstant(commit.at);
    json["rows"] = {{"given", commit.rows_given},     {"added", commit.rows_added},
                    {"changed", commit.rows_changed}, {"unchanged", commit.rows_unchanged},
                    {"removed", commit.rows_removed}, {"ignored", commit.rows_ignored}};
  }
  for (const ImportedFile& file : summary.files) json["files"].push_back(FileAsJson(file));
  return ShownJson(json);
}

ImportProgressLine::~ImportProgressLine() {
  if (shown_at_) fmt::print(to_, "\r\x1b[K");
  to_.flush();
}

void ImportProgressLine::Show(const ImportProgress& progress) {
  const Duration now = clock_.Monotonic();
  if (shown_at_ && now.micros - shown_at_->micros < kProgressMicros) return;
  shown_at_ = now;
  std::string share;
  if (progress.total_bytes && *progress.total_bytes > 0) {
    share = fmt::format(", {} %", progress.read_bytes * 100 / *progress.total_bytes);
  }
  fmt::print(to_, "\r\x1b[K{}: {}{}", progress.file, Rows(progress.records), share);
  to_.flush();
}

}  // namespace rescind

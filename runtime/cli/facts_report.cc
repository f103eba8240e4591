#include "runtime/cli/facts_report.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/visible_text.h"
#include "runtime/cli/import_report.h"
#include "runtime/feeds/bad_record.h"
#include "runtime/service/shown_json.h"

namespace rescind {
namespace {

using Json = nlohmann::ordered_json;

const char* NameOf(Presence presence) {
  switch (presence) {
    case Presence::kAbsent: return "unseen";
    case Presence::kLive: return "live";
    case Presence::kRemoved: return "removed";
  }
  return "unknown";
}

Json InstantOrNull(const std::optional<Instant>& instant) {
  return instant ? Json(FormatInstant(*instant)) : Json(nullptr);
}

// Columns as wide as what stands in them; the last one is not padded.
void PrintTable(const std::vector<std::vector<std::string>>& lines, std::ostream& to) {
  std::vector<size_t> widths;
  for (const auto& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], static_cast<size_t>(CountCodePoints(line[i])));
    }
  }
  for (const auto& line : lines) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) text.append(widths[i] - CountCodePoints(line[i]) + 2, ' ');
    }
    while (text.ends_with(' ')) text.pop_back();
    fmt::print(to, "{}\n", text);
  }
}

std::string WhatIsWrong(const SourceCheck& source, Instant now) {
  if (!source.observed_at) return "never delivered";
  std::string wrong;
  if (source.is_stale) {
    wrong = fmt::format("stale: {} old, {} are allowed",
                        FormatDuration({(now.micros - source.observed_at->micros) /
                                        kMicrosPerMinute * kMicrosPerMinute}),
                        FormatDuration(*source.max_age));
  }
  if (source.is_declared && !source.snapshot_observed_at) {
    wrong += (wrong.empty() ? "" : "; ") + std::string("never a complete snapshot");
  }
  if (!source.is_declared) wrong = "not declared in rescind.toml";
  return wrong.empty() ? "ok" : wrong;
}

void PrintSources(const FactsReport& report, Instant now, std::ostream& to) {
  if (report.sources.empty()) return;
  std::vector<std::vector<std::string>> lines = {
      {"source", "entity", "rows", "observed", "snapshot", "state"}};
  const auto shown = [](const std::optional<Instant>& instant) {
    return instant ? FormatInstant(*instant) : "never";
  };
  for (const SourceCheck& source : report.sources) {
    lines.push_back({source.source, source.entity, WithThousands(source.claimed_rows),
                     shown(source.observed_at), shown(source.snapshot_observed_at),
                     WhatIsWrong(source, now)});
  }
  fmt::print(to, "\n");
  PrintTable(lines, to);
}

uint64_t Sum(const FactsReport& report, uint64_t EntityCount::*number) {
  uint64_t sum = 0;
  for (const EntityCount& count : report.entities) sum += count.*number;
  return sum;
}

}  // namespace

void PrintRow(std::string_view entity, const RowFacts& row, const FieldRemarks& remarks,
              std::ostream& to) {
  const bool never_came = row.presence == Presence::kRemoved && row.incarnation == 0;
  std::string state = never_came ? "counts as removed" : NameOf(row.presence);
  if (row.presence == Presence::kAbsent) state += ": a reference names it, no feed has listed it";
  if (row.removed_at) {
    state += (never_came ? " since " : " at ") + FormatInstant(*row.removed_at);
  }
  if (never_came) state += ": no declared source lists it";
  if (row.incarnation > 1) state += fmt::format(", for the {}. time", row.incarnation);
  fmt::print(to, "{} {}  {}\n", entity, Visible(row.id), state);
  if (!row.sources.empty())
    fmt::print(to, "listed by {}\n", Visible(fmt::format("{}", fmt::join(row.sources, ", "))));
  std::vector<std::vector<std::string>> lines = {
      {"field", "value", "source", "observed", "before"}};
  for (const RowFacts::Field& field : row.fields) {
    std::string before = field.previous ? Visible(*field.previous) : "";
    if (field.changed_at) before += fmt::format(" until {}", FormatInstant(*field.changed_at));
    const auto remark = remarks.find(field.name);
    lines.push_back({field.name,
                     (field.known ? Visible(field.value) : "unknown") +
                         (remark == remarks.end() ? "" : ", " + remark->second),
                     field.origin ? field.origin->source : "",
                     field.origin ? FormatInstant(field.origin->observed_at) : "", before});
  }
  if (lines.size() == 1) return;
  fmt::print(to, "\n");
  PrintTable(lines, to);
}

std::string RowAsJson(std::string_view entity, const RowFacts& row, const FieldRemarks& remarks) {
  Json json = {{"format", "rescind.row/1"},
               {"entity", entity},
               {"id", row.id},
               {"presence", NameOf(row.presence)},
               {"incarnation", row.incarnation},
               {"removed_at", InstantOrNull(row.removed_at)},
               {"sources", row.sources},
               {"fields", Json::array()}};
  for (const RowFacts::Field& field : row.fields) {
    Json one = {{"name", field.name},
                {"value", field.known ? Json(field.value) : Json(nullptr)},
                {"source", nullptr},
                {"observed_at", nullptr},
                {"previous", field.previous ? Json(*field.previous) : Json(nullptr)},
                {"changed_at", InstantOrNull(field.changed_at)}};
    const auto remark = remarks.find(field.name);
    if (remark != remarks.end()) one["remark"] = remark->second;
    if (field.origin) {
      one["source"] = field.origin->source;
      one["observed_at"] = FormatInstant(field.origin->observed_at);
    }
    json["fields"].push_back(std::move(one));
  }
  return ShownJson(json);
}

void PrintFactsReport(const FactsReport& report, Instant now, std::ostream& to) {
  std::vector<std::vector<std::string>> lines = {
      {"entity", "rows", "incomplete", "unseen", "removed"}};
  for (const EntityCount& count : report.entities) {
    lines.push_back({count.entity, WithThousands(count.live), WithThousands(count.incomplete),
                     WithThousands(count.unseen), WithThousands(count.removed)});
  }
  PrintTable(lines, to);
  PrintSources(report, now, to);
  const uint64_t unseen = Sum(report, &EntityCount::unseen);
  const uint64_t incomplete = Sum(report, &EntityCount::incomplete);
  if (unseen > 0) {
    fmt::print(to, "\nunseen: ids that a reference names and no feed has listed\n");
    for (const UnseenRow& row : report.unseen) {
      fmt::print(to, "  {} {}{}\n", row.entity, Visible(row.id),
                 row.named_by.empty() ? "" : ", named by " + Visible(row.named_by));
    }
    if (unseen > report.unseen.size()) {
      fmt::print(to, "  and {} more\n", WithThousands(unseen - report.unseen.size()));
    }
  }
  if (incomplete > 0) {
    fmt::print(to, "\nincomplete: rows that match no policy until this is mended\n");
    for (const IncompleteRow& row : report.incomplete) {
      fmt::print(to, "  {} {}: {}\n", row.entity, Visible(row.id), Visible(row.why));
    }
    if (incomplete > report.incomplete.size()) {
      fmt::print(to, "  and {} more\n", WithThousands(incomplete - report.incomplete.size()));
    }
  }
  const auto lacking = std::count_if(report.sources.begin(), report.sources.end(),
                                     [](const SourceCheck& s) { return s.is_lacking(); });
  if (report.ok()) {
    fmt::print(to, "\nOK: every row is whole and every declared feed has come\n");
  } else {
    fmt::print(to, "\nFAILED: {} unseen, {} incomplete, {} of {} feeds lacking\n",
               WithThousands(unseen), WithThousands(incomplete), lacking, report.sources.size());
  }
}

std::string FactsReportAsJson(const FactsReport& report) {
  Json json = {
      {"format", "rescind.facts-check/1"}, {"ok", report.ok()},
      {"facts_seq", report.facts_seq},     {"last_change", FormatInstant(report.last_change)},
      {"entities", Json::array()},         {"sources", Json::array()},
      {"unseen", Json::array()},           {"incomplete", Json::array()}};
  for (const EntityCount& count : report.entities) {
    json["entities"].push_back({{"entity", count.entity},
                                {"rows", count.live},
                                {"incomplete", count.incomplete},
                                {"unseen", count.unseen},
                                {"removed", count.removed}});
  }
  for (const SourceCheck& source : report.sources) {
    Json one = {{"source", source.source},
                {"entity", source.entity},
                {"declared", source.is_declared},
                {"rows", source.claimed_rows},
                {"observed_at", InstantOrNull(source.observed_at)},
                {"snapshot_observed_at", InstantOrNull(source.snapshot_observed_at)},
                {"max_age", nullptr},
                {"stale", source.is_stale},
                {"lacking", source.is_lacking()}};
    if (source.max_age) one["max_age"] = FormatDuration(*source.max_age);
    json["sources"].push_back(std::move(one));
  }
  for (const UnseenRow& row : report.unseen) {
    json["unseen"].push_back({{"entity", row.entity}, {"id", row.id}, {"named_by", row.named_by}});
  }
  for (const IncompleteRow& row : report.incomplete) {
    json["incomplete"].push_back({{"entity", row.entity}, {"id", row.id}, {"why", row.why}});
  }
  return ShownJson(json);
}

}  // namespace rescind

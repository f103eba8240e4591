#include "runtime/cli/facts_report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace rescind {
namespace {

const Instant kApril = *ParseInstant("2026-04-01T00:00Z");

RowFacts SampleRow() {
  RowFacts row;
  row.id = "ann";
  row.presence = Presence::kLive;
  row.incarnation = 2;
  row.sources = {"directory", "hr"};
  RowFacts::Field name{"name", "Zoë\n\u202e", true, FieldOrigin{"hr", kApril}, {}, {}};
  RowFacts::Field status{"status", "active", true, FieldOrigin{"hr", kApril}, "on_leave", kApril};
  RowFacts::Field email{"email", "unknown", false, {}, {}, {}};
  row.fields = {name, status, email};
  return row;
}

TEST_CASE("ARowIsShownWithWhereItsFactsCameFrom") {
  std::ostringstream out;
  PrintRow("identity", SampleRow(), {}, out);
  CHECK(out.str() ==
        "identity ann  live, for the 2. time\n"
        "listed by directory, hr\n"
        "\n"
        "field   value          source  observed              before\n"
        "name    Zoë\\x0A\\u202E  hr      2026-04-01T00:00:00Z\n"
        "status  active         hr      2026-04-01T00:00:00Z  on_leave until 2026-04-01T00:00:00Z\n"
        "email   unknown\n");
}

TEST_CASE("ARowAsJsonTellsUnknownFromTheTextUnknown") {
  RowFacts row = SampleRow();
  row.fields[0].value = "unknown";
  const auto json = nlohmann::json::parse(RowAsJson("identity", row, {}));
  CHECK(json["format"] == "rescind.row/1");
  CHECK(json["incarnation"] == 2);
  CHECK(json["fields"][0]["value"] == "unknown");
  CHECK(json["fields"][2]["value"].is_null());
  CHECK(json["fields"][1]["previous"] == "on_leave");
  CHECK(json["removed_at"].is_null());
}

TEST_CASE("RemovedAndUnseenRowsSaySo") {
  RowFacts row;
  row.id = "bob";
  row.presence = Presence::kRemoved;
  row.incarnation = 1;
  row.removed_at = kApril;
  std::ostringstream removed;
  PrintRow("identity", row, {}, removed);
  CHECK(removed.str() == "identity bob  removed at 2026-04-01T00:00:00Z\n");
  row.incarnation = 0;
  std::ostringstream lacked;
  PrintRow("identity", row, {}, lacked);
  CHECK(lacked.str() ==
        "identity bob  counts as removed since 2026-04-01T00:00:00Z: no declared source lists "
        "it\n");
  row.presence = Presence::kAbsent;
  row.removed_at.reset();
  std::ostringstream unseen;
  PrintRow("identity", row, {}, unseen);
  CHECK(unseen.str() == "identity bob  unseen: a reference names it, no feed has listed it\n");
}

FactsReport SampleReport() {
  FactsReport report;
  report.entities.push_back({"identity", 1'200, 1, 3, 4});
  SourceCheck hr;
  hr.source = "hr";
  hr.entity = "identity";
  hr.is_declared = true;
  hr.claimed_rows = 1'200;
  hr.observed_at = kApril;
  hr.max_age = Duration{kMicrosPerDay};
  hr.is_stale = true;
  report.sources.push_back(hr);
  report.unseen.push_back({"identity", "ghost", "account a, `owner`"});
  report.incomplete.push_back({"identity", "gap", "`status` was never given"});
  return report;
}

TEST_CASE("TheCheckListsWhatIsMissingAndSaysHowMuchMoreThereIs") {
  std::ostringstream out;
  PrintFactsReport(SampleReport(), {kApril.micros + 2 * kMicrosPerDay}, out);
  CHECK(out.str() ==
        "entity    rows   incomplete  unseen  removed\n"
        "identity  1,200  1           3       4\n"
        "\n"
        "source  entity    rows   observed              snapshot  state\n"
        "hr      identity  1,200  2026-04-01T00:00:00Z  never     stale: 2d old, 1d are allowed; "
        "never a complete snapshot\n"
        "\n"
        "unseen: ids that a reference names and no feed has listed\n"
        "  identity ghost, named by account a, `owner`\n"
        "  and 2 more\n"
        "\n"
        "incomplete: rows that match no policy until this is mended\n"
        "  identity gap: `status` was never given\n"
        "\n"
        "FAILED: 3 unseen, 1 incomplete, 1 of 1 feeds lacking\n");
  const auto json = nlohmann::json::parse(FactsReportAsJson(SampleReport()));
  CHECK(json["format"] == "rescind.facts-check/1");
  CHECK(json["ok"] == false);
  CHECK(json["sources"][0]["lacking"] == true);
  CHECK(json["sources"][0]["max_age"] == "1d");
}

TEST_CASE("WholeFactsAreSaidToBe") {
  FactsReport report;
  report.entities.push_back({"identity", 1, 0, 0, 9});
  std::ostringstream out;
  PrintFactsReport(report, kApril, out);
  CHECK(out.str().ends_with("\nOK: every row is whole and every declared feed has come\n"));
}

}  // namespace
}  // namespace rescind

#include "runtime/cli/import_report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace rescind {
namespace {

ImportSummary Sample() {
  ImportSummary summary;
  summary.origin = {"hr", *ParseInstant("2026-04-01T00:00Z")};
  ImportedFile file;
  file.name = "hr.csv";
  file.load.rows = 1'234'567;
  file.load.bad_count = 3;
  BadRecord bad;
  bad.line = 7;
  bad.column = 12;
  bad.field = "status";
  bad.value = "\"aktive\"";
  bad.what = "it is none of active, disabled";
  bad.help = "did you mean `active`?";
  file.load.bad = {bad};
  summary.files.push_back(file);
  return summary;
}

TEST_CASE("ThousandsAreSetApart") {
  CHECK(WithThousands(0) == "0");
  CHECK(WithThousands(999) == "999");
  CHECK(WithThousands(1'000) == "1,000");
  CHECK(WithThousands(1'234'567) == "1,234,567");
}

TEST_CASE("BadLinesAreShownAndTheRestIsCounted") {
  std::ostringstream out;
  PrintBadLines(Sample(), "error", out);
  CHECK(out.str() ==
        "error: hr.csv:7:12: `status` = \"aktive\": it is none of active, disabled; did you mean "
        "`active`?\n"
        "error: hr.csv: and 2 more lines\n");
}

TEST_CASE("AnImportIsSummedUpInTwoLines") {
  ImportSummary summary = Sample();
  summary.is_committed = summary.was_snapshot = true;
  summary.files[0].rejects = "hr.csv.rejects";
  summary.commit.rows_added = 1'000;
  summary.commit.rows_removed = 1;
  summary.commit.rows_ignored = 1;
  std::ostringstream out;
  PrintImport(summary, out);
  CHECK(out.str() ==
        "hr.csv: 1,234,567 rows, 3 lines left out: mend them in hr.csv.rejects and import that\n"
        "imported a snapshot from hr, observed 2026-04-01T00:00:00Z: 1,000 new, 0 changed, 0 "
        "unchanged, 1 removed\n"
        "1 row not taken, in whole or in part: what is known already was observed after "
        "the source was read\n");
}

TEST_CASE("TheJsonSaysWhetherAnythingWasTaken") {
  ImportSummary summary = Sample();
  auto json = nlohmann::json::parse(ImportAsJson(summary));
  CHECK(json["format"] == "rescind.import/1");
  CHECK(json["committed"] == false);
  CHECK(json["rows"].is_null());
  CHECK(json["files"][0]["rejects"].is_null());
  CHECK(json["files"][0]["problems"][0]["column"] == 12);
  summary.is_committed = true;
  summary.commit.facts_seq = 42;
  summary.commit.rows_changed = 5;
  json = nlohmann::json::parse(ImportAsJson(summary));
  CHECK(json["facts_seq"] == 42);
  CHECK(json["rows"]["changed"] == 5);
}

TEST_CASE("ProgressIsShownTenTimesASecondAndClearedAtTheEnd") {
  std::ostringstream out;
  VirtualClock clock(Instant{0});
  {
    ImportProgressLine line(out, clock);
    line.Show({"hr.csv", 1'000, 50, 200});
    line.Show({"hr.csv", 2'000, 60, 200});
    clock.Advance({100'000});
    line.Show({"hr.csv", 3'000, 80, {}});
  }
  CHECK(out.str() == "\r\x1b[Khr.csv: 1,000 rows, 25 %\r\x1b[Khr.csv: 3,000 rows\r\x1b[K");
  std::ostringstream quiet;
  { const ImportProgressLine line(quiet, clock); }
  CHECK(quiet.str().empty());
}

}  // namespace
}  // namespace rescind

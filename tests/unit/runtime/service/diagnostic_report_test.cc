#include "runtime/service/diagnostic_report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/diagnostic_pages.h"

namespace rescind {
namespace {

using nlohmann::json;

// Two files; an error over two lines with a note in the other file and two ways out, a warning
// without a place.
struct Sample {
  SourceMap sources;
  FileId first = sources.Add("policies/a b.rescind", "äöü x\nsecond line\n");
  FileId second = sources.Add("/srv/p/ß.rescind", "other\n");
  std::vector<Diagnostic> diagnostics;

  Sample() {
    Diagnostic error;
    error.code = {"E0110"};
    error.span = {first, 7, 15};  // "x\nsecond"
    error.label = "here";
    error.message = "that is \"wrong\"";
    error.notes = {{{second, 0, 5}, "because of this"}};
    error.help = {{"replace it", {{{first, 7, 8}, "y"}, {{second, 0, 0}, "new "}}},
                  {"or think", {}},
                  {"or remove it", {{{first, 7, 8}, ""}}}};
    diagnostics.push_back(error);
    Diagnostic warning;
    warning.code = {"W0999"};
    warning.message = "something is odd";
    diagnostics.push_back(warning);
  }
  json Report() const { return json::parse(DiagnosticsAsJson(sources, diagnostics, 2)); }
  json Sarif() const { return json::parse(DiagnosticsAsSarif(sources, diagnostics, "1.2.3")); }
};

TEST_CASE_FIXTURE(Sample, "TheSummaryCountsInPlainEnglish") {
  CHECK(DiagnosticSummary(diagnostics, 1) == "1 error, 1 warning in 1 file");
  CHECK(DiagnosticSummary({}, 0) == "0 errors, 0 warnings in 0 files");
  diagnostics.push_back(diagnostics[0]);
  CHECK(DiagnosticSummary(diagnostics, 5) == "2 errors, 1 warning in 5 files");
}

TEST_CASE_FIXTURE(Sample, "JsonHoldsEverythingThatADiagnosticHolds") {
  const json report = Report();
  CHECK(report["format"] == "rescind.diagnostics/1");
  CHECK(report["summary"] == json::parse(R"({"errors": 1, "warnings": 1, "files": 2})"));
  REQUIRE(report["diagnostics"].size() == 2);
  const json& error = report["diagnostics"][0];
  CHECK(error["code"] == "E0110");
  CHECK(error["severity"] == "error");
  CHECK(error["message"] == "that is \"wrong\"");
  CHECK(error["label"] == "here");
  CHECK(error["file"] == "policies/a b.rescind");
  CHECK(error["line"] == 1);
  CHECK(error["column"] == 5);  // code points, not the 8 bytes
  CHECK(error["end_line"] == 2);
  CHECK(error["end_column"] == 7);
  CHECK(error["begin_byte"] == 7);
  CHECK(error["end_byte"] == 15);
  REQUIRE(error["notes"].size() == 1);
  CHECK(error["notes"][0]["text"] == "because of this");
  CHECK(error["notes"][0]["file"] == "/srv/p/ß.rescind");
  REQUIRE(error["help"].size() == 3);
  REQUIRE(error["help"][0]["fix"].size() == 2);
  CHECK(error["help"][0]["fix"][0]["text"] == "y");
  CHECK(error["help"][0]["fix"][0]["begin_byte"] == 7);
  CHECK(error["help"][1]["fix"].empty());
  CHECK(report["diagnostics"][1]["severity"] == "warning");
  CHECK(report["diagnostics"][1]["file"].is_null());
  CHECK(report["diagnostics"][1]["line"].is_null());
}

TEST_CASE_FIXTURE(Sample, "BytesThatAreNotUtf8StillGiveJson") {
  diagnostics[0].message = "bad \xff byte";
  CHECK(Report()["diagnostics"][0]["message"] == "bad \xEF\xBF\xBD byte");
  CHECK(Sarif()["runs"][0]["results"].size() == 2);
}

// The properties that the published schema (sarif-schema-2.1.0.json) requires of the objects that
// are written, and the bounds of their values.
void CheckMessage(const json& message) {
  REQUIRE(message.contains("text"));
  CHECK(message["text"].is_string());
  CHECK_FALSE(message["text"].get<std::string>().empty());
}
void CheckArtifact(const json& location) {
  REQUIRE(location["uri"].is_string());
  for (const char c : location["uri"].get<std::string>()) {
    const bool of_a_uri = (c > ' ' && c < '\x7F') &&
                          std::string_view("<>\"{}|\\^`").find(c) == std::string_view::npos;
    CHECK(of_a_uri);
  }
}
void CheckRegion(const json& region) {
  CHECK(region["startLine"].get<int>() >= 1);
  CHECK(region["startColumn"].get<int>() >= 1);
  CHECK(region["endLine"].get<int>() >= region["startLine"].get<int>());
  CHECK(region["endColumn"].get<int>() >= 1);
  CHECK(region["byteOffset"].get<int>() >= 0);
  CHECK(region["byteLength"].get<int>() >= 0);
}
void CheckLocation(const json& location) {
  CheckArtifact(location.at("physicalLocation").at("artifactLocation"));
  CheckRegion(location.at("physicalLocation").at("region"));
  if (location.contains("message")) CheckMessage(location["message"]);
}
void CheckResult(const json& result, const json& rules) {
  CheckMessage(result.at("message"));
  CHECK(std::set<std::string>{"none", "note", "warning", "error"}.count(result.at("level")) == 1);
  CHECK(rules.at(result.at("ruleIndex").get<size_t>()).at("id") == result.at("ruleId"));
  for (const json& location : result.at("locations")) CheckLocation(location);
  for (const json& location : result.value("relatedLocations", json::array())) {
    CheckLocation(location);
  }
  for (const json& fix : result.value("fixes", json::array())) {
    CheckMessage(fix.at("description"));
    CHECK_FALSE(fix.at("artifactChanges").empty());
    for (const json& change : fix["artifactChanges"]) {
      CheckArtifact(change.at("artifactLocation"));
      CHECK_FALSE(change.at("replacements").empty());
      for (const json& replacement : change["replacements"]) {
        CheckRegion(replacement.at("deletedRegion"));
        if (replacement.contains("insertedContent")) CheckMessage(replacement["insertedContent"]);
      }
    }
  }
}

TEST_CASE_FIXTURE(Sample, "SarifHasWhatItsSchemaRequires") {
  const json sarif = Sarif();
  CHECK(sarif.at("version") == "2.1.0");
  CHECK(sarif.at("$schema").get<std::string>().ends_with("sarif-schema-2.1.0.json"));
  REQUIRE(sarif.at("runs").size() == 1);
  const json& run = sarif["runs"][0];
  const json& driver = run.at("tool").at("driver");
  CHECK(driver.at("name") == "rescind");
  CHECK(driver.at("version") == "1.2.3");
  CHECK(run.at("columnKind") == "unicodeCodePoints");
  std::set<std::string> ids;
  for (const json& rule : driver.at("rules")) {
    CHECK(ids.insert(rule.at("id")).second);
    if (rule.contains("shortDescription")) CheckMessage(rule["shortDescription"]);
    if (rule.contains("help")) CheckMessage(rule["help"]);
  }
  for (const json& result : run.at("results")) CheckResult(result, driver["rules"]);
}

TEST_CASE_FIXTURE(Sample, "SarifSaysWhereAndHowToMendIt") {
  const json sarif = Sarif();
  const json& rule = sarif["runs"][0]["tool"]["driver"]["rules"][0];
  CHECK(rule["id"] == "E0110");
  CHECK(rule["shortDescription"]["text"] == "neither a number nor a duration");
  CHECK(rule["help"]["markdown"] == *DiagnosticPage("E0110"));
  CHECK(rule["defaultConfiguration"]["level"] == "error");
  const json& error = sarif["runs"][0]["results"][0];
  CHECK(error["message"]["text"] ==
        "that is \"wrong\"\nhere\nhelp: replace it\nhelp: or think\nhelp: or remove it");
  const json& place = error["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"] == "policies/a%20b.rescind");
  CHECK(place["artifactLocation"]["uriBaseId"] == "%SRCROOT%");
  CHECK(place["region"]["startColumn"] == 5);
  CHECK(place["region"]["endLine"] == 2);
  CHECK(error["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] ==
        "file:///srv/p/%C3%9F.rescind");
  CHECK(error["relatedLocations"][0]["message"]["text"] == "because of this");
  // A way out without edits is no fix; one over two files changes two artifacts; a removal
  // inserts nothing.
  REQUIRE(error["fixes"].size() == 2);
  CHECK(error["fixes"][0]["artifactChanges"].size() == 2);
  CHECK_FALSE(
      error["fixes"][1]["artifactChanges"][0]["replacements"][0].contains("insertedContent"));
  const json& warning = sarif["runs"][0]["results"][1];
  CHECK(warning["level"] == "warning");
  CHECK(warning["locations"].empty());
  CHECK_FALSE(sarif["runs"][0]["tool"]["driver"]["rules"][1].contains("help"));
}

}  // namespace
}  // namespace rescind

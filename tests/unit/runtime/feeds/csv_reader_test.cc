#include "runtime/feeds/csv_reader.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/unit/runtime/feeds/feed_fixture.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

const std::string kHeader = "id,status,name\n";

TEST_CASE("EveryTypeIsReadByItsField") {
  const Loaded loaded = LoadCsv(
      "id,name,status,manager,starts_on,seen_at,level,remote,shift,tags,floors,peers\n"
      "ann,Ann,active,bob,2026-04-01,2026-04-01T09:00+02:00,-7,TRUE,1h30m,a; b;,1;2,bob;cy\n");
  CHECK(loaded.bad.empty());
  CHECK(loaded.row("identity ann") ==
        "floors={1,2} level=-7 manager=->bob name=Ann peers={bob,cy} remote=true "
        "seen_at=2026-04-01T07:00:00Z shift=1h30m starts_on=2026-04-01 status=active tags={a,b}");
}

TEST_CASE("AnEmptyCellMakesAFieldUnknownAndASetEmpty") {
  const Loaded loaded = LoadCsv("id,name,level,tags\nann,,,\nbob,\"\",,\n");
  CHECK(loaded.row("identity ann") == "level=unknown name=unknown tags=unknown");
  CHECK(loaded.row("identity bob") == "level=unknown name=unknown tags=unknown");
}

TEST_CASE("ARequiredFieldCannotBeEmptied") {
  const Loaded loaded = LoadCsv(kHeader + "ann,,Ann\n");
  REQUIRE(loaded.bad.size() == 1);
  CHECK(loaded.bad[0] ==
        "f.csv:2:5: `status` = \"\": it cannot be unknown: it is declared as enum { active, "
        "on_leave, terminated }; give a value, or leave the field out to keep the old one");
}

TEST_CASE("QuotedCellsHoldDelimitersQuotesAndLineBreaks") {
  const Loaded loaded = LoadCsv(kHeader + "ann,active,\"A, \"\"B\"\"\r\nC\"\r\nbob,active,B");
  CHECK(loaded.bad.empty());
  CHECK(loaded.row("identity ann") == "name=A, \"B\"\r\nC status=active");
  CHECK(loaded.row("identity bob") == "name=B status=active");
}

TEST_CASE("ByteOrderMarkCarriageReturnsAndEmptyLinesDoNotMatter") {
  const Loaded loaded = LoadCsv("\xEF\xBB\xBF\r\nid,name\r\n\r\nann,Ann\r\n\n\r\n");
  CHECK(loaded.bad.empty());
  CHECK(loaded.rows.size() == 1);
  CHECK(loaded.row("identity ann") == "name=Ann");
}

TEST_CASE("ColumnsAreMappedIgnoredAndFilledIn") {
  FeedOptions options;
  options.map = {{"Employee No", "id"},
                 {"Full Name", "name"},
                 {"Changed", "@effective_at"},
                 {"Left", "@deleted"}};
  options.ignore = {"Salary"};
  options.set = {{"status", "active"}, {"tags", "hr;x"}};
  const Loaded loaded = LoadCsv(
      "Employee No,Full Name,Salary,Changed,Left\n"
      "7,Ann,100,2026-03-01T00:00Z,\n8,Bob,5,2026-03-02,true\n9,Cy,5,,false\n",
      options);
  CHECK(loaded.bad.empty());
  CHECK(loaded.row("identity 7") == "name=Ann status=active tags={hr,x} @2026-03-01T00:00:00Z");
  CHECK(loaded.row("identity 8") == "deleted @2026-03-02T00:00:00Z");
  CHECK(loaded.row("identity 9") == "name=Cy status=active tags={hr,x}");
}

TEST_CASE("AHeaderThatCannotBeUnderstoodIsRefusedWithEveryReason") {
  FeedOptions options;
  options.map = {{"nme", "name"}, {"Stat", "statsu"}};
  const Loaded loaded = LoadCsv("Id,name,name,Stat,accounts,,foo\nx\n", options);
  REQUIRE(loaded.error);
  const std::string& text = loaded.error->message;
  CHECK(text.find("f.csv:1:1: `Id`: identity has no field `Id`; did you mean `id`?; give --map "
                  "\"Id=FIELD\", or --ignore \"Id\"") != std::string::npos);
  CHECK(text.find("f.csv:1:9: `name`: the header names this column twice") != std::string::npos);
  CHECK(text.find("f.csv:1:14: `Stat`: identity has no field `statsu`; did you mean `status`?") !=
        std::string::npos);
  CHECK(text.find("`accounts` follows from `owner` of account") != std::string::npos);
  CHECK(text.find("names no column number 6") != std::string::npos);
  CHECK(text.find("`nme`: --map names a column that the header lacks; did you mean `name`?") !=
        std::string::npos);
}

// It was silent, while the column that was meant was read.
TEST_CASE("AnIgnoredColumnMustBeThere") {
  FeedOptions options;
  options.ignore = {"Salry"};
  const Loaded loaded = LoadCsv("id,name,Salary\n", options);
  REQUIRE(loaded.error);
  CHECK(loaded.error->message.find("f.csv:1: `Salry`: --ignore names a column that the header "
                                   "lacks; did you mean `Salary`?") != std::string::npos);
}

TEST_CASE("WithoutAColumnForTheIdNothingIsRead") {
  const Loaded loaded = LoadCsv("name,status\nAnn,active\n");
  REQUIRE(loaded.error);
  CHECK(loaded.error->message.find("--map COLUMN=id") != std::string::npos);
}

TEST_CASE("TwoColumnsForOneFieldAreRefused") {
  FeedOptions options;
  options.map = {{"Full Name", "name"}};
  const Loaded twice = LoadCsv("id,name,Full Name\n", options);
  REQUIRE(twice.error);
  CHECK(twice.error->message.find("it gives `name`, and so does `name`") != std::string::npos);
  FeedOptions constant;
  constant.set = {{"name", "x"}};
  // It said that `name` gives `name`, and so does `name`.
  const Loaded both = LoadCsv("id,name\n", constant);
  REQUIRE(both.error);
  CHECK(both.error->message ==
        "f.csv:1: `name`: the file gives `name` in this column, and --set gives it too; leave out "
        "--set \"name=…\", or give --ignore \"name\"");
  CHECK_FALSE(LoadCsv("id,level\n", constant).error);
}

TEST_CASE("AConstantThatDoesNotFitItsFieldIsRefusedAtOnce") {
  FeedOptions options;
  options.set = {{"status", "aktive"}, {"id", "x"}};
  const Loaded loaded = LoadCsv("id\nann\n", options);
  REQUIRE(loaded.error);
  CHECK(loaded.error->message.find("did you mean `active`?") != std::string::npos);
  CHECK(loaded.error->message.find("it differs from row to row") != std::string::npos);
}

TEST_CASE("AnotherDelimiterIsGuessedForTheMessageAndReadWhenGiven") {
  const std::string text = "id;name\nann;Ann\n";
  const Loaded guessed = LoadCsv(text);
  REQUIRE(guessed.error);
  CHECK(guessed.error->message.find("--delimiter ';'") != std::string::npos);
  FeedOptions options;
  options.delimiter = ';';
  CHECK(LoadCsv(text, options).row("identity ann") == "name=Ann");
}

TEST_CASE("BadLinesSayLineColumnFieldValueAndRemedy") {
  const Loaded loaded = LoadCsv(kHeader +
                                "ann,actve,Ann\n"
                                "bob,active\n"
                                "cy,active,5\" disk\n"
                                "dan,\"active\"x,D\n"
                                " eve,active,E\n"
                                ",active,F\n"
                                "ok,active,\"Zo\xC3\xAB\"\n"
                                "gus,\"é\n\",x\n"
                                "bad,active,\xFF\n");
  REQUIRE(loaded.bad.size() == 8);
  CHECK(loaded.bad[0] ==
        "f.csv:2:5: `status` = \"actve\": it is none of active, on_leave, terminated; did you mean "
        "`active`?");
  CHECK(loaded.bad[1].starts_with("f.csv:3: this line has 2 cells, the header 3"));
  CHECK(loaded.bad[2].starts_with("f.csv:4:12: a quote stands inside a cell"));
  CHECK(loaded.bad[3].starts_with("f.csv:5:13: a cell goes on after its closing quote"));
  CHECK(loaded.bad[4].starts_with("f.csv:6:1: `id` = \" eve\": an id neither begins"));
  CHECK(loaded.bad[5].starts_with("f.csv:7:1: `id` = \"\": an id cannot be empty"));
  CHECK(loaded.bad[6].starts_with("f.csv:9:5: `status` = \"é\\x0A\": it is none of"));
  CHECK(loaded.bad[7].starts_with("f.csv:11:12: the bytes from here on are not UTF-8"));
  CHECK(loaded.rows.size() == 1);
  CHECK(loaded.row("identity ok") == "name=Zoë status=active");
}

TEST_CASE("AnUnclosedQuoteCostsOneLine") {
  const Loaded loaded = LoadCsv(kHeader + "ann,active,\"Ann\nbob,active,Bob\ncy,active,Cy\n");
  REQUIRE(loaded.bad.size() == 1);
  CHECK(loaded.bad[0].starts_with("f.csv:2:12: the quote that opens here is never closed"));
  CHECK(loaded.rows.size() == 2);
}

// The line of the next quote was blamed, which may be the last of the file.
TEST_CASE("AQuoteThatSwallowsLinesIsReportedWhereItOpens") {
  const Loaded loaded = LoadCsv(kHeader + "ann,active,\"Ann\nbob,active,Bob\ncy,active,\"Cy\"\n");
  REQUIRE(loaded.bad.size() == 1);
  CHECK(loaded.bad[0] ==
        "f.csv:2:12: the quote that opens here is closed in line 4 only, where its cell goes on; "
        "close it, or double it and quote the whole cell");
  CHECK(loaded.rows.size() == 2);
}

TEST_CASE("LinesThatAreTooLongAreRefusedAndTheNextIsRead") {
  const std::string long_text(kMaxRecordBytes + 10, 'x');
  const Loaded plain =
      LoadCsv(kHeader + "ann,active," + long_text + "\nbob,active,Bob\n", {}, SkipBad(), 70'000);
  REQUIRE(plain.bad.size() == 1);
  CHECK(plain.bad[0].starts_with("f.csv:2: the line is longer than 1048576 bytes"));
  CHECK(plain.rows.size() == 1);
  // A quote that is closed only after that is not closed at all.
  std::string lines;
  for (int i = 0; i < 1'100; ++i) lines += "cy,active," + std::string(1'000, 'y') + "\n";
  const Loaded quoted = LoadCsv(kHeader + "ann,active,\"Ann\n" + lines + "\"\n");
  REQUIRE(quoted.bad.size() == 2);
  CHECK(quoted.bad[0].starts_with("f.csv:2:12: the quote that opens here is never closed"));
  CHECK(quoted.rows.size() == 1);
}

TEST_CASE("WhatIsNoUtf8TextIsNamed") {
  CHECK(LoadCsv("PK\x03\x04zzzz").error->message.find("office workbook") != std::string::npos);
  CHECK(LoadCsv("\x1F\x8Bzzzz").error->help.find("gunzip") != std::string::npos);
  CHECK(LoadCsv("\xFF\xFEi").error->message.find("UTF-16") != std::string::npos);
  CHECK(LoadCsv(std::string("id,na\0me\n", 9)).error->message.find("binary") != std::string::npos);
  const Loaded later = LoadCsv(kHeader + std::string(5000, '\n') + "a,active,x" + '\0' + "y\n");
  REQUIRE(later.bad.size() == 1);
  CHECK(later.bad[0].starts_with("f.csv:5002:11: a NUL byte"));
}

// An export that failed left an empty file, and as a snapshot it said that everybody had gone.
TEST_CASE("AnEmptyFileIsRefused") {
  for (const char* text : {"", "\n\r\n", "\xEF\xBB\xBF"}) {
    const Loaded loaded = LoadCsv(text);
    REQUIRE(loaded.error);
    CHECK(loaded.error->message == "f.csv is empty: not even a header");
    CHECK(loaded.error->help.find("the header alone") != std::string::npos);
  }
}

TEST_CASE("RequiredFieldsWithoutAColumnAreNoticed") {
  const Loaded loaded = LoadCsv("id,name\nann,Ann\n");
  REQUIRE(loaded.notices.size() == 1);
  CHECK(loaded.notices[0].find("does not give `status`") != std::string::npos);
  CHECK(LoadCsv(kHeader).notices.empty());
}

TEST_CASE("AnUnknownEntityIsRefusedWithASuggestion") {
  FeedOptions options;
  options.entity = "identiy";
  const Loaded loaded = LoadCsv(kHeader, options);
  REQUIRE(loaded.error);
  CHECK(loaded.error->message == "there is no entity `identiy`");
  CHECK(loaded.error->help == "did you mean `identity`?");
}

// What is written by the rules is read as it was, wherever reads end.
TEST_CASE("AnyTextSurvivesQuotingAndAnyReadSize") {
  std::mt19937_64 random(TestSeed());
  const std::vector<std::string> pieces = {"a", "\"", ",", "\n", "\r\n", "é", ";", " ", "€", "x"};
  for (int round = 0; round < 200; ++round) {
    const std::string end = random() % 2 == 0 ? "\n" : "\r\n";
    std::string text = "id,name" + end;
    PlainRows expected;
    const uint64_t row_count = random() % 20;
    for (uint64_t i = 0; i < row_count; ++i) {
      std::string name, quoted;
      for (uint64_t n = random() % 8; n > 0; --n) name += pieces[random() % pieces.size()];
      for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
      const bool needs_quotes = name.find_first_of("\",\r\n") != std::string::npos;
      const std::string cell = needs_quotes || random() % 2 == 0 ? "\"" + quoted + "\"" : quoted;
      text += fmt::format("r{},{}", i, cell);
      if (i + 1 < row_count || random() % 2 == 0) text += end;
      expected[fmt::format("identity r{}", i)] = "name=" + (name.empty() ? "unknown" : name);
    }
    CAPTURE(text);
    const Loaded loaded = LoadCsv(text, {}, SkipBad(), 1 + random() % 9);
    CHECK(loaded.bad.empty());
    CHECK(loaded.rows == expected);
  }
}

}  // namespace
}  // namespace rescind

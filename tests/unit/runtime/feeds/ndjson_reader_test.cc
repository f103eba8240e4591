#include "runtime/feeds/ndjson_reader.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "tests/unit/runtime/feeds/feed_fixture.h"
#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

TEST_CASE("NdjsonEveryTypeIsReadByItsField") {
  const Loaded loaded = LoadNdjson(
      R"({"entity":"identity","id":"ann","name":"A\"nn\u00e9","status":"active","manager":"bob",)"
      R"("starts_on":"2026-04-01","seen_at":"2026-04-01T09:00Z","level":-7,"remote":true,)"
      R"("shift":"90d","tags":["a","b"],"floors":[1,-2],"peers":[]})");
  CHECK(loaded.bad.empty());
  CHECK(loaded.row("identity ann") ==
        "floors={1,-2} level=-7 manager=->bob name=A\"nné peers={} remote=true "
        "seen_at=2026-04-01T09:00:00Z shift=90d starts_on=2026-04-01 status=active tags={a,b}");
}

TEST_CASE("OnlyWhatIsGivenChangesAndNullIsUnknown") {
  const Loaded loaded = LoadNdjson(
      "{\"entity\":\"identity\",\"id\":\"ann\",\"name\":null,\"tags\":null}\n"
      "{\"entity\":\"identity\",\"id\":\"bob\"}\n");
  CHECK(loaded.row("identity ann") == "name=unknown tags=unknown");
  CHECK(loaded.row("identity bob").empty());
}

TEST_CASE("EntityAndIdMayStandAnywhereAndTheEntityMayBeTheOption") {
  const Loaded anywhere =
      LoadNdjson(R"({"name":"Ann","level":3,"id":"ann","tags":["x"],"entity":"identity"})");
  CHECK(anywhere.row("identity ann") == "level=3 name=Ann tags={x}");
  FeedOptions options;
  options.entity = "identity";
  const Loaded option = LoadNdjson(
      "{\"id\":\"ann\",\"name\":\"Ann\"}\n{\"entity\":\"account\",\"id\":\"a\",\"owner\":\"ann\"}",
      options);
  CHECK(option.row("identity ann") == "name=Ann");
  CHECK(option.row("account a") == "owner=->ann");
}

TEST_CASE("RowsAreRemovedAndDated") {
  const Loaded loaded = LoadNdjson(
      "{\"entity\":\"identity\",\"id\":\"ann\",\"name\":\"A\",\"deleted\":true,"
      "\"effective_at\":\"2026-03-01T00:00Z\"}\n"
      "{\"entity\":\"identity\",\"id\":\"bob\",\"@deleted\":false,"
      "\"@effective_at\":\"2026-03-02\"}\n"
      // A field of that name wins; the mark with @ stays.
      "{\"entity\":\"account\",\"id\":\"a\",\"deleted\":true,\"owner\":\"x\"}\n"
      "{\"entity\":\"account\",\"id\":\"b\",\"@deleted\":true,\"owner\":\"x\"}\n");
  CHECK(loaded.bad.empty());
  CHECK(loaded.row("identity ann") == "deleted @2026-03-01T00:00:00Z");
  CHECK(loaded.row("identity bob") == "@2026-03-02T00:00:00Z");
  CHECK(loaded.row("account a") == "deleted=true owner=->x");
  CHECK(loaded.row("account b") == "deleted");
}

std::string Complaint(const std::string& line) {
  const Loaded loaded = LoadNdjson("\n" + line + "\n{\"entity\":\"identity\",\"id\":\"last\"}\n");
  // Whatever is wrong with a line, the next one is read.
  CHECK(loaded.rows.size() == 1);
  return loaded.bad.size() == 1 ? loaded.bad[0] : fmt::format("{} bad lines", loaded.bad.size());
}

#define CHECK_STARTS(text, start)     \
  do {                                \
    const std::string given = (text); \
    CAPTURE(given);                   \
    CHECK(given.starts_with(start));  \
  } while (false)

// Such an id looks like another one and names another row.
TEST_CASE("AnIdHoldsNothingThatIsNotSeenAndNoBlanksAroundIt") {
  const auto complaint = [](const std::string& id) {
    return Complaint(R"({"entity":"identity","id":")" + id + "\"}");
  };
  for (const char* id :
       {"a\u0080b", "a\u0085b", "a\u009b31mb", "a\u00adb", "a\u061cb", "ann\u200b", "a\u200fb",
        "a\u2028b", "\u202eann", "a\u2060b", "a\u2066b", "a\ufeffb", "\ufeffann", "a\U000e0041b",
        // Joiners and selectors that have nothing to shape.
        "a\u200cb", "\u200d\u0646", "\u0646\u200c", "\u0646\u200cb", "\u0646\u200c\u200c\u0646",
        "\u00e9\u200d\u00e9", "a\ufe0f", "\u2764\ufe0f\ufe0f"}) {
    CAPTURE(id);
    CHECK(complaint(id).find("an id holds nothing that is not seen") != std::string::npos);
  }
  CHECK(complaint("ann\u200b") ==
        "f.ndjson:2:22: `id` = \"ann\\u200B\": an id holds nothing that is not seen, and this one "
        "\\u200B (zero width space); remove it: with it, the id names another row");
  for (const char* blank :
       {" ", "\u00a0", "\u1680", "\u2000", "\u200a", "\u202f", "\u205f", "\u3000"}) {
    CAPTURE(blank);
    for (const std::string& id : {blank + std::string("ann"), std::string("ann") + blank}) {
      CHECK(complaint(id).find("neither begins nor ends with a blank") != std::string::npos);
    }
    CHECK(LoadNdjson(R"({"entity":"identity","id":"a)" + std::string(blank) + "b\"}").bad.empty());
  }
  for (const char* id :
       {"Zo\u00eb", "\u65e5\u672c", "\u0646\u200c\u0646", "\u0915\u094d\u200d\u0937",
        "\u2764\ufe0f", "\u2764\ufe0f\u200d\U0001f525"}) {
    CAPTURE(id);
    CHECK(LoadNdjson(R"({"entity":"identity","id":")" + std::string(id) + "\"}").bad.empty());
  }
  // So it is with ids that rows refer to.
  CHECK(Complaint("{\"entity\":\"identity\",\"id\":\"a\",\"manager\":\"b\u202e\"}")
            .find("an id holds nothing that is not seen") != std::string::npos);
}

TEST_CASE("EveryMistakeHasItsPlaceAndRemedy") {
  const std::string ann = R"({"entity":"identity","id":"ann",)";
  CHECK(Complaint(ann + R"("nmae":"x"})") ==
        "f.ndjson:2:33: `nmae`: identity has no field `nmae`; did you mean `name`?");
  CHECK(Complaint(ann + R"("status":"Active"})") ==
        "f.ndjson:2:33: `status` = \"Active\": it is none of active, on_leave, terminated; did you "
        "mean `active`?");
  CHECK_STARTS(Complaint(ann + R"("accounts":["x"]})"),
               "f.ndjson:2:33: `accounts`: `accounts` follows from `owner` of account");
  CHECK_STARTS(Complaint(ann + R"("status":null})"),
               "f.ndjson:2:33: `status` = \"null\": it cannot be unknown");
  CHECK_STARTS(Complaint(ann + R"("level":"7"})"),
               "f.ndjson:2:33: `level` = \"7\": a text cannot stand for int?; write a whole");
  CHECK_STARTS(Complaint(ann + R"("level":7.5})"),
               "f.ndjson:2:33: `level` = \"7.5\": it is no whole");
  CHECK_STARTS(Complaint(ann + R"("level":99999999999999999999})"), "f.ndjson:2:33: `level` = ");
  CHECK_STARTS(Complaint(ann + R"("level":-9223372036854775808})"), "f.ndjson:2:33: `level` = ");
  CHECK_STARTS(Complaint(ann + R"("remote":"true"})"),
               "f.ndjson:2:33: `remote` = \"true\": a text");
  CHECK_STARTS(Complaint(ann + R"("name":7})"), "f.ndjson:2:33: `name` = \"7\": a number cannot");
  CHECK_STARTS(Complaint(ann + R"("tags":"a;b"})"),
               "f.ndjson:2:33: `tags` = \"a;b\": a text cannot");
  CHECK_STARTS(Complaint(ann + R"("tags":["a",7]})"), "f.ndjson:2:33: `tags`: a member is no text");
  CHECK_STARTS(Complaint(ann + R"("floors":[1,"x"]})"), "f.ndjson:2:33: `floors`: a member is no");
  CHECK_STARTS(Complaint(ann + R"("peers":["a "]})"), "f.ndjson:2:33: `peers`: an id neither");
  CHECK_STARTS(Complaint(ann + R"("name":{"a":1}})"), "f.ndjson:2:33: `name`: an object cannot");
  CHECK_STARTS(Complaint(ann + R"("name":"a\u0000b"})"),
               "f.ndjson:2:33: `name` = \"a\\u0000b\": the text holds a NUL");
  CHECK(Complaint(ann + R"("seen_at":"2026-04-01T09:00"})") ==
        "f.ndjson:2:33: `seen_at` = \"2026-04-01T09:00\": a time needs its offset from UTC; write "
        "2026-04-01T09:00Z, or say how the feed writes it with --date-format");
  CHECK_STARTS(Complaint(ann + R"("seen_at":"2026-04-01"})"),
               "f.ndjson:2:33: `seen_at` = \"2026-04-01\": a time needs an hour");
  CHECK_STARTS(Complaint(ann + R"("starts_on":"2026-02-30"})"),
               "f.ndjson:2:33: `starts_on` = \"2026-02-30\": it is no date");
  CHECK_STARTS(Complaint(ann + R"("shift":"long"})"),
               "f.ndjson:2:33: `shift` = \"long\": it is no");
  CHECK_STARTS(Complaint(ann + R"("name":"a","name":"b"})"),
               "f.ndjson:2:44: `name`: it is given twice");
  CHECK_STARTS(Complaint(ann + R"("id":"bob"})"), "f.ndjson:2:33: `id`: it is given twice");
  CHECK_STARTS(Complaint(ann + R"("deleted":"yes"})"),
               "f.ndjson:2:33: `deleted` = \"yes\": it is n");
  CHECK_STARTS(Complaint(ann + R"("effective_at":7})"), "f.ndjson:2:33: `effective_at` = \"7\"");
  CHECK_STARTS(
      Complaint(R"({"entity":"idnetity","id":"a"})"),
      "f.ndjson:2:2: `entity` = \"idnetity\": there is no entity `idnetity`; did you mean");
  CHECK_STARTS(Complaint(R"({"entity":"identity"})"), "f.ndjson:2: `id`: the line names no row");
  CHECK_STARTS(Complaint(R"({"id":"a"})"), "f.ndjson:2: `entity`: the line does not say");
  CHECK_STARTS(Complaint(R"({"entity":"identity","id":7})"), "f.ndjson:2:22: `id`: it is no text");
}

TEST_CASE("MalformedJsonCostsOneLine") {
  const std::string ann = R"({"entity":"identity","id":"ann")";
  for (const std::string& line : {std::string("{"),
                                  std::string("}"),
                                  std::string("garbage"),
                                  std::string("7"),
                                  std::string("\"text\""),
                                  std::string("{}"),
                                  ann,
                                  ann + ",",
                                  ann + ",}",
                                  ann + ",\"name\"}",
                                  ann + ",\"name\":}",
                                  ann + ",\"name\":nul}",
                                  ann + ",\"remote\":tru}",
                                  ann + ",\"level\":1 2}",
                                  ann + ",\"level\":01}",
                                  ann + ",\"level\":1x}",
                                  ann + ",\"name\":\"a}",
                                  ann + ",\"tags\":[\"a\"}",
                                  ann + ",\"tags\":[\"a\",]}",
                                  ann + ",\"name\":\"\\q\"}",
                                  ann + ",\"name\":\"\\ud800\"}",
                                  ann + "}}",
                                  ann + "} {}",
                                  ann + "}x",
                                  ann + ",\"name\":\"\xFF\"}",
                                  ann + ",\"name\":\"tab\there\"}",
                                  ann + ",'name':1}",
                                  ann + ",name:1}",
                                  ann + ",\"name\":nullx}"}) {
    CAPTURE(line);
    const std::string complaint = Complaint(line);
    CAPTURE(complaint);
    CHECK(complaint.starts_with("f.ndjson:2:"));
  }
}

// The place once came from the line before, which lies elsewhere by then.
TEST_CASE("ALineThatCannotBeParsedAtAllHasNoColumn") {
  for (const size_t piece_bytes : {size_t{7}, SIZE_MAX}) {
    const Loaded loaded =
        LoadNdjson("{\"entity\":\"identity\",\"id\":\"a\"}\n\"open\n", {}, SkipBad(), piece_bytes);
    REQUIRE(loaded.bad.size() == 1);
    CHECK(loaded.bad[0].starts_with("f.ndjson:2: the line ends in the middle"));
  }
}

TEST_CASE("AFileThatWasCutOffIsRecognised") {
  const Loaded loaded = LoadNdjson("{\"entity\":\"identity\",\"id\":\"a\"}\n{\"entity\":\"ident");
  REQUIRE(loaded.bad.size() == 1);
  CHECK(loaded.bad[0].find("the file was cut off") != std::string::npos);
  // A last line that is whole needs no line break.
  CHECK(LoadNdjson("{\"entity\":\"identity\",\"id\":\"a\"}").rows.size() == 1);
}

TEST_CASE("AListAndPrettyPrintedObjectsGetTheirRemedy") {
  const Loaded list = LoadNdjson("\n [{\"entity\":\"identity\"}]");
  REQUIRE(list.error);
  CHECK(list.error->help.find("jq -c '.[]'") != std::string::npos);
  const Loaded later = LoadNdjson("{\"entity\":\"identity\",\"id\":\"a\"}\n[]\n");
  REQUIRE(later.bad.size() == 1);
  CHECK(later.bad[0].starts_with("f.ndjson:2:1: the line is no JSON object"));
  const Loaded pretty = LoadNdjson("{\n\"entity\":\"identity\"\n}\n");
  REQUIRE(pretty.bad.size() == 3);
  CHECK(pretty.bad[0].find("jq -c .") != std::string::npos);
}

TEST_CASE("ALineThatIsTooLongIsRefusedAndTheNextIsRead") {
  const std::string good = "{\"entity\":\"identity\",\"id\":\"last\"}\n";
  for (const size_t excess : {size_t{1}, size_t{3'000'000}}) {
    const std::string line = "{\"entity\":\"identity\",\"id\":\"a\",\"name\":\"" +
                             std::string(kMaxRecordBytes + excess, 'x') + "\"}\n";
    const Loaded loaded = LoadNdjson(line + good, {}, SkipBad(), 300'000);
    REQUIRE(loaded.bad.size() == 1);
    CHECK(loaded.bad[0].starts_with("f.ndjson:1: the line is longer than 1048576 bytes"));
    CHECK(loaded.rows.size() == 1);
  }
}

// Seven digits behind the point, as Azure AD writes them, were "no time", without the reason.
TEST_CASE("FinerThanAMicrosecondIsCutOff") {
  const auto seen = [](const std::string& time) {
    const Loaded loaded = LoadNdjson(R"({"entity":"identity","id":"a","seen_at":")" + time + "\"}");
    return loaded.bad.empty() ? loaded.row("identity a") : loaded.bad[0];
  };
  CHECK(seen("2026-04-01T09:00:00.1234567Z") == "seen_at=2026-04-01T09:00:00.123456Z");
  CHECK(seen("2026-04-01T09:00:00.999999999+02:00") == "seen_at=2026-04-01T07:00:00.999999Z");
  CHECK(seen("1969-12-31T23:59:59.9999999Z") == "seen_at=1969-12-31T23:59:59.999999Z");
  CHECK(seen("2026-04-01T09:00:00.1234567").find("a time needs its offset") != std::string::npos);
  CHECK(seen("2026-04-01T09:00:00.1234567891Z")
            .find("a second has at most 9 digits behind the "
                  "point") != std::string::npos);
  CHECK(seen("2026-04-01T09:00.1234567Z").find("it is no time") != std::string::npos);
  CHECK(seen("2026-04-01T09:00:00.1234567xZ").find("it is no time") != std::string::npos);
}

TEST_CASE("NulBytesBomAndEmptyFiles") {
  CHECK(LoadNdjson(std::string("\0\0", 2)).error);
  const Loaded bom = LoadNdjson("\xEF\xBB\xBF{\"entity\":\"identity\",\"id\":\"a\"}\r\n\r\n");
  CHECK(bom.rows.size() == 1);
  CHECK(bom.bad.empty());
  for (const char* text : {"", "\xEF\xBB\xBF"}) {
    const Loaded empty = LoadNdjson(text);
    REQUIRE(empty.error);
    CHECK(empty.error->message == "f.ndjson is empty");
    CHECK(empty.error->help.find("one empty line") != std::string::npos);
  }
  CHECK_FALSE(LoadNdjson("\n").error);
}

// nlohmann writes what simdjson reads, escapes and all, wherever reads end.
TEST_CASE("AnyTextSurvivesJsonAndAnyReadSize") {
  std::mt19937_64 random(TestSeed());
  const std::vector<std::string> pieces = {"a", "\"", "\\", "\n", "\x01", "é", "😀", "/", "\t", ""};
  for (int round = 0; round < 100; ++round) {
    std::string text;
    PlainRows expected;
    for (uint64_t i = random() % 12; i > 0; --i) {
      std::string name;
      for (uint64_t n = random() % 8; n > 0; --n) name += pieces[random() % pieces.size()];
      nlohmann::ordered_json json;
      const bool early = random() % 2 == 0;
      if (early) json["entity"] = "identity";
      json["name"] = name;
      json["id"] = fmt::format("r{}", i);
      if (!early) json["entity"] = "identity";
      text += json.dump(-1, ' ', random() % 2 == 0) + (random() % 2 == 0 ? "\r\n" : "\n");
      expected[fmt::format("identity r{}", i)] = "name=" + name;
    }
    CAPTURE(text);
    const Loaded loaded = LoadNdjson(text, {}, SkipBad(), 1 + random() % 30);
    CHECK(loaded.bad.empty());
    CHECK(loaded.rows == expected);
  }
}

}  // namespace
}  // namespace rescind

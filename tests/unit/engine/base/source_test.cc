#include "engine/base/source.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/unit/test_seed.h"

namespace rescind {
namespace {

SourceFile File(std::string text) { return SourceFile("a.rescind", std::move(text)); }

TEST_CASE("ATabIsOneColumn") {
  const SourceFile file = File("\t\tx\n");
  CHECK(file.Locate(2) == LineColumn{1, 3});
}

TEST_CASE("AWideCharacterIsOneColumn") {
  const SourceFile file = File("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x94\x92x");  // ä € lock x
  CHECK(file.Locate(2) == LineColumn{1, 2});
  CHECK(file.Locate(5) == LineColumn{1, 3});
  CHECK(file.Locate(9) == LineColumn{1, 4});
}

TEST_CASE("CrlfEndsALineAndIsNotPartOfIt") {
  const SourceFile file = File("one\r\ntwo\r\n");
  CHECK(file.line_count() == 3);
  CHECK(file.Line(1) == "one");
  CHECK(file.Line(2) == "two");
  CHECK(file.Line(3) == "");
  CHECK(file.Locate(5) == LineColumn{2, 1});
  CHECK(file.LineStart(2) == 5);
}

TEST_CASE("AByteOrderMarkIsKeptInTheText") {
  // Offsets must fit the bytes on disk, so that an editor's fix lands where it should.
  const SourceFile file = File("\xEF\xBB\xBFx\n");
  CHECK(file.text().size() == 5);
  CHECK(file.Locate(0) == LineColumn{1, 1});
}

TEST_CASE("TheEndOfTheFileHasAPlace") {
  CHECK(File("").Locate(0) == LineColumn{1, 1});
  CHECK(File("").line_count() == 1);
  CHECK(File("a\n").Locate(2) == LineColumn{2, 1});
  CHECK(File("ab").Locate(2) == LineColumn{1, 3});
  CHECK(File("ab").Locate(1000) == LineColumn{1, 3});  // beyond it: the end
}

TEST_CASE("BrokenUtf8IsLocatedAllTheSame") {
  const SourceFile file = File("\x80\xFF\xC3\n\xBF");
  for (uint32_t offset = 0; offset <= 5; ++offset) {
    const LineColumn place = file.Locate(offset);
    CHECK(place.line >= 1);
    CHECK(place.column >= 1);
  }
}

// Walking the text character by character must give what Locate computes from its table.
TEST_CASE("LocateAgreesWithCounting") {
  std::mt19937_64 random(TestSeed());
  const std::vector<std::string> pieces = {"a", "\t", "\n", "\r\n", "\xC3\xA4", "\xF0\x9F\x94\x92"};
  for (int round = 0; round < 100; ++round) {
    std::string text;
    std::vector<LineColumn> expected;
    LineColumn place;
    for (int count = 0; count < 40; ++count) {
      const std::string& piece = pieces[random() % pieces.size()];
      for (size_t i = 0; i < piece.size(); ++i) {
        const bool is_start = (static_cast<unsigned char>(piece[i]) & 0xC0) != 0x80;
        if (is_start) expected.push_back(place);
        if (is_start) ++place.column;
        if (!is_start) expected.push_back(place);
        if (piece[i] == '\n') place = {place.line + 1, 1};
      }
      text += piece;
    }
    const SourceFile file = File(text);
    for (uint32_t offset = 0; offset < text.size(); ++offset) {
      const bool is_start = (static_cast<unsigned char>(text[offset]) & 0xC0) != 0x80;
      if (!is_start) continue;
      CAPTURE(text);
      CAPTURE(offset);
      REQUIRE(file.Locate(offset) == expected[offset]);
    }
  }
}

TEST_CASE("ASpanFindsItsText") {
  SourceMap sources;
  const FileId first = sources.Add("a.rescind", "policy a");
  const FileId second = sources.Add("b.rescind", "policy b");
  CHECK(sources.Text({second, 7, 8}) == "b");
  CHECK(sources.Text({first, 0, 6}) == "policy");
  CHECK(sources.Text({first, 8, 8}).empty());
  CHECK(sources.Get(second).name() == "b.rescind");
  CHECK(Cover({first, 0, 2}, {first, 5, 8}) == Span{first, 0, 8});
  CHECK_FALSE(Span{}.valid());
}

}  // namespace
}  // namespace rescind

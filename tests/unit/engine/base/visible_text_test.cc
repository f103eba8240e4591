#include "engine/base/visible_text.h"

#include <doctest/doctest.h>

namespace rescind {
namespace {

TEST_CASE("WhatAScreenWouldHideOrObeyShowsAsItsNumber") {
  CHECK(Visible("plain, Zoë, 日本, 😀") == "plain, Zoë, 日本, 😀");
  CHECK(Visible("a\x1b[31mb\r\n\t\x7f") == "a\\x1B[31mb\\x0D\\x0A\\x09\\x7F");
  CHECK(Visible("\u0085\u009b\u00a0") == "\\u0085\\u009B\u00a0");
  CHECK(Visible("ann\u202enna\u202c") == "ann\\u202Enna\\u202C");
  CHECK(Visible("\u061c\u200e\u200f\u2028\u2029\u2066\u2069") ==
        "\\u061C\\u200E\\u200F\\u2028\\u2029\\u2066\\u2069");
  // Their neighbours are letters and blanks like any other.
  CHECK(Visible("\u061b\u061d\u2010\u2027\ufffc") == "\u061b\u061d\u2010\u2027\ufffc");
  // A byte that is no UTF-8 shows as its number, and what follows is looked at.
  CHECK(Visible("\x9B"
                "31m") == "\\x9B31m");
  CHECK(Visible("\xE2\x80") == "\\xE2\\x80");
  CHECK(Visible("\xE2\x1b\xD8") == "\\xE2\\x1B\\xD8");
  CHECK(Visible("\xE2\x80n") == "\\xE2\\x80n");
  CHECK(Visible("\uFFFD") == "\uFFFD");
  CHECK(Visible("") == "");
}

// A text with a zero width space looked like the one without it, and nothing told them apart.
TEST_CASE("WhatHasNoShapeShowsAsItsNumber") {
  CHECK(Visible("vip\u200b") == "vip\\u200B");
  CHECK(Visible("\u00ad\u034f\u115f\u1160\u17b4\u180b\u180e\u180f\u200c\u200d") ==
        "\\u00AD\\u034F\\u115F\\u1160\\u17B4\\u180B\\u180E\\u180F\\u200C\\u200D");
  CHECK(Visible("\u2060\u2064\u2065\u206a\u2800\u3164\ufe00\ufe0f\ufeff\uffa0") ==
        "\\u2060\\u2064\\u2065\\u206A\\u2800\\u3164\\uFE00\\uFE0F\\uFEFF\\uFFA0");
  CHECK(Visible("\U0001d173\U000e0041\U000e0fff") == "\\u{1D173}\\u{E0041}\\u{E0FFF}");
  // Blanks are seen, and names hold them.
  CHECK(Visible("\u00a0\u1680\u2000\u202f\u205f\u3000") == "\u00a0\u1680\u2000\u202f\u205f\u3000");
  // Four bytes that are cut off.
  CHECK(Visible("\xF3\xA0\x81") == "\\xF3\\xA0\\x81");
}

TEST_CASE("JsonShowsHiddenMarksAsEscapesAndMeansTheSame") {
  CHECK(VisibleJson("{\"a\": \"Zo\u00eb \u65e5\"}\n") == "{\"a\": \"Zo\u00eb \u65e5\"}\n");
  CHECK(VisibleJson("[\"\x7f\u0085\u009b31m\u202e\u2066\u061c\u200b\"]") ==
        "[\"\\u007F\\u0085\\u009B31m\\u202E\\u2066\\u061C\\u200B\"]");
  CHECK(VisibleJson("[\"\U000e0041\"]") == "[\"\\uDB40\\uDC41\"]");
  CHECK(VisibleJson("[\"\u00a0\u3000\"]") == "[\"\u00a0\u3000\"]");
}

TEST_CASE("EveryHiddenMarkHasANameAndTheirNeighboursAreSeen") {
  size_t count = 0;
  size_t blank_count = 0;
  for (uint32_t code = 0; code < 0x110000; ++code) {
    blank_count += IsOddBlank(code) ? 1 : 0;
    if (!IsHiddenMark(code)) continue;
    ++count;
    CHECK_FALSE(HiddenMarkName(code).empty());
  }
  CHECK(count == 4258);
  CHECK(blank_count == 16);
  for (const uint32_t seen : {0x09u, 0x0Au, 0x0Du, 0x20u, 0x7Eu, 0xA1u, 0xACu, 0xAEu, 0x180Au,
                              0x2010u, 0x2070u, 0x3001u, 0xFE10u, 0xFFFCu, 0xFFFDu, 0xE1000u}) {
    CHECK_FALSE(IsHiddenMark(seen));
  }
}

TEST_CASE("HiddenMarksAreFoundOneAfterTheOther") {
  const std::string_view text = "a\u00e2\u202eb\u061c";
  const HiddenMark first = FindHiddenMark(text);
  CHECK(first.begin == 3);
  CHECK(first.end == 6);
  CHECK(first.code_point == 0x202E);
  CHECK(HiddenMarkName(first.code_point) == "right-to-left override");
  const HiddenMark second = FindHiddenMark(text, first.end);
  CHECK(text.substr(second.begin, second.end - second.begin) == "\u061c");
  CHECK(FindHiddenMark(text, second.end).begin == std::string_view::npos);
  const HiddenMark wide = FindHiddenMark("\xF3\xA0 \U000e0001");
  CHECK(wide.begin == 3);
  CHECK(wide.end == 7);
  CHECK(wide.code_point == 0xE0001);
}

}  // namespace
}  // namespace rescind

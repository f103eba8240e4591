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
  CHECK(Visible("\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a") ==
        "\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a");
  // Broken UTF-8 stays as it is, and what follows is looked at.
  CHECK(Visible("\xE2\x80") == "\xE2\x80");
  CHECK(Visible("\xE2\x1b\xD8") == "\xE2\\x1B\xD8");
  CHECK(Visible("\xE2\x80n") == "\xE2\x80n");
  CHECK(Visible("") == "");
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
}

}  // namespace
}  // namespace rescind

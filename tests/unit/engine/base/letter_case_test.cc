#include "engine/base/letter_case.h"

#include <doctest/doctest.h>

namespace rescind {
namespace {

TEST_CASE("lower case follows Unicode's simple mapping, one character to one") {
  CHECK(LowerCase("ABC-xyz 09") == "abc-xyz 09");
  CHECK(LowerCase("\xC3\x84\xC3\x96\xC3\x9C\xC3\x9F") == "\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F");
  CHECK(LowerCase("\xCE\xA3") == "\xCF\x83");                  // capital sigma
  CHECK(LowerCase("\xC4\xB0") == "i");                         // I with a dot, without its dot
  CHECK(LowerCase("\xC8\xBA") == "\xE2\xB1\xA5");              // grows by a byte
  CHECK(LowerCase("\xF0\x90\x90\x80") == "\xF0\x90\x90\xA8");  // Deseret, four bytes
  CHECK(LowerCase("\xC4\x80\xC4\x81") == "\xC4\x81\xC4\x81");  // alternating capitals
}

TEST_CASE("bytes that are no UTF-8 stay as they are") {
  CHECK(LowerCase("\xFF"
                  "A\xC3") ==
        "\xFF"
        "a\xC3");
  CHECK(LowerCase("") == "");
}

}  // namespace
}  // namespace rescind

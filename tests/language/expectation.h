// What a case says about its own diagnostics, independent of how they are rendered.
//
// A line `//~ E0116 "odler" help "did you mean"` in a *.rescind asserts one diagnostic: its code,
// the text that it underlines, and a part of one of its helps (`help …` may be left out, and given
// more than once). Together the lines must name all diagnostics of the file, in order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostic.h"

namespace rescind::testing {

struct Expectation {
  std::string code;
  std::string underlined;
  std::vector<std::string> helps;
};

std::vector<Expectation> ReadExpectations(std::string_view source);

void CheckExpectations(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics,
                       const std::vector<Expectation>& expected, const std::string& name);

// Every span and every edit lies in its file, and no word of the machinery shows.
void CheckWellFormed(const SourceMap& sources, const std::vector<Diagnostic>& diagnostics);

}  // namespace rescind::testing

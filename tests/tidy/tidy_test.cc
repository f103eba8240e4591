// The checker catches what it says it catches, and the repository passes it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/tidy/code_text.h"
#include "tests/tidy/file_check.h"
#include "tests/tidy/tree_check.h"

namespace rescind::tidy {
namespace {

std::string Repeat(std::string_view text, size_t count) {
  std::string repeated;
  for (size_t i = 0; i < count; ++i) repeated += text;
  return repeated;
}

// "rule:line" of every finding.
std::vector<std::string> Found(const std::string& path, std::string_view text) {
  std::vector<std::string> found;
  for (const TidyFinding& finding : CheckFile(path, text)) {
    found.push_back(fmt::format("{}:{}", finding.rule, finding.line));
  }
  return found;
}

using Strings = std::vector<std::string>;

constexpr std::string_view kGoodHeader = "// Row: one.\n#pragma once\nint f();\n";

TEST_CASE("AGoodFileHasNoFindings") {
  CHECK(Found("engine/eval/row.h", kGoodHeader).empty());
  CHECK(Found("engine/eval/row.cc", "#include \"engine/ir/program.h\"\nint f() { return 1; }\n")
            .empty());
}

TEST_CASE("IncludesAgainstTheTableAreFound") {
  CHECK(Found("engine/eval/x.cc", "\n#include \"engine/syntax/ast.h\"\n") ==
        Strings{"include-table:2"});
  CHECK(Found("engine/base/x.cc", "#include \"engine/facts/schema.h\"\n") ==
        Strings{"include-table:1"});
  CHECK(Found("runtime/executors/x.cc", "#include \"runtime/plan/plan.h\"\n") ==
        Strings{"include-table:1"});
  CHECK(Found("runtime/executors/x.cc", "#include \"runtime/plan/action.h\"\n").empty());
  CHECK(Found("engine/base/x.cc", "#include \"tests/unit/test_seed.h\"\n") ==
        Strings{"include-table:1"});
  CHECK(Found("runtime/brandnew/x.cc", "#include \"engine/base/result.h\"\n") ==
        Strings{"include-table:1"});
  CHECK(Found("runtime/service/x.cc", "#include \"engine/syntax/ast.h\"\n").empty());
}

TEST_CASE("LibrariesOutsideTheirPlaceAreFound") {
  CHECK(Found("engine/facts/x.cc", "#include <rocksdb/db.h>\n") == Strings{"confinement:1"});
  CHECK(Found("runtime/store/x.cc", "#include <rocksdb/db.h>\n").empty());
  CHECK(Found("engine/facts/x.cc", "#include <thread>\n") == Strings{"confinement:1"});
  CHECK(Found("engine/syntax/ast.cc", "#include <antlr4-runtime.h>\n") == Strings{"confinement:1"});
  CHECK(Found("engine/syntax/parser.cc", "#include <antlr4-runtime.h>\n").empty());
  CHECK(Found("engine/syntax/parser.cc", "#include \"RescindParserVisitor.h\"\n").empty());
}

TEST_CASE("ClocksInTheEngineAreFoundButNotInComments") {
  const std::string line = "auto t = std::chrono::system_clock::now();\n";
  CHECK(Found("engine/eval/x.cc", line) == Strings{"clock:1"});
  CHECK(Found("runtime/env/clock.cc", line).empty());
  CHECK(Found("engine/eval/x.cc", "// never system_clock\n").empty());
}

TEST_CASE("SizesAreCountedExactly") {
  CHECK(Found("engine/eval/x.cc", Repeat("int a;\n", 600)).empty());
  CHECK(Found("engine/eval/x.cc", Repeat("int a;\n", 601)) == Strings{"file-size:0"});
  CHECK(Found("engine/eval/x.cc", "//" + Repeat("x", 98) + "\n").empty());
  CHECK(Found("engine/eval/x.cc", "//" + Repeat("x", 99) + "\n") == Strings{"line-width:1"});
  CHECK(Found("engine/eval/x.cc", "//" + Repeat("\xC3\xA4", 98) + "\n").empty());
  CHECK(Found("README.md", Repeat("x", 300)).empty());
  const std::string body = Repeat("  Call();\n", 68);
  CHECK(Found("engine/eval/x.cc", "void f() {\n" + body + "}\n").empty());
  CHECK(Found("engine/eval/x.cc", "\nvoid f() {\n  Call();\n" + body + "}\n") ==
        Strings{"function-size:2"});
}

TEST_CASE("FunctionsAreFoundWhereTheyAre") {
  const auto extents = [](std::string_view text) {
    std::vector<std::string> found;
    for (const FunctionExtent& extent : FindFunctions(SplitCode(text).code)) {
      found.push_back(fmt::format("{}+{}", extent.first_line, extent.line_count));
    }
    return found;
  };
  CHECK(extents("namespace a {\nclass B : public C<D()> {\n void f() {\n }\n};\n}\n") ==
        Strings{"3+2"});
  CHECK(extents("int a[] = {\n1, 2};\nint f(int x,\n      int y) {\n return x; }\n") ==
        Strings{"3+3"});
  CHECK(extents("struct A {\n int x = 0;\n A() : x(1) {}\n};\n") == Strings{"3+1"});
  CHECK(extents("TEST_CASE(\"}{\") {\n const char c = '{';\n auto r = R\"({{)\";\n}\n") ==
        Strings{"1+4"});
  CHECK(extents("void f() { // }\n if (a) {\n }\n /* } */\n}\n") == Strings{"1+5"});
  CHECK(extents("#define X(a) { \\\n a\nint n = 1'000'000;\nvoid g() {\n}\n") == Strings{"4+2"});
}

TEST_CASE("HeadersNeedAnOpeningAndAGuard") {
  CHECK(Found("engine/eval/x.h", "#pragma once\n") == Strings{"header-opening:1"});
  CHECK(Found("engine/eval/x.h", "// X: one.\n") == Strings{"pragma-once:1"});
}

TEST_CASE("NamesThatSayNothingAreFound") {
  CHECK(Found("engine/eval/text_utils.cc", "") == Strings{"file-name:0"});
  CHECK(Found("runtime/store/manager.h", kGoodHeader) == Strings{"file-name:0"});
  CHECK(Found("engine/eval/commonality.cc", "").empty());
}

TEST_CASE("LooseEndsAreFound") {
  CHECK(Found("engine/eval/x.cc", "// TODO: later\n") == Strings{"todo:1"});
  CHECK(Found("engine/eval/x.cc", "// TODO(#12): later\n").empty());
  CHECK(Found("engine/eval/x.cc", "const char* a = \"TODO\";\n").empty());
  CHECK(Found("engine/eval/x.cc", "  // Close(file);\n") == Strings{"dead-code:1"});
  CHECK(Found("engine/eval/x.cc", "  // count = 5;\n") == Strings{"dead-code:1"});
  CHECK(Found("engine/eval/x.cc", "// It ends here; and then it begins again;\n").empty());
  CHECK(Found("engine/eval/x.cc", "//   Add(row);   an example\n//   Add(row);\n").empty());
}

TEST_CASE("PathsOfOneMachineAreFoundInEveryFile") {
  CHECK(Found("README.md", "see /home/ann/rescind\n") == Strings{"machine-path:1"});
  CHECK(Found("dev", "cd /work/x\n") == Strings{"machine-path:1"});
}

TEST_CASE("TheTreeShowsDeadFilesAndMissingReadmes") {
  const SourceTree tree = {
      {"engine/README.md", ""},
      {"engine/eval/used.h", std::string(kGoodHeader)},
      {"engine/eval/dead.h", std::string(kGoodHeader)},
      {"engine/eval/used.cc", "#include \"engine/eval/used.h\"\n"},
      {"engine/eval/dead.cc", ""},
  };
  const auto findings = CheckTree(tree, "/x/engine/eval/used.cc\n");
  std::vector<std::string> found;
  for (const TidyFinding& finding : findings) found.push_back(finding.rule + " " + finding.path);
  CHECK(found == Strings{"dead-file engine/eval/dead.cc", "dead-file engine/eval/dead.h",
                         "readme engine/eval/README.md"});
}

TEST_CASE("ExceptionsExcuseExactlyWhatTheyName") {
  const std::vector<TidyFinding> findings = {{"todo", "a.cc", 3, ""}, {"todo", "b.cc", 1, ""}};
  const auto left = Excuse(findings, "# why\n\ntodo a.cc generated elsewhere\n");
  REQUIRE(left.size() == 1);
  CHECK(left[0].path == "b.cc");
  const auto stale = Excuse({}, "todo a.cc reason\n");
  REQUIRE(stale.size() == 1);
  CHECK(stale[0].rule == "exception");
  const auto unreasoned = Excuse({findings[0]}, "todo a.cc\n");
  REQUIRE(unreasoned.size() == 1);
  CHECK(unreasoned[0].message == "an exception needs a reason");
}

std::string ReadText(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE_MESSAGE(stream.good(), "cannot read " << path);
  return std::string((std::istreambuf_iterator<char>(stream)), {});
}

TEST_CASE("TheHouseIsTidy") {
  const auto tree = ReadTree(".");
  REQUIRE(tree.ok());
  REQUIRE(tree->size() > 50);  // run from the repository's root
  const auto findings = Excuse(CheckTree(*tree, ReadText(RESCIND_BUILD_FOLDER "/built_files.txt")),
                               ReadText("tests/tidy/exceptions.txt"));
  for (const TidyFinding& finding : findings) {
    const std::string place =
        finding.line == 0 ? finding.path : fmt::format("{}:{}", finding.path, finding.line);
    FAIL_CHECK(fmt::format("{}: [{}] {}", place, finding.rule, finding.message));
  }
}

}  // namespace
}  // namespace rescind::tidy

// Small sources must not become large programs: what people write by the thousand stays linear,
// and what would double with every line is refused with a reason.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "engine/check/program.h"
#include "engine/compile/compile.h"

namespace rescind::compile {
namespace {

constexpr int kTerms = 10'000;

struct Outcome {
  std::unique_ptr<typed::Program> program;
  std::vector<std::string> errors;  // codes

  size_t CompiledNodes() const {
    REQUIRE(program != nullptr);
    return Compile(*program).nodes.size();
  }
};

Outcome CheckSource(const std::string& text) {
  SourceMap sources;
  DiagnosticSink sink;
  Outcome outcome;
  outcome.program =
      ParseAndCheck(sources, {sources.Add("policies/large.rescind", text)}, CheckOptions(), sink);
  for (const Diagnostic& diagnostic : sink.items()) {
    if (diagnostic.severity() == DiagnosticSeverity::kError) {
      outcome.errors.emplace_back(diagnostic.code.text);
    }
  }
  return outcome;
}

Outcome CheckWhen(const std::string& when, const std::string& before = "",
                  const std::string& lets = "") {
  return CheckSource(before + "policy p \"P\" {\n  controls c \"1\"\n  for a in account\n" + lets +
                     "  when " + when + "\n  then { notify \"iam\" }\n}\n");
}

// The pattern with each number put in, joined.
std::string Repeated(const std::string& pattern, const std::string& between, int count) {
  std::vector<std::string> parts;
  for (int i = 0; i < count; ++i) parts.push_back(fmt::format(fmt::runtime(pattern), i));
  return fmt::format("{}", fmt::join(parts, between));
}

// `let l0 = …` and more lets that follow from the one before.
std::string Lets(const std::string& first, const std::string& next, int count) {
  std::string lets = "  let l0 = " + first + "\n";
  for (int i = 1; i < count; ++i) {
    lets += fmt::format("  let l{} = ", i) +
            fmt::format(fmt::runtime(next), fmt::arg("before", fmt::format("l{}", i - 1)),
                        fmt::arg("number", i)) +
            "\n";
  }
  return lets;
}

using Codes = std::vector<std::string>;

TEST_CASE("LongChainsGrowWithTheirLength") {
  for (const std::string word : {"\n and ", "\n or "}) {
    CHECK(CheckWhen(Repeated("a.username == \"t{}\"", word, kTerms)).CompiledNodes() <
          3 * kTerms + 100);
  }
  const std::string pairs =
      Repeated("(a.username == \"t{0}\" and not (a.privileged or a.username == \"u{0}\"))",
               "\n or ", kTerms / 2);
  CHECK(CheckWhen(pairs).CompiledNodes() < 4 * kTerms);
  const std::string days =
      Repeated("(a.ends_on ?? 2026-01-01) < today - {} days", "\n or ", kTerms);
  CHECK(CheckWhen(days).CompiledNodes() < 3 * kTerms);
  const std::string quantifiers =
      Repeated("any(g in a.grants where g.entitlement.name == \"e{}\")", "\n or ", kTerms);
  CHECK(CheckWhen(quantifiers).CompiledNodes() < 5 * kTerms);
}

TEST_CASE("LongSetsAreOneNode") {
  const std::string items = Repeated("\"t{}\"", ", ", 10 * kTerms);
  CHECK(CheckWhen("a.username in { " + items + " }").CompiledNodes() < 10);
  CHECK(CheckWhen("a.username in big", "list big of text = { " + items + " }\n").CompiledNodes() <
        10);
}

TEST_CASE("LetsInARowAreNodesInARow") {
  const std::string lets = Lets("a.privileged", "{before} or a.username == \"b{number}\"", 200);
  CHECK(CheckWhen("l199", "", lets).CompiledNodes() < 1000);
  const std::string apart = Repeated("  let l{0} = a.username != \"b{0}\"\n", "", 2000);
  CHECK(CheckWhen(Repeated("l{}", " and ", 2000), "", apart).CompiledNodes() < 10'000);
}

// The symptom: sixty short lets took all memory there was.
TEST_CASE("LetsThatDoubleAreRefused") {
  CHECK(
      CheckWhen("l60 > 5", "", Lets("count(s in a.sessions)", "{before} + {before}", 61)).errors ==
      Codes{"E0219"});
  CHECK(CheckWhen("l60", "",
                  Lets("a.privileged",
                       "({before} and a.username != \"{number}\") or "
                       "({before} and a.username == \"b{number}\")",
                       61))
            .errors == Codes{"E0219"});
  // A chain that is deeper than anybody reads, and than the stack is.
  CHECK(CheckWhen("l9999 > 5", "", Lets("count(s in a.sessions)", "{before} + 1", kTerms)).errors ==
        Codes{"E0219"});
}

std::string MovingChoices(int count) {
  return "(a.created_at ?? now)" +
         Repeated(" + ((a.last_login ?? now) - 2026-01-01T00:00:{:02}Z)", "", count);
}

// The symptom: a comparison with n choices around `now` became 2^n, whatever n was.
TEST_CASE("ComparisonsOfManyChoicesAroundNowAreRefused") {
  CHECK(CheckWhen(MovingChoices(9) + " older than 5d").CompiledNodes() < 20'000);
  CHECK(CheckWhen(MovingChoices(10) + " older than 5d").errors == Codes{"E0219"});
  CHECK(CheckWhen(MovingChoices(50) + " has passed").errors == Codes{"E0219"});
  CHECK(CheckWhen(MovingChoices(5) + " < " + MovingChoices(5)).errors == Codes{"E0219"});
  // A chain of choices in one place only adds.
  const std::string chain = Repeated("a.last_login", " ?? ", 100) + " ?? now";
  CHECK(CheckWhen("(" + chain + ") older than 5d").CompiledNodes() < 1000);
}

// Each condition of a `latest` that is taken apart is lowered several times over.
TEST_CASE("LatestInsideLatestIsRefusedWhenItGrows") {
  const auto nested = [](int count) {
    std::string text = "a.privileged";
    for (int i = 0; i < count; ++i) {
      text = fmt::format(
          "(latest(s{0}.expires_at for s{0} in a.sessions where {1} and s{0}.expires_at is known "
          "and s{0}.expires_at has passed) ?? now) older than 5d",
          i, text);
    }
    return text;
  };
  CHECK(CheckWhen(nested(3)).CompiledNodes() < 5000);
  CHECK(CheckWhen(nested(12)).errors == Codes{"E0219"});
  CHECK(CheckWhen(nested(20)).errors == Codes{"E0219"});
}

TEST_CASE("DeepNestingIsRefused") {
  const auto around = [](const std::string& open, const std::string& close, int count) {
    std::string text = "a.privileged";
    for (int i = 0; i < count; ++i) text = open + text + close;
    return CheckWhen(text);
  };
  CHECK(around("(", ")", 190).CompiledNodes() < 10);
  CHECK(around("not (", ")", 90).CompiledNodes() < 10);
  CHECK(around("(", ")", kTerms).errors == Codes{"E0108"});
  CHECK(around("not ", "", kTerms).errors == Codes{"E0108"});
  CHECK(CheckWhen("count(s in a.sessions) == " + Repeated("{}", " + ", kTerms)).errors ==
        Codes{"E0108"});
  CHECK(
      CheckWhen("(" + Repeated("a.last_login", " ?? ", kTerms) + " ?? now) older than 1d").errors ==
      Codes{"E0108"});
}

}  // namespace
}  // namespace rescind::compile

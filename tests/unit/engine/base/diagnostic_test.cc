#include "engine/base/diagnostic.h"

#include <doctest/doctest.h>

namespace rescind {
namespace {

constexpr DiagnosticCode kError{"E0203"};
constexpr DiagnosticCode kWarning{"W0101"};

Diagnostic At(DiagnosticCode code, uint32_t file, uint32_t begin, std::string message) {
  Diagnostic diagnostic;
  diagnostic.code = code;
  diagnostic.span = {FileId(file), begin, begin + 1};
  diagnostic.message = std::move(message);
  return diagnostic;
}

std::vector<std::string> Messages(const std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> messages;
  for (const Diagnostic& diagnostic : diagnostics) messages.push_back(diagnostic.message);
  return messages;
}

TEST_CASE("TheLetterOfACodeIsItsSeverity") {
  CHECK(kError.severity() == DiagnosticSeverity::kError);
  CHECK(kWarning.severity() == DiagnosticSeverity::kWarning);
}

TEST_CASE("DiagnosticsComeOutByFileThenPlaceWithoutDoubles") {
  DiagnosticSink sink;
  sink.Report(At(kError, 1, 0, "d"));
  sink.Report(At(kError, 0, 9, "c"));
  sink.Report(At(kError, 0, 2, "b"));
  sink.Report(At(kError, 0, 2, "a"));
  sink.Report(At(kError, 0, 2, "b"));
  CHECK(Messages(sink.TakeSorted()) == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(sink.items().empty());
}

TEST_CASE("OnlyErrorsStopTheWork") {
  DiagnosticSink sink;
  CHECK_FALSE(sink.has_errors());
  sink.Report(At(kWarning, 0, 0, "w"));
  CHECK_FALSE(sink.has_errors());
  sink.Report(At(kError, 0, 0, "e"));
  CHECK(sink.has_errors());
}

TEST_CASE("DidYouMeanFindsSlipsOfTheKeyboard") {
  const std::vector<std::string> fields = {"last_used", "granted_at", "entitlement", "id"};
  CHECK(DidYouMean("last_usd", fields) == "last_used");
  CHECK(DidYouMean("lats_used", fields) == "last_used");  // two neighbours swapped
  CHECK(DidYouMean("grantedat", fields) == "granted_at");
  CHECK(DidYouMean("entitlment", fields) == "entitlement");
}

TEST_CASE("DidYouMeanIsSilentWhenNothingIsNear") {
  const std::vector<std::string> fields = {"last_used", "granted_at", "id"};
  CHECK_FALSE(DidYouMean("department", fields).has_value());
  CHECK_FALSE(DidYouMean("", fields).has_value());
  CHECK_FALSE(DidYouMean("x", {}).has_value());
}

TEST_CASE("OfEquallyNearNamesTheFirstIsMeant") {
  CHECK(DidYouMean("grnt", {"grant", "grunt"}) == "grant");
  CHECK(DidYouMean("grnt", {"grunt", "grant"}) == "grunt");
}

}  // namespace
}  // namespace rescind

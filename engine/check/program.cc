#include "engine/check/program.h"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/assert.h"
#include "engine/check/standard_model.h"
#include "engine/syntax/parser.h"

namespace rescind {

std::unique_ptr<typed::Program> ParseAndCheck(SourceMap& sources, const std::vector<FileId>& files,
                                              const CheckOptions& options, DiagnosticSink& sink) {
  // The model first: an entity that a file declares again is then the one that is in the wrong.
  const FileId model =
      sources.Add(std::string(kStandardModelName), std::string(StandardModelText()));
  std::vector<ParseResult> parsed;
  parsed.reserve(files.size() + 1);
  parsed.push_back(Parse(sources, model, sink));
  // INVARIANT: the standard model is well-formed; tests/language parses it too.
  RESCIND_ASSERT(parsed.front().ok, "the standard model of this binary does not parse");
  for (const FileId file : files) parsed.push_back(Parse(sources, file, sink));

  std::vector<const ast::File*> trees;
  for (const ParseResult& result : parsed) trees.push_back(&result.file);
  auto program = Check(sources, trees, options, sink);
  const bool all_parsed = std::all_of(parsed.begin(), parsed.end(),
                                      [](const ParseResult& result) { return result.ok; });
  return all_parsed ? std::move(program) : nullptr;
}

}  // namespace rescind

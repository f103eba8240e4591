// Check: from syntax trees to the typed program.
//
// Resolves names, computes types, follows what may be unknown, and refuses what the language
// refuses (codes E0201 … E0999, W0201 … W0999). Pure: reads no file itself, knows no clock. What
// it cannot check without facts (does this row exist, is this time zone known) is not its matter.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/civil.h"
#include "engine/base/diagnostic.h"
#include "engine/base/result.h"
#include "engine/base/source.h"
#include "engine/check/typed_ast.h"
#include "engine/syntax/ast.h"

namespace rescind {

// Where a value of `[params]` is written, in a file of the SourceMap.
struct ParamPlace {
  Span name;
  Span value;
};

struct CheckOptions {
  // `[params]` of rescind.toml: full name -> value as the language writes it ("60d", "true",
  // "\"text\"" or plain text for a param of type text).
  std::map<std::string, std::string> params;
  // Where `params` stand, for messages: "rescind.toml".
  std::string params_file = "rescind.toml";
  // By full name; what is missing has no place of its own.
  std::map<std::string, ParamPlace> param_places;
  std::string timezone = "UTC";
  Holidays holidays;  // what business days pass over
  // What the names of policy files begin with; the rest without `.rescind` is the module of a
  // file that names none, dots for slashes.
  std::string policy_folder = "policies/";
  // Reads a CSV file of a `list … from` or `table … from`. `path` is the written one put behind the
  // folder of the policy file that names it, without `.` and `..`: "policies/lists/a.csv". It
  // starts where the names of policy files start, and does not lead above that; symbolic links
  // are the reader's matter.
  // Empty: such declarations are refused with that reason.
  std::function<Result<std::string>(const std::string& path)> read_file;
  // Names declared in rescind.toml; nullopt: not known, so not checked.
  std::optional<std::vector<std::string>> channels;
  std::optional<std::vector<std::string>> sources;
};

// All files of a program, the standard model among them (standard_model.h). Every mistake goes to
// `sink`; null when there is an error among them (syntax errors reported before do not count:
// callers do not lower a program whose files did not all parse). Never throws. The trees may be
// destroyed afterwards. One thread.
std::unique_ptr<typed::Program> Check(const SourceMap& sources,
                                      const std::vector<const ast::File*>& files,
                                      const CheckOptions& options, DiagnosticSink& sink);

}  // namespace rescind

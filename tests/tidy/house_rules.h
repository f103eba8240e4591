// The rules as data: which folder may include which, where outside libraries are confined, and
// the limits of size. Changing the architecture means changing this file.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace rescind::tidy {

inline constexpr size_t kMaxFileLines = 600;
inline constexpr size_t kMaxFunctionLines = 70;
inline constexpr size_t kMaxLineColumns = 100;

// A folder may include itself and what is listed: folders, or single headers.
struct IncludeRule {
  std::string_view folder;
  std::string_view allowed;  // separated by blanks; "*" is everything below it
};

inline constexpr std::array kIncludeTable = {
    IncludeRule{"engine/base", ""},
    IncludeRule{"engine/facts", "engine/base"},
    IncludeRule{"engine/syntax", "engine/base"},
    IncludeRule{"engine/check", "engine/syntax engine/facts engine/base"},
    IncludeRule{"engine/ir", "engine/facts engine/base"},
    IncludeRule{"engine/compile", "engine/check engine/ir engine/facts engine/base"},
    IncludeRule{"engine/eval", "engine/ir engine/facts engine/base"},
    IncludeRule{"engine/testing", "engine/eval engine/compile engine/ir engine/facts engine/base"},
    IncludeRule{"runtime/env", "engine/base"},
    IncludeRule{"runtime/store", "runtime/env engine/facts engine/base"},
    IncludeRule{"runtime/feeds", "runtime/store runtime/env engine/facts engine/base"},
    IncludeRule{"runtime/plan",
                "runtime/store runtime/env engine/eval engine/ir engine/facts engine/base"},
    IncludeRule{"runtime/journal",
                "runtime/plan/action.h runtime/plan/action_key.h runtime/store runtime/env "
                "engine/facts engine/base"},
    IncludeRule{"runtime/executors", "runtime/plan/action.h runtime/env engine/base"},
    IncludeRule{"runtime/audit", "runtime/store runtime/env engine/base"},
    IncludeRule{"runtime/server", "runtime/env engine/base"},
    IncludeRule{"runtime/service", "*"},
    IncludeRule{"runtime/cli", "*"},
};

// An outside library and the only places that may see it. `places` are path prefixes.
struct Confinement {
  std::string_view header;  // prefix of what stands in < > or " "
  std::string_view places;
};

inline constexpr std::array kConfinements = {
    Confinement{"antlr4-runtime", "engine/syntax/parser"},
    Confinement{"RescindLexer", "engine/syntax/parser"},
    Confinement{"RescindParser", "engine/syntax/parser"},
    Confinement{"rocksdb/", "runtime/store/ tests/"},
    Confinement{"ldap.h", "runtime/executors/ tests/"},
    Confinement{"libpq-fe.h", "runtime/executors/ tests/"},
    Confinement{"curl/", "runtime/ tests/"},
    Confinement{"openssl/", "engine/base/sha256 runtime/ tests/"},
    Confinement{"simdjson", "runtime/ tests/"},
    Confinement{"nlohmann/", "runtime/ tests/"},
    Confinement{"spdlog/", "runtime/ tests/"},
    Confinement{"toml++", "runtime/service/"},
    Confinement{"CLI/", "runtime/cli/"},
    Confinement{"doctest/", "tests/"},
    Confinement{"rapidcheck", "tests/"},
    Confinement{"benchmark/", "tests/bench/"},
    Confinement{"sys/socket.h", "runtime/ tests/"},
    Confinement{"netinet/", "runtime/ tests/"},
    Confinement{"thread", "runtime/ tests/ engine/eval/"},
};

// `now` is an argument: nothing in engine/ asks a clock.
inline constexpr std::array<std::string_view, 3> kClockWords = {"system_clock", "steady_clock",
                                                                "clock_gettime"};

inline constexpr std::array<std::string_view, 7> kBannedNameWords = {
    "util", "utils", "helper", "helpers", "manager", "misc", "common"};

// Paths that exist on one person's machine only.
inline constexpr std::array<std::string_view, 4> kMachinePaths = {"/home/", "/work/", "/Users/",
                                                                  "/root/"};

// Folders that need a README.md: these, and every folder directly below those marked "/".
inline constexpr std::array<std::string_view, 5> kDocumentedFolders = {
    "grammar", "engine/", "runtime/", "policies/", "tests/"};

}  // namespace rescind::tidy

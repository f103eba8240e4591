// SymbolTable: which names a program declares, and what a name written in a module means.
//
// A name resolves in its module, then, if it is unique, in the program; qualified anywhere. It
// knows nothing of what the declarations say.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/source.h"

namespace rescind::check {

// Names of different spaces never clash.
enum class NameSpace : uint8_t { kValues, kPolicies, kFixtures };
enum class SymbolKind : uint8_t { kParam, kList, kTable, kDefine, kPolicy, kProtect, kFixture };

std::string_view SymbolKindText(SymbolKind kind);  // "a list"

struct Symbol {
  SymbolKind kind = SymbolKind::kParam;
  uint32_t index = 0;  // in the list of its kind
  std::string module;
  std::string name;
  Span span;  // of the name

  std::string full_name() const { return module + "." + name; }
};

// "say which: `a.common` or `b.common`": what helps where a name could mean several things.
std::string SayWhich(const std::vector<const Symbol*>& meanings);

class SymbolTable {
 public:
  // The earlier declaration of that name in that module; null when it is new and was added.
  const Symbol* Add(NameSpace space, Symbol symbol);
  // None, one, or all that the name could mean. `parts` is not empty.
  std::vector<const Symbol*> Find(NameSpace space, std::string_view module,
                                  const std::vector<std::string>& parts) const;
  // Short names of the space, for did-you-mean.
  std::vector<std::string> Names(NameSpace space) const;

 private:
  using ByName = std::map<std::string, std::vector<Symbol>, std::less<>>;
  ByName spaces_[3];
};

}  // namespace rescind::check

#include "engine/check/symbol_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/base/assert.h"

namespace rescind::check {

std::string_view SymbolKindText(SymbolKind kind) {
  switch (kind) {
    case SymbolKind::kParam: return "a param";
    case SymbolKind::kList: return "a list";
    case SymbolKind::kTable: return "a table";
    case SymbolKind::kDefine: return "a define";
    case SymbolKind::kPolicy: return "a policy";
    case SymbolKind::kProtect: return "a protect";
    case SymbolKind::kFixture: return "a fixture";
  }
  RESCIND_UNREACHABLE("not a kind of symbol");
}

const Symbol* SymbolTable::Add(NameSpace space, Symbol symbol) {
  std::vector<Symbol>& named = spaces_[static_cast<size_t>(space)][symbol.name];
  for (const Symbol& other : named) {
    if (other.module == symbol.module) return &other;
  }
  named.push_back(std::move(symbol));
  return nullptr;
}

std::vector<const Symbol*> SymbolTable::Find(NameSpace space, std::string_view module,
                                             const std::vector<std::string>& parts) const {
  const ByName& names = spaces_[static_cast<size_t>(space)];
  const auto named = names.find(parts.back());
  if (named == names.end()) return {};
  std::string wanted;
  for (size_t i = 0; i + 1 < parts.size(); ++i) wanted += (i > 0 ? "." : "") + parts[i];
  std::vector<const Symbol*> all;
  for (const Symbol& symbol : named->second) {
    if (symbol.module == (parts.size() > 1 ? std::string_view(wanted) : module)) return {&symbol};
    if (parts.size() == 1) all.push_back(&symbol);
  }
  return all;
}

std::vector<std::string> SymbolTable::Names(NameSpace space) const {
  std::vector<std::string> names;
  for (const auto& [name, symbols] : spaces_[static_cast<size_t>(space)]) names.push_back(name);
  return names;
}

std::string SayWhich(const std::vector<const Symbol*>& meanings) {
  std::vector<std::string> names;
  for (const Symbol* symbol : meanings) names.push_back("`" + symbol->full_name() + "`");
  return fmt::format("say which: {}", fmt::join(names, " or "));
}

}  // namespace rescind::check

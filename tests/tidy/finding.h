// TidyFinding: one place where the tree breaks a rule of the house.
#pragma once

#include <compare>
#include <cstddef>
#include <string>

namespace rescind::tidy {

struct TidyFinding {
  std::string rule;  // "include-table": the word that exceptions.txt uses
  std::string path;  // from the repository's root
  size_t line = 0;   // one-based; 0: the whole file
  std::string message;

  auto operator<=>(const TidyFinding&) const = default;
};

}  // namespace rescind::tidy

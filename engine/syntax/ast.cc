#include "engine/syntax/ast.h"

#include <algorithm>

namespace rescind::ast {

bool QualifiedName::ok() const {
  return !parts.empty() &&
         std::all_of(parts.begin(), parts.end(), [](const Name& part) { return part.ok(); });
}

std::string QualifiedName::Text() const {
  std::string text;
  for (const Name& part : parts) {
    if (!text.empty()) text += '.';
    text += part.text;
  }
  return text;
}

}  // namespace rescind::ast

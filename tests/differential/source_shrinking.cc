// Makes a world smaller while its trouble stays, crudely: leaves out declarations and rows, and
// puts `true`, `false` or an operand in the place of conditions, found by their places in the
// typed tree. What the checker refuses then is another trouble, so it is not taken.
#include <algorithm>
#include <functional>

#include "engine/base/source.h"
#include "tests/differential/source_world.h"

namespace rescind {
namespace {

constexpr int kMaxAttempts = 600;

using Still = std::function<bool(const SourceWorld&)>;

bool DropDeclarations(SourceWorld& world, const Still& still) {
  bool smaller = false;
  for (size_t i = world.declarations.size(); i-- > 0;) {
    SourceWorld candidate = world;
    candidate.declarations.erase(candidate.declarations.begin() + static_cast<int64_t>(i));
    if (!still(candidate)) continue;
    world = std::move(candidate);
    smaller = true;
  }
  return smaller;
}

void DropRows(SourceWorld& world, const Still& still) {
  const char* entities[] = {"session",     "credential", "grant",    "project",
                            "entitlement", "account",    "identity", "system"};
  for (const char* entity : entities) {
    SourceWorld candidate = world;
    for (int i = 0; i < 100; ++i) candidate.left_out.emplace(entity, "r" + std::to_string(i));
    candidate.left_out.emplace(entity, "late");
    if (still(candidate)) world = std::move(candidate);
    for (int i = 11; i >= 0; --i) {
      SourceWorld fewer = world;
      fewer.left_out.emplace(entity, "r" + std::to_string(i));
      if (fewer.left_out.size() > world.left_out.size() && still(fewer)) world = std::move(fewer);
    }
  }
}

// Where a text in parentheses, or a clause's condition, begins and ends.
std::vector<std::pair<size_t, size_t>> Parts(const std::string& text) {
  std::vector<std::pair<size_t, size_t>> parts;
  std::vector<size_t> open;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') open.push_back(i + 1);
    if (text[i] == ')' && !open.empty()) {
      parts.emplace_back(open.back(), i);
      open.pop_back();
    }
  }
  for (const char* word : {" when ", " unless ", " where ", " and ", " or ", " limit ", " let "}) {
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
      const size_t begin = at + std::string(word).size();
      size_t end = begin;
      int depth = 0;
      for (; end < text.size() && text[end] != '\n'; ++end) {
        if (text[end] == '(') ++depth;
        if (text[end] == ')' && --depth < 0) break;
      }
      parts.emplace_back(begin, end);
    }
  }
  return parts;
}

bool ShortenTexts(SourceWorld& world, const Still& still) {
  bool smaller = false;
  for (size_t d = 0; d < world.declarations.size(); ++d) {
    const std::string text = world.declarations[d].text;
    for (const auto& [begin, end] : Parts(text)) {
      const std::string part = text.substr(begin, end - begin);
      std::vector<std::string> shorter{"true", "false"};
      for (const char* word : {" and ", " or ", " where "}) {
        const size_t at = part.find(word);
        if (at == std::string::npos) continue;
        shorter.push_back(part.substr(0, at));
        shorter.push_back(part.substr(at + std::string(word).size()));
      }
      for (const std::string& instead : shorter) {
        if (instead.size() >= part.size()) continue;
        SourceWorld candidate = world;
        candidate.declarations[d].text = text.substr(0, begin) + instead + text.substr(end);
        if (!still(candidate)) continue;
        world = std::move(candidate);
        smaller = true;
        break;
      }
      if (world.declarations[d].text != text) break;  // its places are others now
    }
  }
  return smaller;
}

}  // namespace

SourceWorld Shrink(SourceWorld world, const SourceTrouble& trouble) {
  int attempts = 0;
  const Still still = [&](const SourceWorld& candidate) {
    return ++attempts <= kMaxAttempts && FindTrouble(candidate).kind == trouble.kind;
  };
  while (attempts < kMaxAttempts &&
         (DropDeclarations(world, still) || ShortenTexts(world, still))) {
  }
  attempts = kMaxAttempts / 2;
  DropRows(world, still);
  return world;
}

}  // namespace rescind

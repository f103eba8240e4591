#include "engine/base/diagnostic.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace rescind {
namespace {

// Optimal string alignment distance: insert, delete, replace, swap of neighbours.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> two_back(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replace, previous[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], two_back[j - 2] + 1);
      }
    }
    std::swap(two_back, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

bool DiagnosticSink::has_errors() const {
  return std::any_of(items_.begin(), items_.end(), [](const Diagnostic& d) {
    return d.severity() == DiagnosticSeverity::kError;
  });
}

std::vector<Diagnostic> DiagnosticSink::TakeSorted() {
  auto key = [](const Diagnostic& d) { return std::tie(d.span, d.code.text, d.message); };
  std::stable_sort(items_.begin(), items_.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
  items_.erase(
      std::unique(items_.begin(), items_.end(),
                  [&](const Diagnostic& a, const Diagnostic& b) { return key(a) == key(b); }),
      items_.end());
  return std::exchange(items_, {});
}

std::optional<std::string> DidYouMean(std::string_view name,
                                      const std::vector<std::string>& candidates) {
  constexpr size_t kLongestCompared = 100;
  if (name.size() > kLongestCompared) return std::nullopt;
  const size_t allowed = std::max<size_t>(1, name.size() / 3);
  size_t best = allowed + 1;
  const std::string* found = nullptr;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestCompared) continue;
    const size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      found = &candidate;
    }
  }
  if (found == nullptr) return std::nullopt;
  return *found;
}

}  // namespace rescind

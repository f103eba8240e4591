// The greatest sum of likenesses over pairs that do not cross, as in a comparison of two texts.
//   notify, disable, delete → notify, revoke, disable, delete:   0 → 0, 1 → 2, 2 → 3
#include "runtime/plan/stage_numbers.h"

#include <algorithm>
#include <string_view>

#include "engine/base/sort_unique.h"

namespace rescind {
namespace {

constexpr std::string_view kNotify = "notify";

std::string_view VerbOf(std::string_view meaning) { return meaning.substr(0, meaning.find(' ')); }

bool HasRemoval(const std::vector<std::string>& stage) {
  return std::any_of(stage.begin(), stage.end(),
                     [](const std::string& meaning) { return VerbOf(meaning) != kNotify; });
}

// Each counts for more than any number of lesser ones in a policy of fewer than a hundred stages.
int64_t LikenessOf(const std::vector<std::string>& before, const std::vector<std::string>& now) {
  if (before == now) return 1'000'000;
  const bool removes = HasRemoval(before);
  if (removes != HasRemoval(now)) return 0;
  int64_t likeness = 1;
  for (const std::string& meaning : before) {
    if (removes && VerbOf(meaning) == kNotify) continue;
    for (const std::string& other : now) {
      if (meaning == other) return 10'000;
      if (removes && VerbOf(meaning) == VerbOf(other)) likeness = 100;
    }
  }
  return likeness;
}

}  // namespace

StageMeanings MeaningsOf(const ir::Rule& rule) {
  StageMeanings meanings;
  for (const ir::Stage& stage : rule.stages) {
    std::vector<std::string>& actions = meanings.emplace_back();
    for (const ir::Action& action : stage.actions) actions.push_back(action.meaning);
  }
  return meanings;
}

std::vector<std::optional<uint32_t>> MatchStages(const StageMeanings& before,
                                                 const StageMeanings& now) {
  // best[i][j]: of the stages from i on, and from j on.
  std::vector<std::vector<int64_t>> best(before.size() + 1,
                                         std::vector<int64_t>(now.size() + 1, 0));
  for (size_t i = before.size(); i-- > 0;) {
    for (size_t j = now.size(); j-- > 0;) {
      best[i][j] = std::max(
          {best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + LikenessOf(before[i], now[j])});
    }
  }
  std::vector<std::optional<uint32_t>> numbers(before.size());
  for (size_t i = 0, j = 0; i < before.size() && j < now.size();) {
    const int64_t likeness = LikenessOf(before[i], now[j]);
    if (likeness > 0 && best[i][j] == best[i + 1][j + 1] + likeness) {
      numbers[i++] = static_cast<uint32_t>(j++);
    } else if (best[i][j] == best[i + 1][j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return numbers;
}

void RenumberStages(Finding& finding, const std::vector<std::optional<uint32_t>>& numbers) {
  const auto number_of = [&](uint32_t stage) {
    return stage < numbers.size() ? numbers[stage].value_or(kNoStage) : kNoStage;
  };
  for (std::vector<StageTime>* times : {&finding.begun, &finding.noticed}) {
    for (StageTime& time : *times) time.stage = number_of(time.stage);
    SortUnique(*times);
  }
  std::erase_if(finding.begun, [](const StageTime& time) { return time.stage == kNoStage; });
  for (StageAction& action : finding.actions) action.stage = number_of(action.stage);
}

}  // namespace rescind

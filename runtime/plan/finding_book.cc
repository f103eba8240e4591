// Advancing is a merge of two lists sorted by row: the findings that were, the matches that are.
//   findings 3 5 9, matches 5 7 9  →  3 withdrawn, 5 and 9 stand, 7 opened
#include "runtime/plan/finding_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "runtime/plan/policy_renames.h"
#include "runtime/plan/stage_numbers.h"

namespace rescind {
namespace {

std::string KeyOf(const Finding& finding) { return FindingKey(finding.policy, finding.row); }
std::string KeyOf(const PolicyRecord& record) { return std::string(kPolicyPrefix) + record.policy; }

template <typename T, typename Decode, typename Take>
Status ScanRecords(const KeyValueReader& reader, std::string_view prefix, Decode decode,
                   Take take) {
  Status failure;
  RESCIND_TRY(reader.Scan(prefix, "", [&](std::string_view key, std::string_view value) {
    Result<T> record = decode(value);
    if (!record) {
      failure = std::move(record).error().In(key);
      return false;
    }
    take(*std::move(record));
    return true;
  }));
  return failure;
}

// The stage after which nothing more is taken away; the last one when none takes anything away.
uint32_t LastRemovingStage(const ir::Rule& rule) {
  for (size_t stage = rule.stages.size(); stage > 0; --stage) {
    for (const ir::Action& action : rule.stages[stage - 1].actions) {
      if (action.verb != ir::Verb::kNotify) return static_cast<uint32_t>(stage - 1);
    }
  }
  return static_cast<uint32_t>(rule.stages.size()) - 1;
}

std::string WhyEnded(const eval::EvaluationInput& input, const ir::Rule& rule,
                     const eval::RuleOutcome& outcome, const Finding& finding) {
  const Table& table = input.facts.table(rule.entity);
  if (table.presence(finding.row) != Presence::kLive ||
      table.incarnation(finding.row) != finding.incarnation) {
    return "it is gone";
  }
  const bool undecided =
      std::binary_search(outcome.undecided.begin(), outcome.undecided.end(), finding.row);
  const auto error = std::lower_bound(
      outcome.errors.begin(), outcome.errors.end(), finding.row,
      [](const eval::RowError& candidate, RowId row) { return candidate.row < row; });
  if (error != outcome.errors.end() && error->row == finding.row) {
    return fmt::format("it can no longer be judged: {}", eval::EvaluationErrorText(error->error));
  }
  if (undecided || !table.complete(finding.row)) {
    return "it can no longer be judged: data is missing";
  }
  return "it no longer matches";
}

// Walks findings and matches of one policy side by side.
class PolicyMerge {
 public:
  PolicyMerge(const eval::EvaluationInput& input, const ir::Rule& rule,
              const eval::RuleOutcome& outcome, std::vector<FindingTransition>& transitions)
      : input_(input),
        rule_(rule),
        outcome_(outcome),
        table_(input.facts.table(rule.entity)),
        entity_(input.program.schema.entity(rule.entity).name),
        transitions_(transitions) {}

  std::vector<Finding> Run(std::vector<Finding> before) {
    auto old = before.begin();
    for (const RowId row : outcome_.matches) {
      for (; old != before.end() && old->row < row; ++old) End(std::move(*old));
      const bool stands = old != before.end() && old->row == row;
      if (stands && old->incarnation == table_.incarnation(row)) {
        Stand(std::move(*old++));
        continue;
      }
      if (stands) End(std::move(*old++));
      Open(row);
    }
    for (; old != before.end(); ++old) End(std::move(*old));
    return std::move(after_);
  }

 private:
  void Open(RowId row) {
    Finding finding;
    finding.policy = rule_.full_name;
    finding.entity = entity_;
    finding.row = row;
    finding.incarnation = table_.incarnation(row);
    finding.opened_at = input_.now;
    finding.id = FindingId(finding);
    transitions_.push_back({FindingStep::kOpened, finding, ""});
    after_.push_back(std::move(finding));
  }

  // Of a policy that has ceased to enforce those who were told a date hear that it does not come;
  // whom it tells once it enforces again, it tells anew. Once the last stage has begun it depends
  // on what became of it (kept_access.h).
  void Stand(Finding finding) {
    const bool takes_back = rule_.mode != ir::Mode::kEnforce && !finding.resolved &&
                            !finding.notified.empty() && !finding.BegunAt(LastRemovingStage(rule_));
    if (takes_back) {
      transitions_.push_back({FindingStep::kTakenBack, finding, kOnlyObservesNow});
      finding.notified.clear();
    }
    after_.push_back(std::move(finding));
  }

  void End(Finding finding) {
    if (finding.resolved) return;
    std::string why = WhyEnded(input_, rule_, outcome_, finding);
    if (finding.BegunAt(LastRemovingStage(rule_))) {
      finding.resolved = true;
      transitions_.push_back({FindingStep::kResolved, std::move(finding), std::move(why)});
      return;
    }
    transitions_.push_back({FindingStep::kWithdrawn, std::move(finding), std::move(why)});
  }

  const eval::EvaluationInput& input_;
  const ir::Rule& rule_;
  const eval::RuleOutcome& outcome_;
  const Table& table_;
  const std::string& entity_;
  std::vector<FindingTransition>& transitions_;
  std::vector<Finding> after_;
};

// From now on the findings' stages are those of the rule.
void TakeStages(const ir::Rule& rule, PolicyRecord& record, std::vector<Finding>& findings) {
  StageMeanings stages = MeaningsOf(rule);
  if (record.stages == stages) return;
  std::vector<std::optional<uint32_t>> ids(stages.size());
  if (!record.stages.empty()) {
    const auto numbers = MatchStages(record.stages, stages);
    for (Finding& finding : findings) RenumberStages(finding, numbers);
    for (size_t before = 0; before < numbers.size(); ++before) {
      if (numbers[before]) ids[*numbers[before]] = record.stage_ids[before];
    }
  }
  record.stage_ids.clear();
  for (const auto& id : ids) record.stage_ids.push_back(id ? *id : record.next_stage_id++);
  record.stages = std::move(stages);
}

}  // namespace

std::string FindingKey(std::string_view policy, RowId row) {
  return fmt::format("{}{}/{:08x}", kFindingPrefix, policy, row.index());
}

Result<FindingBook> FindingBook::Load(const KeyValueReader& reader) {
  FindingBook book;
  RESCIND_TRY(ScanRecords<Finding>(reader, kFindingPrefix, DecodeFinding, [&](Finding finding) {
    // Keys are by policy, then row: so are the lists.
    book.findings_[finding.policy].push_back(std::move(finding));
  }));
  RESCIND_TRY(ScanRecords<PolicyRecord>(
      reader, kPolicyPrefix, DecodePolicyRecord, [&](PolicyRecord record) {
        std::string policy = record.policy;
        book.records_.insert_or_assign(std::move(policy), std::move(record));
      }));
  return book;
}

namespace {

template <typename Findings>
auto PlaceOf(Findings& findings, RowId row) {
  return std::lower_bound(
      findings.begin(), findings.end(), row,
      [](const Finding& finding, RowId wanted) { return finding.row < wanted; });
}

}  // namespace

void FindingBook::Put(Finding finding) {
  std::vector<Finding>& findings = findings_[finding.policy];
  const auto place = PlaceOf(findings, finding.row);
  if (place != findings.end() && place->row == finding.row) {
    *place = std::move(finding);
  } else {
    findings.insert(place, std::move(finding));
  }
}

void FindingBook::Drop(std::string_view policy, RowId row) {
  const auto findings = findings_.find(policy);
  if (findings == findings_.end()) return;
  const auto place = PlaceOf(findings->second, row);
  if (place == findings->second.end() || place->row != row) return;
  findings->second.erase(place);
  if (findings->second.empty()) findings_.erase(findings);
}

Status FindingBook::Follow(const KeyValueBatch& batch) {
  for (const KeyValueBatch::Change& change : batch.changes()) {
    const std::string_view key = change.key;
    if (key.starts_with(kPolicyPrefix)) {
      const std::string policy(key.substr(kPolicyPrefix.size()));
      if (!change.value) {
        records_.erase(policy);
        continue;
      }
      auto record = DecodePolicyRecord(*change.value);
      if (!record.ok()) return std::move(record).error().In(key);
      records_.insert_or_assign(policy, *std::move(record));
    } else if (key.starts_with(kFindingPrefix) && change.value) {
      auto finding = DecodeFinding(*change.value);
      if (!finding.ok()) return std::move(finding).error().In(key);
      Put(*std::move(finding));
    } else if (key.starts_with(kFindingPrefix)) {
      const size_t slash = key.rfind('/');
      const std::string_view policy =
          key.substr(kFindingPrefix.size(), slash - kFindingPrefix.size());
      uint32_t row = 0;
      std::from_chars(key.data() + slash + 1, key.data() + key.size(), row, 16);
      Drop(policy, RowId(row));
    }
  }
  return {};
}

void FindingBook::Rename(const ir::Program& program) {
  const PolicyRenames renames(program);
  for (const auto& [before, now] : renames.all()) {
    if (findings_.count(now) == 0) {
      if (auto node = findings_.extract(before)) {
        node.key() = now;
        for (Finding& finding : node.mapped()) finding.policy = now;
        findings_.insert(std::move(node));
      }
    }
    if (records_.count(now) == 0) {
      if (auto node = records_.extract(before)) {
        node.key() = now;
        node.mapped().policy = now;
        records_.insert(std::move(node));
      }
    }
  }
}

std::vector<FindingTransition> FindingBook::Advance(const eval::EvaluationInput& input,
                                                    const eval::SweepResult& sweep) {
  Rename(input.program);
  std::vector<FindingTransition> transitions;
  std::map<std::string, std::vector<Finding>, std::less<>> after;
  std::map<std::string, PolicyRecord, std::less<>> records;
  for (uint32_t index = 0; index < input.program.rules.size(); ++index) {
    const ir::Rule& rule = input.program.rules[index];
    if (rule.protect) continue;
    PolicyRecord record = std::move(records_[rule.full_name]);
    record.policy = rule.full_name;
    std::vector<Finding> before = std::move(findings_[rule.full_name]);
    findings_.erase(rule.full_name);
    TakeStages(rule, record, before);

    PolicyMerge merge(input, rule, sweep.rules[index], transitions);
    auto findings = merge.Run(std::move(before));
    if (!findings.empty()) after.emplace(rule.full_name, std::move(findings));

    if (rule.mode != ir::Mode::kEnforce) {
      record.enforced_since.reset();
    } else if (!record.enforced_since) {
      record.enforced_since = input.now;
    }
    records.emplace(rule.full_name, std::move(record));
  }
  for (auto& [policy, findings] : findings_) {
    for (Finding& finding : findings) {
      if (finding.resolved) continue;
      transitions.push_back(
          {FindingStep::kWithdrawn, std::move(finding), "its policy was removed"});
    }
  }
  findings_ = std::move(after);
  records_ = std::move(records);
  return transitions;
}

const std::vector<Finding>& FindingBook::Of(std::string_view policy) const {
  static const std::vector<Finding> none;
  const auto found = findings_.find(policy);
  return found == findings_.end() ? none : found->second;
}

std::vector<Finding>& FindingBook::MutableOf(std::string_view policy) {
  return findings_[std::string(policy)];
}

const Finding* FindingBook::Find(std::string_view policy, RowId row) const {
  const std::vector<Finding>& findings = Of(policy);
  const auto place = PlaceOf(findings, row);
  return place != findings.end() && place->row == row ? &*place : nullptr;
}

const PolicyRecord* FindingBook::Record(std::string_view policy) const {
  const auto found = records_.find(policy);
  return found == records_.end() ? nullptr : &found->second;
}

PolicyRecord& FindingBook::MutableRecord(std::string_view policy) {
  PolicyRecord& record = records_[std::string(policy)];
  record.policy = policy;
  return record;
}

uint64_t FindingBook::count() const {
  uint64_t count = 0;
  for (const auto& [policy, findings] : findings_) count += findings.size();
  return count;
}

FindingBook FindingBook::Part(const ir::Program& program, const FindingRows& rows) const {
  FindingBook part;
  part.records_ = records_;
  for (uint32_t index = 0; index < program.rules.size(); ++index) {
    const std::string& name = program.rules[index].full_name;
    const std::vector<Finding>& all = Of(name);
    auto from = all.begin();
    for (const RowId row : rows[index]) {
      from = std::lower_bound(from, all.end(), row, [](const Finding& finding, RowId wanted) {
        return finding.row < wanted;
      });
      if (from != all.end() && from->row == row) part.findings_[name].push_back(*from);
    }
  }
  return part;
}

bool FindingBook::cold() const {
  return std::none_of(records_.begin(), records_.end(),
                      [](const auto& entry) { return !entry.second.confirmed_meaning.empty(); });
}

void FindingBook::WriteChanges(const FindingBook& before, KeyValueBatch& batch) const {
  const auto by_row = [](const Finding& a, const Finding& b) { return a.row < b.row; };
  for (const auto& [policy, findings] : before.findings_) {
    const auto& kept = Of(policy);
    for (const Finding& finding : findings) {
      if (!std::binary_search(kept.begin(), kept.end(), finding, by_row)) {
        batch.Delete(KeyOf(finding));
      }
    }
  }
  for (const auto& [policy, findings] : findings_) {
    const auto& earlier = before.Of(policy);
    for (const Finding& finding : findings) {
      const auto same = std::lower_bound(earlier.begin(), earlier.end(), finding, by_row);
      if (same != earlier.end() && *same == finding) continue;
      batch.Put(KeyOf(finding), EncodeFinding(finding));
    }
  }
  for (const auto& [policy, record] : before.records_) {
    if (records_.count(policy) == 0) batch.Delete(KeyOf(record));
  }
  for (const auto& [policy, record] : records_) {
    const PolicyRecord* earlier = before.Record(policy);
    if (!earlier || *earlier != record) batch.Put(KeyOf(record), EncodePolicyRecord(record));
  }
}

}  // namespace rescind

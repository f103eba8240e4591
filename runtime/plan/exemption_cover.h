// ExemptionCover: which rows, for which policy, exemptions keep actions away from.
//
// Built from all exemptions at one instant; the planner asks. Ended ones are kept because stage
// times count from the end of the last.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "runtime/plan/exemption.h"
#include "runtime/plan/protection.h"

namespace rescind {

class ExemptionCover {
 public:
  // The facts outlive it. An exemption of a row that no feed ever named covers nothing. An error
  // when ids cannot be read.
  static Result<ExemptionCover> Make(const FactBase& facts, std::vector<Exemption> exemptions,
                                     Instant now);

  // Why `verb` of the policy must not touch the row; with kNotify: why the row, as the judged one,
  // is none of the policy's business.
  std::optional<Veto> Vetoes(std::string_view policy, Verb verb, EntityId entity, RowId row);
  // When the last of the ended exemptions that kept `verb` from the row ended.
  std::optional<Instant> LastEnd(std::string_view policy, Verb verb, EntityId entity,
                                 RowId row) const;

 private:
  // Exemptions of one policy, or of all ("").
  struct Scope {
    explicit Scope(const FactBase& facts) : rows(facts), ended_rows(facts) {}
    Coverage rows;  // labels index exemptions_
    Coverage ended_rows;
    std::optional<uint32_t> whole;  // every row
    std::optional<uint32_t> ended_whole;
  };

  ExemptionCover() = default;
  Status Add(const FactBase& facts, uint32_t index, Instant now);
  std::optional<uint32_t> Find(Scope& scope, Verb verb, EntityId entity, RowId row) const;

  std::vector<Exemption> exemptions_;  // by end, the last first
  std::map<std::string, std::unique_ptr<Scope>, std::less<>> scopes_;
};

}  // namespace rescind

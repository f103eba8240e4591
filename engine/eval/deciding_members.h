// DecidingMembers: which members of collections bring a rule's answer about, and their facts.
//
// "grant g2: entitlement = pay", where a policy says `any(h in g.account.owner.grants where
// h.entitlement == "pay")`: what has no one value on the judged row, and so is no EvidencePath. It
// knows one rule; not for several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/eval/explanation.h"
#include "engine/eval/node_evaluator.h"

namespace rescind::eval {

class DecidingMembers {
 public:
  // Both outlive it; `rule` is one of the input's program. Collections whose members take more than
  // about so many steps to look at are passed over: a plan asks for every row that it shows.
  DecidingMembers(const EvaluationInput& input, const ir::Rule& rule, uint64_t most_steps);

  // A few of the members that count, with what the condition reads of them; of `all`, those that
  // fail it. None where no member does.
  Result<std::vector<ExplainedFact>> At(RowId row);

 private:
  // The nodes from the root down, each once, in the order of the text; what lies below a node only
  // when `enter` says so.
  Status WalkFrom(ir::NodeId root, const std::function<Result<bool>(ir::NodeId)>& enter) const;
  std::vector<const ir::Node*> FoldsBelow(ir::NodeId root) const;
  uint64_t SizeOf(ir::CollectionId collection);
  uint64_t SizeOfMapped(const ir::Collection& collection);
  uint64_t StepsOfMember(const ir::Node& fold);
  Status AddMembersOf(const ir::Node& fold);
  Status AddMember(const ir::Node& fold, const Value& member);
  Status AddFactsBelow(ir::NodeId root, ir::FrameId frame, const std::string& label);
  Status AddFact(const ir::Node& node, ir::NodeId id, std::string path);
  // From the frame's member, such as "account.owner"; empty: it is no path from there.
  std::string PathOf(ir::NodeId id, ir::FrameId frame) const;

  const ir::Program& program_;
  const ir::Rule& rule_;
  NodeEvaluator evaluator_;
  const uint64_t most_steps_;
  const std::vector<const ir::Node*> folds_;  // of the condition, none inside another
  std::map<const ir::Node*, uint64_t> steps_of_member_;
  std::vector<ExplainedFact> found_;
  std::set<std::string> paths_;
};

}  // namespace rescind::eval

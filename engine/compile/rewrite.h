// Rewrite: what every pass over the rule program is made of.
//
// Builds the program anew from the rules down, operands first; a pass says what becomes of one
// node. What no rule reaches any more is gone, what has become equal is one node, and frames,
// `moves` and `may_be_unknown` are computed again.
#pragma once

#include <functional>

#include "engine/compile/graph.h"
#include "engine/ir/program.h"

namespace rescind::compile {

// What a rule needs a node or collection for.
enum class RootUse : uint8_t {
  kJudged,  // match, when, unless
  kActed,   // targets, recipients, approvers, groups
  kShown,   // reasons, evidence, clauses: read for the few rows that are shown
};

namespace detail {

template <typename Recipient, typename OnNode>
void VisitRecipient(Recipient& recipient, const OnNode& on_node) {
  for (auto& choice : recipient.choices) on_node(choice, RootUse::kActed);
}

template <typename Stages, typename OnNode, typename OnCollection>
void VisitStages(Stages& stages, const OnNode& on_node, const OnCollection& on_collection) {
  for (auto& stage : stages) {
    if (stage.approval) VisitRecipient(stage.approval->approver, on_node);
    for (auto& action : stage.actions) {
      if (action.target.valid()) on_node(action.target, RootUse::kActed);
      if (action.targets.valid()) on_collection(action.targets, RootUse::kActed);
      VisitRecipient(action.recipient, on_node);
    }
  }
}

}  // namespace detail

// Every node and collection that a rule names, in one fixed order: on_node(NodeId&, RootUse),
// on_collection(CollectionId&, RootUse). For a const rule the ids are const.
template <typename Rule, typename OnNode, typename OnCollection>
void VisitRoots(Rule& rule, const OnNode& on_node, const OnCollection& on_collection) {
  on_node(rule.match, RootUse::kJudged);
  on_node(rule.when, RootUse::kJudged);
  if (rule.unless.valid()) on_node(rule.unless, RootUse::kJudged);
  detail::VisitStages(rule.stages, on_node, on_collection);
  for (auto& limit : rule.share_limits) {
    if (limit.group.valid()) on_node(limit.group, RootUse::kActed);
  }
  for (auto& limit : rule.leave_limits) on_node(limit.group, RootUse::kActed);
  if (rule.done) detail::VisitRecipient(rule.done->recipient, on_node);
  if (rule.on_failure) {
    for (auto& recipient : rule.on_failure->notify) detail::VisitRecipient(recipient, on_node);
  }
  for (auto& clause : rule.clauses) on_node(clause.node, RootUse::kShown);
  for (auto& path : rule.evidence) {
    on_node(path.value, RootUse::kShown);
    on_node(path.row, RootUse::kShown);
  }
  for (auto& part : rule.because) {
    if (part.node.valid()) on_node(part.node, RootUse::kShown);
  }
}

// Gets a node whose ids are of the new graph; returns the node of the new graph that stands for it.
using Transform = std::function<ir::NodeId(Graph&, ir::Node)>;

// `columns` of the result is empty.
ir::Program Rewrite(ir::Program program, const Transform& transform);

}  // namespace rescind::compile

// ApplyRun::Work: one run of apply, from step to step. Private to ApplyRun.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/service/apply_run.h"

namespace rescind {

// As the journal has left it.
AppliedAction AppliedOf(const JournalEntry& entry);

struct ApplyRun::Work {
  Work(Pipeline& pipeline, ActionLedger& ledger, NoticeSender& sender, std::string who)
      : trigger(std::move(who)),
        notices(sender, ledger.recorder(), ledger.journal(), pipeline.store(),
                pipeline.environment().clock, trigger) {}

  const std::string trigger;
  NoticeRound notices;
  std::unique_ptr<Derivation> derivation;
  PlanSelection selection;
  std::unique_ptr<FactGate> gate;
  ApplyReport report;
  std::optional<Error> cut_off;
  std::set<std::string> handed;       // keys that the journal has taken
  std::set<std::string> adopted;      // keys of what earlier runs left in flight
  std::vector<FindingEnd> ends;       // findings that this run may finish
  std::set<std::string> left_stages;  // that were rolled back: for a person, or for later
  std::set<std::string> again;        // those that a person has carried out again
  // Of a stage that was rolled back a plan that was read has only these parts, by key: why they are
  // held.
  std::map<std::string, std::string> parts;
  bool confirmed = false;
  std::set<std::string> confirming;  // policies that nobody had confirmed before this run
  bool everything = false;           // run also what earlier runs left
  bool logged = false;  // its start is in the audit log, so its end must be, and be signed

  const PlanOutcome& outcome() const { return derivation->outcome; }
};

}  // namespace rescind

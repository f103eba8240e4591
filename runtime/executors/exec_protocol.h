// `rescind.exec/1`: what the exec executor writes to a program and what it reads back.
//
// Pure text in, data out: no process, no clock. The protocol is described for the authors of
// programs in runtime/executors/README.md. Everything read here comes from outside and is
// checked field by field; unknown members are ignored, so that a program may say more.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "runtime/executors/executor.h"

namespace rescind {

enum class ExecOperation : uint8_t { kObserve = 1, kApply = 2, kUndo = 3, kVerify = 4 };

std::string_view ExecOperationName(ExecOperation operation);

// One question to the program. The texts are referenced, not copied.
struct ExecRequest {
  ExecOperation operation = ExecOperation::kObserve;
  std::string_view target_name;  // NAME of [target.NAME]
  const Action& action;
  std::string_view precondition_digest;  // kApply
  std::string_view preimage;             // kApply, kUndo: canonical JSON
  uint64_t epoch = 0;                    // kApply
};

// One line of JSON. kInvalidInput when the action holds text that is not UTF-8.
Result<std::string> EncodeExecRequest(const ExecRequest& request);

// Each reads one whole reply. A reply that is not what the protocol says is kCorrupt; one that
// reports a failure by "error" is that failure.
Result<TargetState> DecodeExecObserve(std::string_view reply);
Result<ApplyResult> DecodeExecOutcome(std::string_view reply);
Result<VerifyResult> DecodeExecVerify(std::string_view reply);

}  // namespace rescind

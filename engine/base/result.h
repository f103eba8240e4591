// Result<T>: a value, or the reason why there is none.
//
// The channel for failures of the environment (a file that cannot be read, a server that
// refuses). Mistakes in a user's policy travel as Diagnostic lists instead, and our own bugs
// end in RESCIND_ASSERT. It does not know how an error is shown: faces decide that.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "engine/base/assert.h"

namespace rescind {

// What sort of failure it is. Faces map it to an exit status; callers branch on it.
enum class ErrorKind {
  kInvalidInput,  // what the user gave cannot be used; `help` says how to mend it
  kNotFound,      // a named thing does not exist
  kIo,            // the operating system refused to read or write
  kCorrupt,       // stored data contradicts its checksum or its format
  kBusy,          // somebody else holds it
  kUnavailable,   // a server cannot be reached or is overloaded: worth a retry
  kDenied,        // missing right, failed TLS verification, a secret that cannot be used
  kStale,         // the plan or precondition no longer holds
  kUnsupported,   // a newer format, or a thing this build cannot do
  kLogInRefused,  // wrong name or password: who asks again and again locks the account
};

// One failure: one plain sentence saying what and where, and one saying how to mend it.
struct Error {
  ErrorKind kind = ErrorKind::kInvalidInput;
  std::string message;
  std::string help;  // may be empty

  // Adds where it happened in front: "reading plan.json: " + message.
  Error In(std::string_view context) && {
    message.insert(0, ": ");
    message.insert(0, context);
    return std::move(*this);
  }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // The value. Asking for it when there is none is a bug and aborts.
  T& value() & {
    RESCIND_ASSERT(ok(), "value() of a failed Result");
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    RESCIND_ASSERT(ok(), "value() of a failed Result");
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    RESCIND_ASSERT(ok(), "value() of a failed Result");
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    RESCIND_ASSERT(!ok(), "error() of a successful Result");
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    RESCIND_ASSERT(!ok(), "error() of a successful Result");
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    RESCIND_ASSERT(!ok(), "error() of a successful Result");
    return *error_;
  }
  Error&& error() && {
    RESCIND_ASSERT(!ok(), "error() of a successful Result");
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace rescind

#define RESCIND_CONCAT_INNER(a, b) a##b
#define RESCIND_CONCAT(a, b) RESCIND_CONCAT_INNER(a, b)

// Evaluates a Status and returns its error from the enclosing function.
#define RESCIND_TRY(expr)                                   \
  do {                                                      \
    if (auto rescind_status = (expr); !rescind_status.ok()) \
      return std::move(rescind_status).error();             \
  } while (false)

// RESCIND_ASSIGN(auto x, F()): declares or assigns x from a Result, or returns its error.
#define RESCIND_ASSIGN(lhs, expr) \
  RESCIND_ASSIGN_INNER(RESCIND_CONCAT(rescind_result_, __LINE__), lhs, expr)
#define RESCIND_ASSIGN_INNER(tmp, lhs, expr)    \
  auto tmp = (expr);                            \
  if (!tmp.ok()) return std::move(tmp).error(); \
  lhs = std::move(tmp).value()

#include "engine/syntax/keyword.h"

#include <algorithm>

namespace rescind::syntax {

using Words = std::vector<std::string_view>;

const Words& DeclarationWords() {
  static const Words words = {"module", "entity", "extend",  "param", "list",   "table",
                              "define", "policy", "protect", "test",  "fixture"};
  return words;
}

const Words& ClauseWords() {
  static const Words words = {"controls", "severity", "mode", "timezone", "for",   "let",  "when",
                              "unless",   "because",  "then", "limit",    "needs", "done", "on"};
  return words;
}

const Words& StatementWords() {
  static const Words words = {"use", "given", "start", "at", "expect", "end"};
  return words;
}

const Words& ActionWords() {
  static const Words words = {"disable", "suspend", "end", "revoke", "delete", "notify", "run"};
  return words;
}

const Words& ReservedWords() {
  static const Words words = {"and",    "or",       "not",  "in",   "is",    "has",
                              "passed", "where",    "any",  "all",  "no",    "count",
                              "latest", "earliest", "sum",  "now",  "today", "hour",
                              "day",    "run",      "true", "false"};
  return words;
}

const Words& ReservedFieldWords() {
  static const Words words = {"and", "or", "not", "in", "true", "false"};
  return words;
}

const Words& InfixWords() {
  static const Words words = {"and",      "or",   "not",  "in",   "is",   "has",
                              "where",    "than", "with", "next", "for",  "matches",
                              "contains", "of",   "per",  "via",  "from", "by"};
  return words;
}

bool Contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace rescind::syntax

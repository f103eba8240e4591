// NdjsonReader: one JSON object a line, each the changes to one row.
//
//   {"entity":"grant","id":"ldap/ann/vpn","account":"ldap/ann","last_used":null}
//
// Only what is given changes, `null` makes a field unknown. Reserved besides `entity` and `id`:
// `deleted` and `effective_at`, which may also be written `@deleted` and `@effective_at` and must
// be where the entity has a field of that name. It knows the schema and nothing of the store.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/feeds/feed_reader.h"
#include "runtime/feeds/input_buffer.h"

namespace rescind {

class NdjsonReader final : public FeedReader {
 public:
  // `file` and `schema` must outlive it.
  NdjsonReader(ReadableFile& file, const Schema& schema, FeedOptions options);

  Status Open() override;
  Result<bool> Read(FeedBatch& batch) override;
  std::string_view preamble() const override { return ""; }
  const std::vector<std::string>& notices() const override { return notices_; }
  std::vector<std::string> gaps() const override;

 private:
  using Value = simdjson::ondemand::value;
  enum class Meaning : uint8_t { kEntity, kId, kField, kSet, kEffective, kDeleted };
  struct Target {
    Meaning meaning = Meaning::kField;
    FieldId field;
    bool is_required = false;
  };
  // What the keys of one entity mean. Feeds give the same keys in the same order, so the key that
  // stood at a place in the line before is tried first.
  struct Plan {
    struct Known {
      std::string key;
      Target target;
      uint64_t given_in_line = 0;  // to find keys that are given twice
    };
    std::vector<Known> keys;
    std::vector<uint32_t> sequence;  // place in the line -> index of keys
    std::vector<FieldId> required;
    std::vector<bool> left_out;  // of `required`, in some line
    uint64_t gap_rows = 0;       // that left out one of them
  };
  // What is wrong with a line, and where: the offset of a key, or npos.
  struct Problem {
    size_t offset = std::string_view::npos;
    std::string field = {};
    std::string value = {};
    ValueProblem text = {};
  };

  // The next line without its line break, as a view into the buffer. False at the end.
  Result<bool> NextLine();
  void TakeLine(FeedBatch& batch);
  // Of a line that is too long: what follows the part that was read before.
  Status TakeNextPart(FeedBatch& batch);
  std::optional<Problem> PutLine(FactDelta& delta);
  // Entity and id, wherever in the object they stand.
  std::optional<Problem> FindRow();
  std::optional<Problem> PutFields(FactDelta& delta);
  std::optional<Problem> PutField(simdjson::ondemand::field field, uint32_t place,
                                  FactDelta& delta);
  std::optional<ValueProblem> PutValue(Target target, Value value, FactDelta& delta);
  std::optional<ValueProblem> PutSet(FieldId field, Value value, FactDelta& delta);
  std::optional<ValueProblem> PutScalar(FieldId field, Value value, FactDelta& delta);
  Plan::Known* Lookup(Plan& plan, std::string_view key, uint32_t place);
  std::optional<Target> Resolve(std::string_view key) const;
  // Which of the required fields the line has not given.
  void NoteGap(Plan& plan);
  Problem Malformed(simdjson::error_code error);
  ValueProblem MalformedText(simdjson::error_code error) const;
  size_t OffsetOf(const char* at) const;

  FeedOptions options_;
  ValueReader values_;
  InputBuffer buffer_;
  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  std::vector<Plan> plans_;  // by entity
  std::vector<std::string> notices_;

  std::string_view line_;
  uint64_t line_number_ = 0;
  size_t consume_next_ = 0;
  bool is_too_long_ = false;
  bool goes_on_ = false;     // such a line, beyond what has been read of it
  bool is_cut_off_ = false;  // the file ends without a line break
  EntityId entity_;
  std::string id_;
  bool is_deleted_ = false;
  size_t required_given_ = 0;  // by the line
};

}  // namespace rescind

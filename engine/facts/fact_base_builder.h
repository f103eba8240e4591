// FactBaseBuilder: facts from plain values, by key and field name, for tests and small runs.
//
// What the store does for millions of rows, said in a line each:
//   FactBaseBuilder facts(schema);
//   facts.Live("account", "ldap/ann").Set("owner", "ann").Set("privileged", false);
//   facts.Remove("identity", "bob", at);
//   FactBase base = facts.Build(ColumnSet::All(*schema));
// Setting the same thing again replaces it, so a builder also serves to step through a history.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "engine/facts/fact_base.h"

namespace rescind {

// A field's value in plain form. Text stands for text, the name of an enum member, the id of a
// row. monostate is unknown. A set is a list of texts (names, ids) or of integers.
using PlainValue = std::variant<std::monostate, bool, int64_t, Instant, Day, Duration, std::string,
                                std::vector<std::string>, std::vector<int64_t>>;

class FactBaseBuilder {
 public:
  explicit FactBaseBuilder(std::shared_ptr<const Schema> schema);

  // Sets fields of one row. A reference to an id that no row has mentions it (kAbsent).
  // Unknown names and values of another type are bugs of the test: asserted.
  class Row {
   public:
    Row& Set(std::string_view field, PlainValue value);
    Row& Set(std::string_view field, const char* text) { return Set(field, std::string(text)); }
    Row& Set(std::string_view field, bool answer) { return Set(field, PlainValue(answer)); }
    Row& Set(std::string_view field, int number) { return Set(field, int64_t{number}); }
    Row& Set(std::string_view field, int64_t number) { return Set(field, PlainValue(number)); }
    Row& SetUnknown(std::string_view field) { return Set(field, PlainValue()); }
    // Of a tracked field.
    Row& SetPast(std::string_view field, PlainValue previous, Instant changed_at);
    Row& SetIncarnation(uint32_t incarnation);
    Row& SetOrigin(std::string_view field, FieldOrigin origin);
    RowId id() const { return row_; }

   private:
    friend class FactBaseBuilder;
    Row(FactBaseBuilder* builder, EntityId entity, RowId row)
        : builder_(builder), entity_(entity), row_(row) {}
    FactBaseBuilder* builder_;
    EntityId entity_;
    RowId row_;
  };

  Row Live(std::string_view entity, std::string_view id);
  // Keeps fields and presence as they are; an id never seen becomes kAbsent.
  Row Mention(std::string_view entity, std::string_view id);
  // Removed rows keep their fields. Without an instant, it is not known when.
  void Remove(std::string_view entity, std::string_view id, std::optional<Instant> at = {});
  // All sources of the entity have delivered: what is absent now counts as removed. The first to
  // say so of a row says since when, if it is known.
  void Close(std::string_view entity, std::optional<Instant> at = {});
  void SetVersion(uint64_t facts_seq, Instant last_change);

  FactBase Build(const ColumnSet& columns) const;
  FactBase Build() const { return Build(ColumnSet::All(*schema_)); }

 private:
  struct PlainRow {
    std::string id;
    Presence presence = Presence::kAbsent;
    uint32_t incarnation = 1;
    std::optional<Instant> removed_at;
    std::vector<PlainValue> values;
    std::vector<PlainValue> previous;
    std::vector<std::optional<Instant>> changed_at;
    std::vector<std::optional<FieldOrigin>> origins;
  };
  struct PlainTable {
    std::vector<PlainRow> rows;
    std::unordered_map<std::string, uint32_t> by_id;
    std::optional<uint32_t> closed_row_count;
    std::vector<LackedRows> lacked;
  };
  class Texts;

  EntityId Entity(std::string_view name) const;
  RowId RowOf(EntityId entity, std::string_view id);
  // Mentions what the value refers to, and asserts its type.
  void Admit(const FieldType& type, const PlainValue& value);
  void FillRow(FactBase& base, const ColumnSet& columns, EntityId entity, uint32_t row) const;
  void Put(Column& column, const FieldType& type, uint32_t row, const PlainValue& value) const;
  uint32_t PutSet(Column& column, const FieldType& type, const PlainValue& value) const;

  std::shared_ptr<const Schema> schema_;
  std::vector<PlainTable> tables_;
  uint64_t facts_seq_ = 1;
  Instant last_change_{};
};

}  // namespace rescind

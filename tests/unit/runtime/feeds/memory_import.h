// An import that keeps what it is given as plain text, a model with every type of field, and a
// file that lies in memory and is read in pieces of any size.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/facts/schema.h"
#include "runtime/env/file_system.h"
#include "runtime/store/store.h"

namespace rescind {

inline const Schema& FeedModel() {
  static const Schema schema = [] {
    Schema model;
    const EntityId identity = model.AddEntity("identity");
    const EntityId account = model.AddEntity("account");
    const auto make = [](std::string name, TypeKind kind, bool optional) {
      FieldDef field{std::move(name), {}, false};
      field.type.kind = kind;
      field.type.optional = optional;
      return field;
    };
    FieldDef status = make("status", TypeKind::kEnum, false);
    status.type.enumeration = model.AddEnum({{"active", "on_leave", "terminated"}, false});
    FieldDef manager = make("manager", TypeKind::kReference, true);
    manager.type.entity = identity;
    FieldDef tags = make("tags", TypeKind::kSet, false);
    FieldDef floors = make("floors", TypeKind::kSet, false);
    floors.type.element = TypeKind::kInt;
    FieldDef peers = make("peers", TypeKind::kSet, false);
    peers.type.element = TypeKind::kReference;
    peers.type.entity = identity;
    model.AddField(identity, make("name", TypeKind::kText, true));
    model.AddField(identity, status);
    model.AddField(identity, manager);
    model.AddField(identity, make("starts_on", TypeKind::kDate, true));
    model.AddField(identity, make("seen_at", TypeKind::kTime, true));
    model.AddField(identity, make("level", TypeKind::kInt, true));
    model.AddField(identity, make("remote", TypeKind::kBool, true));
    model.AddField(identity, make("shift", TypeKind::kDuration, true));
    model.AddField(identity, tags);
    model.AddField(identity, floors);
    model.AddField(identity, peers);
    FieldDef owner = make("owner", TypeKind::kReference, false);
    owner.type.entity = identity;
    const FieldId via = model.AddField(account, owner);
    model.AddField(account, make("deleted", TypeKind::kBool, true));
    FieldDef accounts = make("accounts", TypeKind::kMany, false);
    accounts.type.entity = account;
    accounts.type.via = via;
    model.AddField(identity, accounts);
    return model;
  }();
  return schema;
}

// A row as text: "name=Ann status=active", fields by name; "deleted"; "@… " for the instant.
using PlainRows = std::map<std::string, std::string>;  // "identity ann" -> its row

inline std::string PlainValueOf(const FactDelta& delta, const Schema& schema, const FieldDef& field,
                                const DeltaValue& value) {
  const FieldType& type = field.type;
  const auto number = [&](TypeKind kind, int64_t given) -> std::string {
    switch (kind) {
      case TypeKind::kBool: return given != 0 ? "true" : "false";
      case TypeKind::kEnum:
        return schema.enumeration(type.enumeration).members.at(static_cast<size_t>(given));
      case TypeKind::kTime: return FormatInstant({given});
      case TypeKind::kDate: return FormatDay({static_cast<int32_t>(given)});
      case TypeKind::kDuration: return FormatDuration({given});
      default: return fmt::format("{}", given);
    }
  };
  switch (value.kind) {
    case DeltaKind::kUnknown: return "unknown";
    case DeltaKind::kNumber: return number(type.kind, value.number);
    case DeltaKind::kText: return std::string(delta.text(value.text));
    case DeltaKind::kReference: return "->" + std::string(delta.text(value.text));
    case DeltaKind::kSet: break;
  }
  std::string text = "{";
  for (const DeltaMember& member : delta.members(value)) {
    if (text.size() > 1) text += ",";
    const bool is_number = type.element == TypeKind::kInt || type.element == TypeKind::kEnum;
    text += is_number ? number(type.element, member.number) : std::string(delta.text(member.text));
  }
  return text + "}";
}

class MemoryImport final : public Import {
 public:
  explicit MemoryImport(const Schema& schema) : schema_(schema) {}

  Status Add(const FactDelta& delta) override {
    if (fails) return Error{ErrorKind::kIo, "the disk is full", "free some space"};
    for (const DeltaRow& row : delta.rows()) {
      const EntityDef& entity = schema_.entity(row.entity);
      std::vector<std::string> fields;
      for (const DeltaValue& value : delta.values(row)) {
        const FieldDef& field = entity.field(value.field);
        fields.push_back(field.name + "=" + PlainValueOf(delta, schema_, field, value));
      }
      std::sort(fields.begin(), fields.end());
      if (row.deleted) fields.insert(fields.begin(), "deleted");
      if (row.effective_micros != kUnknownLong) {
        fields.push_back("@" + FormatInstant({row.effective_micros}));
      }
      rows[entity.name + " " + std::string(delta.text(row.key))] =
          fmt::format("{}", fmt::join(fields, " "));
      ++given;
    }
    return {};
  }
  Result<CommitReport> Finish() override { return CommitReport{}; }
  bool WasGiven(EntityId entity, std::string_view id) const override {
    return rows.count(schema_.entity(entity).name + " " + std::string(id)) > 0;
  }

  PlainRows rows;
  uint64_t given = 0;
  bool fails = false;

 private:
  const Schema& schema_;
};

class MemoryFile final : public ReadableFile {
 public:
  explicit MemoryFile(std::string text, size_t piece_bytes = SIZE_MAX)
      : text_(std::move(text)), piece_bytes_(piece_bytes) {}

  Result<size_t> Read(std::span<char> bytes) override {
    const size_t count = std::min({bytes.size(), piece_bytes_, text_.size() - at_});
    std::copy_n(text_.data() + at_, count, bytes.data());
    at_ += count;
    return count;
  }

 private:
  std::string text_;
  size_t piece_bytes_;
  size_t at_ = 0;
};

}  // namespace rescind

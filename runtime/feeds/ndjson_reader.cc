// Two passes over a line: the first stops once it has seen entity and id, which stand at its
// beginning as a rule; the second puts the fields.
#include "runtime/feeds/ndjson_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/assert.h"

namespace rescind {
namespace {

using simdjson::error_code;
using simdjson::ondemand::json_type;

static_assert(kPaddingBytes >= simdjson::SIMDJSON_PADDING);

const char* NameOf(json_type type) {
  switch (type) {
    case json_type::array: return "a list";
    case json_type::object: return "an object";
    case json_type::number: return "a number";
    case json_type::string: return "a text";
    case json_type::boolean: return "true or false";
    case json_type::null: return "null";
  }
  return "something else";
}

ValueProblem WrongType(const Schema& schema, const FieldDef& field, json_type given) {
  std::string help;
  switch (field.type.kind) {
    case TypeKind::kBool: help = "write true or false, without quotes"; break;
    case TypeKind::kInt: help = "write a whole number, without quotes"; break;
    case TypeKind::kSet: help = "write a list: [\"a\", \"b\"]"; break;
    case TypeKind::kTime: help = "write it like \"2026-04-01T09:00:00Z\""; break;
    case TypeKind::kDate: help = "write it like \"2026-04-01\""; break;
    case TypeKind::kDuration: help = "write it like \"90d\""; break;
    default: help = "write it in quotes"; break;
  }
  return {fmt::format("{} cannot stand for {}", NameOf(given), FormatType(schema, field.type)),
          help};
}

// `text` as the reader gives it may hold what "\u0000" stands for.
bool HasNul(std::string_view text) { return std::memchr(text.data(), 0, text.size()) != nullptr; }

// Not only a word that begins like it.
bool IsNull(simdjson::ondemand::value value) {
  bool is_null = false;
  return !value.is_null().get(is_null) && is_null;
}

ValueProblem NulProblem() { return {"the text holds a NUL character", "remove \\u0000"}; }

}  // namespace

NdjsonReader::NdjsonReader(ReadableFile& file, const Schema& schema, FeedOptions options)
    : options_(std::move(options)),
      values_(schema, options_.moments, options_.latest_effective),
      buffer_(file),
      plans_(schema.entities().size()) {
  for (size_t e = 0; e < plans_.size(); ++e) {
    const EntityDef& entity = schema.entities()[e];
    for (uint32_t f = 0; f < entity.fields.size(); ++f) {
      if (IsRequired(entity.fields[f])) plans_[e].required.push_back(FieldId(f));
    }
    plans_[e].left_out.resize(plans_[e].required.size());
  }
}

Status NdjsonReader::Open() {
  if (!options_.entity.empty() && !values_.schema().Find(options_.entity)) {
    const ValueProblem problem = values_.UnknownEntity(options_.entity);
    return Error{ErrorKind::kInvalidInput, problem.what, problem.help};
  }
  RESCIND_TRY(SkipByteOrderMark(buffer_));
  // What was read may have been a byte order mark and nothing else.
  if (buffer_.rest().empty()) RESCIND_TRY(buffer_.More());
  RESCIND_TRY(CheckBeginning(buffer_.rest(), options_.name));
  const size_t first = buffer_.rest().find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    if (!buffer_.rest().empty() || !buffer_.at_end()) return {};
    return Error{ErrorKind::kInvalidInput, fmt::format("{} is empty", options_.name),
                 "export it again; a source that has no rows gives one empty line"};
  }
  if (buffer_.rest()[first] != '[') return {};
  return Error{ErrorKind::kInvalidInput,
               fmt::format("{} is one JSON list, not one object a line", options_.name),
               fmt::format("take it apart: jq -c '.[]' {} | rescind import -", options_.name)};
}

Result<bool> NdjsonReader::NextLine() {
  for (;;) {
    buffer_.Consume(std::exchange(consume_next_, 0));
    is_too_long_ = goes_on_ = is_cut_off_ = false;
    std::string_view rest = buffer_.rest();
    const char* end = nullptr;
    for (size_t searched = 0;;) {
      end = static_cast<const char*>(
          rest.empty() ? nullptr
                       : std::memchr(rest.data() + searched, '\n', rest.size() - searched));
      if (end != nullptr || buffer_.at_end()) break;
      searched = rest.size();
      if (rest.size() > kMaxRecordBytes) {
        goes_on_ = true;
        break;
      }
      RESCIND_TRY(buffer_.More());
      rest = buffer_.rest();
    }
    if (rest.empty()) return false;
    const size_t size = end == nullptr ? rest.size() : static_cast<size_t>(end - rest.data());
    consume_next_ = end == nullptr ? size : size + 1;
    is_cut_off_ = end == nullptr && !goes_on_;
    ++line_number_;
    line_ = rest.substr(0, size);
    if (!goes_on_ && line_.ends_with('\r')) line_.remove_suffix(1);
    is_too_long_ = goes_on_ || line_.size() > kMaxRecordBytes;
    if (is_too_long_) return true;
    const bool is_blank = line_.find_first_not_of(" \t\r") == std::string_view::npos;
    if (!is_blank && !line_.starts_with(kCommentMark)) return true;
  }
}

Result<bool> NdjsonReader::Read(FeedBatch& batch) {
  while (!batch.full()) {
    if (goes_on_) {
      RESCIND_TRY(TakeNextPart(batch));
      continue;
    }
    RESCIND_ASSIGN(const bool any, NextLine());
    batch.read_bytes = buffer_.consumed_bytes();
    if (!any) return false;
    TakeLine(batch);
  }
  return true;
}

void NdjsonReader::TakeLine(FeedBatch& batch) {
  std::optional<Problem> problem;
  const size_t rows_before = batch.delta.rows().size();
  if (is_too_long_) {
    problem = Problem{.text = {fmt::format("the line is longer than {} bytes", kMaxRecordBytes),
                               "one object stands on one line, and one line is one object"}};
  } else {
    problem = PutLine(batch.delta);
  }
  if (!problem) {
    batch.lines.push_back(line_number_);
    if (!options_.keep_originals) return;
    batch.originals += line_;
    batch.original_ends.push_back(batch.originals.size());
    return;
  }
  if (batch.delta.rows().size() > rows_before) batch.delta.DropRow();
  BadRecord bad{.line = line_number_,
                .column = 0,
                .field = std::move(problem->field),
                .value = std::move(problem->value),
                .what = std::move(problem->text.what),
                .help = std::move(problem->text.help),
                .original = ""};
  if (problem->offset != std::string_view::npos) {
    bad.column = CountCodePoints(line_.substr(0, problem->offset)) + 1;
  }
  if (options_.keep_originals) bad.original = line_;
  bad.goes_on = goes_on_;
  batch.Reject(std::move(bad));
}

Status NdjsonReader::TakeNextPart(FeedBatch& batch) {
  buffer_.Consume(std::exchange(consume_next_, 0));
  if (!options_.keep_originals) {
    goes_on_ = false;
    return buffer_.SkipLine();
  }
  RESCIND_ASSIGN(const LinePart part, ReadLinePart(buffer_));
  goes_on_ = part.goes_on;
  consume_next_ = part.consumed_bytes;
  batch.Reject(MorePart(line_number_, part));
  return {};
}

std::optional<NdjsonReader::Problem> NdjsonReader::PutLine(FactDelta& delta) {
  if (const size_t nul = line_.find('\0'); nul != std::string_view::npos) {
    return Problem{.offset = nul, .text = {"a NUL byte stands here", "export the file as text"}};
  }
  const size_t readable =
      buffer_.readable_bytes() - static_cast<size_t>(line_.data() - buffer_.rest().data());
  const auto error = parser_.iterate(line_.data(), line_.size(), readable).get(document_);
  // Then document_ is still the line before and knows no place.
  if (error) {
    const bool has_place = error == simdjson::UTF8_ERROR;
    return Problem{.offset = has_place ? FindInvalidUtf8(line_) : std::string_view::npos,
                   .text = MalformedText(error)};
  }
  if (auto problem = FindRow()) return problem;
  if (auto problem = PutFields(delta)) return problem;
  Plan& plan = plans_[entity_.index()];
  if (!is_deleted_ && required_given_ < plan.required.size()) NoteGap(plan);
  if (!is_deleted_) return std::nullopt;
  // Of a row that is gone only the instant matters.
  const int64_t effective_micros = delta.rows().back().effective_micros;
  delta.DropRow();
  delta.BeginRow(entity_, id_);
  delta.Delete();
  if (effective_micros != kUnknownLong) delta.SetEffective({effective_micros});
  return std::nullopt;
}

std::optional<NdjsonReader::Problem> NdjsonReader::FindRow() {
  simdjson::ondemand::object object;
  if (const auto error = document_.get_object().get(object)) return Malformed(error);
  std::string entity;
  bool has_entity = false, has_id = false;
  for (auto item : object) {
    simdjson::ondemand::field field;
    std::string_view key, text;
    if (const auto error = std::move(item).get(field)) return Malformed(error);
    const size_t offset = OffsetOf(field.key().raw() - 1);
    if (const auto error = field.unescaped_key().get(key)) return Malformed(error);
    if (key != "entity" && key != "id") continue;
    const bool is_id = key == "id";
    if (const auto error = field.value().get_string().get(text)) {
      if (error != simdjson::INCORRECT_TYPE) return Malformed(error);
      return Problem{.offset = offset,
                     .field = is_id ? "id" : "entity",
                     .text = {"it is no text", "write it in quotes"}};
    }
    (is_id ? id_ : entity) = text;
    (is_id ? has_id : has_entity) = true;
    if (is_id) {
      if (auto problem = CheckId(text)) {
        return Problem{.offset = offset, .field = "id", .value = ShowValue(text), .text = *problem};
      }
    } else if (!values_.schema().Find(text)) {
      return Problem{.offset = offset,
                     .field = "entity",
                     .value = ShowValue(text),
                     .text = values_.UnknownEntity(text)};
    }
    if (has_id && has_entity) break;
  }
  if (!has_entity && options_.entity.empty()) {
    return Problem{.field = "entity",
                   .text = {"the line does not say of which entity it is",
                            "add \"entity\":\"…\", or give --entity"}};
  }
  if (!has_id) {
    return Problem{.field = "id", .text = {"the line names no row", "add \"id\":\"…\""}};
  }
  entity_ = *values_.schema().Find(has_entity ? entity : options_.entity);
  return std::nullopt;
}

std::optional<NdjsonReader::Problem> NdjsonReader::PutFields(FactDelta& delta) {
  document_.rewind();
  simdjson::ondemand::object object;
  if (const auto error = document_.get_object().get(object)) return Malformed(error);
  is_deleted_ = false;
  required_given_ = 0;
  delta.BeginRow(entity_, id_);
  uint32_t place = 0;
  for (auto item : object) {
    simdjson::ondemand::field field;
    if (const auto error = std::move(item).get(field)) return Malformed(error);
    if (auto problem = PutField(field, place++, delta)) return problem;
  }
  const char* at = nullptr;
  if (document_.current_location().get(at) == simdjson::OUT_OF_BOUNDS) return std::nullopt;
  return Problem{.offset = OffsetOf(at),
                 .text = {"something follows the object", "write one object a line"}};
}

std::optional<NdjsonReader::Problem> NdjsonReader::PutField(simdjson::ondemand::field field,
                                                            uint32_t place, FactDelta& delta) {
  const size_t offset = OffsetOf(field.key().raw() - 1);
  std::string_view key;
  if (const auto error = field.unescaped_key().get(key)) return Malformed(error);
  Plan::Known* known = Lookup(plans_[entity_.index()], key, place);
  if (known == nullptr) {
    const auto inverse = values_.schema().entity(entity_).Find(key);
    return Problem{.offset = offset,
                   .field = std::string(key),
                   .text = inverse ? values_.InverseField(entity_, *inverse)
                                   : values_.UnknownField(entity_, key)};
  }
  if (known->given_in_line == line_number_) {
    return Problem{.offset = offset,
                   .field = known->key,
                   .text = {"it is given twice", "give every field once a line"}};
  }
  known->given_in_line = line_number_;
  if (known->target.is_required) ++required_given_;
  if (auto problem = PutValue(known->target, field.value(), delta)) {
    Problem located{
        .offset = offset, .field = known->key, .value = "", .text = std::move(*problem)};
    std::string_view token = field.value().raw_json_token();
    while (!token.empty() && std::strchr(" \t\r\n", token.back()) != nullptr)
      token.remove_suffix(1);
    if (token.size() >= 2 && token.front() == '"' && token.back() == '"') {
      token = token.substr(1, token.size() - 2);
    }
    if (token != "[" && token != "{") located.value = ShowValue(token);
    return located;
  }
  return std::nullopt;
}

NdjsonReader::Plan::Known* NdjsonReader::Lookup(Plan& plan, std::string_view key, uint32_t place) {
  if (place < plan.sequence.size()) {
    Plan::Known& guess = plan.keys[plan.sequence[place]];
    if (guess.key == key) return &guess;
  }
  uint32_t index = 0;
  while (index < plan.keys.size() && plan.keys[index].key != key) ++index;
  if (index == plan.keys.size()) {
    const auto target = Resolve(key);
    if (!target) return nullptr;
    plan.keys.push_back({std::string(key), *target, 0});
  }
  if (place == plan.sequence.size()) plan.sequence.push_back(index);
  if (place < plan.sequence.size()) plan.sequence[place] = index;
  return &plan.keys[index];
}

std::optional<NdjsonReader::Target> NdjsonReader::Resolve(std::string_view key) const {
  if (key == "entity") return Target{Meaning::kEntity, {}};
  if (key == "id") return Target{Meaning::kId, {}};
  if (key == kEffectiveField) return Target{Meaning::kEffective, {}};
  if (key == kDeletedField) return Target{Meaning::kDeleted, {}};
  const auto field = values_.schema().entity(entity_).Find(key);
  if (field) {
    const TypeKind kind = values_.schema().field(entity_, *field).type.kind;
    if (kind == TypeKind::kMany) return std::nullopt;
    return Target{kind == TypeKind::kSet ? Meaning::kSet : Meaning::kField, *field,
                  IsRequired(values_.schema().field(entity_, *field))};
  }
  if (key == kEffectiveField.substr(1)) return Target{Meaning::kEffective, {}};
  if (key == kDeletedField.substr(1)) return Target{Meaning::kDeleted, {}};
  return std::nullopt;
}

void NdjsonReader::NoteGap(Plan& plan) {
  ++plan.gap_rows;
  for (size_t i = 0; i < plan.required.size(); ++i) {
    const auto gives = [&](const Plan::Known& known) {
      return known.target.is_required && known.target.field == plan.required[i] &&
             known.given_in_line == line_number_;
    };
    if (std::none_of(plan.keys.begin(), plan.keys.end(), gives)) plan.left_out[i] = true;
  }
}

std::vector<std::string> NdjsonReader::gaps() const {
  std::vector<std::string> gaps;
  for (size_t e = 0; e < plans_.size(); ++e) {
    const Plan& plan = plans_[e];
    if (plan.gap_rows == 0) continue;
    const EntityDef& entity = values_.schema().entities()[e];
    std::vector<std::string> names;
    for (size_t i = 0; i < plan.required.size(); ++i) {
      if (plan.left_out[i]) {
        names.push_back(fmt::format("`{}`", entity.fields[plan.required[i].index()].name));
      }
    }
    gaps.push_back(
        fmt::format("{}: {} row{} of {} left out {}, which every {} needs: what is new among them "
                    "stays incomplete and matches no policy until a feed gives it",
                    options_.name, plan.gap_rows, plan.gap_rows == 1 ? "" : "s", entity.name,
                    fmt::join(names, " or "), entity.name));
  }
  return gaps;
}

std::optional<ValueProblem> NdjsonReader::PutValue(Target target, Value value, FactDelta& delta) {
  switch (target.meaning) {
    case Meaning::kField: return PutScalar(target.field, value, delta);
    case Meaning::kSet: return PutSet(target.field, value, delta);
    case Meaning::kDeleted: {
      const auto error = value.get_bool().get(is_deleted_);
      if (!error) return std::nullopt;
      return ValueProblem{"it is neither true nor false", "write true or false, without quotes"};
    }
    case Meaning::kEffective: {
      std::string_view text;
      if (!value.get_string().get(text)) return values_.PutEffective(text, delta);
      return ValueProblem{"it is no text", "write it like \"2026-04-01T09:00:00Z\""};
    }
    case Meaning::kEntity:
    case Meaning::kId: {
      std::string_view passed_over;
      const auto error = value.get_string().get(passed_over);
      if (error) return MalformedText(error);
      return std::nullopt;
    }
  }
  RESCIND_UNREACHABLE("a meaning beyond the enumeration");
}

std::optional<ValueProblem> NdjsonReader::PutScalar(FieldId id, Value value, FactDelta& delta) {
  json_type type;
  if (const auto error = value.type().get(type)) return MalformedText(error);
  const FieldDef& field = values_.schema().field(entity_, id);
  const TypeKind kind = field.type.kind;
  if (type == json_type::string && kind != TypeKind::kInt && kind != TypeKind::kBool) {
    std::string_view text;
    if (const auto error = value.get_string().get(text)) return MalformedText(error);
    if (HasNul(text)) return NulProblem();
    return values_.Put(entity_, id, text, delta);
  }
  if (type == json_type::null) {
    if (!IsNull(value)) return MalformedText(simdjson::N_ATOM_ERROR);
    return values_.PutUnknown(entity_, id, delta);
  }
  if (type == json_type::boolean && kind == TypeKind::kBool) {
    bool yes = false;
    if (const auto error = value.get_bool().get(yes)) return MalformedText(error);
    delta.SetNumber(id, yes);
    return std::nullopt;
  }
  if (type == json_type::number && kind == TypeKind::kInt) {
    int64_t number = 0;
    if (value.get_int64().get(number) || number == kUnknownLong) {
      return ValueProblem{"it is no whole number of at most 18 digits", "write one such as 42"};
    }
    delta.SetNumber(id, number);
    return std::nullopt;
  }
  return WrongType(values_.schema(), field, type);
}

std::optional<ValueProblem> NdjsonReader::PutSet(FieldId id, Value value, FactDelta& delta) {
  json_type type;
  if (const auto error = value.type().get(type)) return MalformedText(error);
  const FieldDef& field = values_.schema().field(entity_, id);
  if (type == json_type::null) {
    if (!IsNull(value)) return MalformedText(simdjson::N_ATOM_ERROR);
    return values_.PutUnknown(entity_, id, delta);
  }
  if (type != json_type::array) return WrongType(values_.schema(), field, type);
  simdjson::ondemand::array list;
  if (const auto error = value.get_array().get(list)) return MalformedText(error);
  delta.BeginSet(id);
  for (auto item : list) {
    Value member;
    std::string_view text;
    int64_t number = 0;
    if (const auto error = std::move(item).get(member)) return MalformedText(error);
    if (field.type.element == TypeKind::kInt) {
      if (member.get_int64().get(number) || number == kUnknownLong) {
        return ValueProblem{"a member is no whole number", "write a list such as [1, 2]"};
      }
      delta.AddNumber(number);
      continue;
    }
    if (const auto error = member.get_string().get(text)) {
      if (error != simdjson::INCORRECT_TYPE) return MalformedText(error);
      return ValueProblem{"a member is no text", "write a list such as [\"a\", \"b\"]"};
    }
    if (HasNul(text)) return NulProblem();
    if (auto problem = values_.PutMember(field.type, text, delta)) return problem;
  }
  return std::nullopt;
}

ValueProblem NdjsonReader::MalformedText(error_code error) const {
  if (error == simdjson::UTF8_ERROR) {
    return {"the bytes from here on are not UTF-8",
            "convert the file: iconv -f WINDOWS-1252 -t UTF-8 FILE"};
  }
  if (error == simdjson::INCORRECT_TYPE) {
    return {"the line is no JSON object", "write one object a line: {\"entity\":…, \"id\":…}"};
  }
  if (error == simdjson::UNCLOSED_STRING || error == simdjson::INCOMPLETE_ARRAY_OR_OBJECT) {
    if (is_cut_off_) {
      return {"the last line ends in the middle of its object",
              "the file was cut off: export it again"};
    }
    return {"the line ends in the middle of its object",
            "write each object on one line: jq -c . FILE | rescind import -"};
  }
  return {fmt::format("the line is not well-formed JSON ({})", simdjson::error_message(error)),
          "mend it, or export the file again"};
}

NdjsonReader::Problem NdjsonReader::Malformed(error_code error) {
  Problem problem{.text = MalformedText(error)};
  const char* at = nullptr;
  if (!document_.current_location().get(at)) problem.offset = OffsetOf(at);
  return problem;
}

size_t NdjsonReader::OffsetOf(const char* at) const {
  if (at < line_.data() || at > line_.data() + line_.size()) return std::string_view::npos;
  return static_cast<size_t>(at - line_.data());
}

}  // namespace rescind

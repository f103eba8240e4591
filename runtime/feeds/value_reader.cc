#include "runtime/feeds/value_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "engine/base/assert.h"
#include "engine/base/diagnostic.h"
#include "engine/base/visible_text.h"

namespace rescind {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

bool SameButForCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::optional<int64_t> ReadInteger(std::string_view text) {
  int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number == kUnknownLong) return std::nullopt;
  return number;
}

constexpr const char* kWholeNumber = "write a whole number such as 42, of at most 18 digits";
constexpr const char* kFormatHelp = "or say how the feed writes it with --date-format";

ValueProblem NotAsWritten(const MomentFormat& format) {
  return {fmt::format("it is not written as \"{}\", or there is no such moment", format.pattern()),
          "mend the value, or --date-format"};
}

constexpr size_t kMicrosDigits = 6;
constexpr size_t kMostFractionDigits = 9;

// Digits of the fraction of a second: 7 in "2026-04-01T09:00:00.1234567Z".
size_t FractionDigits(std::string_view text) {
  const size_t point = text.find('.');
  if (point == text.npos) return 0;
  const size_t end = text.find_first_not_of("0123456789", point + 1);
  return (end == text.npos ? text.size() : end) - point - 1;
}

// ISO 8601. Some systems write more digits than we keep: what is finer than a microsecond is cut.
std::optional<Instant> ReadIsoInstant(std::string_view text) {
  if (const auto instant = ParseInstant(text)) return instant;
  const size_t digits = FractionDigits(text);
  if (digits <= kMicrosDigits || digits > kMostFractionDigits) return std::nullopt;
  std::string cut(text);
  cut.erase(cut.find('.') + 1 + kMicrosDigits, digits - kMicrosDigits);
  return ParseInstant(cut);
}

bool IsDayOnly(std::string_view text) { return ParseDay(text).has_value(); }
bool LacksOffset(std::string_view text) {
  return ReadIsoInstant(std::string(text) + "Z").has_value();
}

ValueProblem NotATime(std::string_view text) {
  if (IsDayOnly(text)) {
    return {"a time needs an hour and an offset from UTC",
            fmt::format("write {}T00:00Z, {}", text, kFormatHelp)};
  }
  if (LacksOffset(text)) {
    return {"a time needs its offset from UTC", fmt::format("write {}Z, {}", text, kFormatHelp)};
  }
  if (FractionDigits(text) > kMostFractionDigits) {
    return {fmt::format("a second has at most {} digits behind the point", kMostFractionDigits),
            fmt::format("write it like 2026-04-01T09:00:00.123456Z, {}", kFormatHelp)};
  }
  return {"it is no time", fmt::format("write it like 2026-04-01T09:00:00Z, {}", kFormatHelp)};
}

ValueProblem BlankAround() {
  return {"an id neither begins nor ends with a blank",
          "remove the blank: with it, the id names another row"};
}

// Joiners and variation selectors shape the letters and pictures of scripts from Arabic on, which
// is where such scripts begin in Unicode. Beside other letters nobody sees them.
constexpr uint32_t kFirstShapedScript = 0x0600;
bool IsShaped(uint32_t code) { return code >= kFirstShapedScript && !IsHiddenMark(code); }
bool IsJoiner(uint32_t code) { return code == 0x200C || code == 0x200D; }
bool IsSelector(uint32_t code) { return code >= 0xFE00 && code <= 0xFE0F; }

bool ShapesNeighbours(uint32_t before, uint32_t mark, uint32_t after) {
  if (IsSelector(mark)) return IsShaped(before);
  return IsJoiner(mark) && (IsShaped(before) || IsSelector(before)) && IsShaped(after);
}

// `id` is not empty.
std::optional<ValueProblem> CheckBeyondAscii(std::string_view id) {
  uint32_t before = 0;
  for (size_t at = 0; at < id.size();) {
    const CodePoint here = CodePointAt(id, at);
    const bool is_first = at == 0;
    at += here.bytes;
    const uint32_t after = at < id.size() ? CodePointAt(id, at).code : 0;
    if (IsOddBlank(here.code)) {
      if (is_first || at == id.size()) return BlankAround();
    } else if (IsHiddenMark(here.code) && !ShapesNeighbours(before, here.code, after)) {
      return ValueProblem{fmt::format("an id holds nothing that is not seen, and this one {} ({})",
                                      VisibleMark(here.code), HiddenMarkName(here.code)),
                          "remove it: with it, the id names another row"};
    }
    before = here.code;
  }
  return std::nullopt;
}

}  // namespace

std::string Meant(std::string_view name, const std::vector<std::string>& candidates) {
  for (const std::string& candidate : candidates) {
    if (SameButForCase(name, candidate)) return candidate;
  }
  return DidYouMean(name, candidates).value_or("");
}

Status MomentFormats::Add(std::string_view option) {
  const size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals == option.npos ? 0 : equals);
  if (name.empty() || name.find('%') != name.npos) {
    if (general) {
      return Error{ErrorKind::kInvalidInput, "--date-format is given twice",
                   "give one for all fields, and FIELD=FORMAT for those that differ"};
    }
    RESCIND_ASSIGN(general, MomentFormat::Parse(option));
    return {};
  }
  RESCIND_ASSIGN(MomentFormat format, MomentFormat::Parse(option.substr(equals + 1)));
  by_field.insert_or_assign(std::string(name), std::move(format));
  return {};
}

const MomentFormat* MomentFormats::For(const std::string& field) const {
  if (!by_field.empty()) {
    if (const auto found = by_field.find(field); found != by_field.end()) return &found->second;
  }
  return general ? &*general : nullptr;
}

bool IsRequired(const FieldDef& field) {
  return !field.type.optional && field.type.kind != TypeKind::kSet &&
         field.type.kind != TypeKind::kMany;
}

std::optional<ValueProblem> CheckId(std::string_view id) {
  if (id.empty()) return ValueProblem{"an id cannot be empty", "give the row's unique key"};
  if (id.size() > kMaxIdBytes) {
    return ValueProblem{
        fmt::format("an id has at most {} bytes, this one {}", kMaxIdBytes, id.size()),
        "give a shorter key"};
  }
  if (IsBlank(id.front()) || IsBlank(id.back())) return BlankAround();
  bool is_ascii = true;
  for (const char c : id) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      return ValueProblem{"an id has no control characters", "remove them"};
    }
    is_ascii = is_ascii && byte < 0x80;
  }
  return is_ascii ? std::nullopt : CheckBeyondAscii(id);
}

ValueProblem ValueReader::NoMember(const EnumDef& enumeration, std::string_view text) const {
  const std::string meant = Meant(text, enumeration.members);
  return {fmt::format("it is none of {}", fmt::join(enumeration.members, ", ")),
          meant.empty() ? "write one of them, or map the feed's words before importing"
                        : fmt::format("did you mean `{}`?", meant)};
}

std::optional<ValueProblem> ValueReader::PutTime(const FieldDef& field, FieldId id,
                                                 std::string_view text, FactDelta& delta) const {
  const MomentFormat* format = formats_.For(field.name);
  const auto instant = format ? format->ReadInstant(text, *formats_.zone) : ReadIsoInstant(text);
  if (!instant) return format ? NotAsWritten(*format) : NotATime(text);
  delta.SetNumber(id, instant->micros);
  return std::nullopt;
}

std::optional<ValueProblem> ValueReader::PutDate(const FieldDef& field, FieldId id,
                                                 std::string_view text, FactDelta& delta) const {
  const MomentFormat* format = formats_.For(field.name);
  const auto day = format ? format->ReadDay(text) : ParseDay(text);
  if (!day) {
    if (format) return NotAsWritten(*format);
    return ValueProblem{"it is no date", fmt::format("write it like 2026-04-01, {}", kFormatHelp)};
  }
  delta.SetNumber(id, day->days);
  return std::nullopt;
}

std::optional<ValueProblem> ValueReader::Put(EntityId entity, FieldId id, std::string_view text,
                                             FactDelta& delta) const {
  const FieldDef& field = schema_.field(entity, id);
  switch (field.type.kind) {
    case TypeKind::kText: delta.SetText(id, text); return std::nullopt;
    case TypeKind::kReference:
      if (auto problem = CheckId(text)) return problem;
      delta.SetReference(id, text);
      return std::nullopt;
    case TypeKind::kBool: {
      const bool yes = SameButForCase(text, "true");
      if (!yes && !SameButForCase(text, "false")) {
        return ValueProblem{"it is neither true nor false", "write true or false"};
      }
      delta.SetNumber(id, yes);
      return std::nullopt;
    }
    case TypeKind::kInt: {
      const auto number = ReadInteger(text);
      if (!number) return ValueProblem{"it is no whole number", kWholeNumber};
      delta.SetNumber(id, *number);
      return std::nullopt;
    }
    case TypeKind::kEnum: {
      const EnumDef& enumeration = schema_.enumeration(field.type.enumeration);
      const auto member = enumeration.Find(text);
      if (!member) return NoMember(enumeration, text);
      delta.SetNumber(id, *member);
      return std::nullopt;
    }
    case TypeKind::kTime: return PutTime(field, id, text, delta);
    case TypeKind::kDate: return PutDate(field, id, text, delta);
    case TypeKind::kDuration: {
      const auto length = ParseDuration(text);
      if (!length) return ValueProblem{"it is no duration", "write it like 90d, 12h or 1h30m"};
      delta.SetNumber(id, length->micros);
      return std::nullopt;
    }
    case TypeKind::kSet:
    case TypeKind::kMany: break;
  }
  RESCIND_UNREACHABLE("sets and inverses are no single values");
}

std::optional<ValueProblem> ValueReader::PutUnknown(EntityId entity, FieldId id,
                                                    FactDelta& delta) const {
  const FieldDef& field = schema_.field(entity, id);
  if (!field.type.optional && field.type.kind != TypeKind::kSet) {
    return ValueProblem{
        fmt::format("it cannot be unknown: it is declared as {}", FormatType(schema_, field.type)),
        "give a value, or leave the field out to keep the old one"};
  }
  delta.SetUnknown(id);
  return std::nullopt;
}

std::optional<ValueProblem> ValueReader::PutMember(const FieldType& type, std::string_view text,
                                                   FactDelta& delta) const {
  switch (type.element) {
    case TypeKind::kText: delta.AddText(text); return std::nullopt;
    case TypeKind::kReference:
      if (auto problem = CheckId(text)) return problem;
      delta.AddText(text);
      return std::nullopt;
    case TypeKind::kInt: {
      const auto number = ReadInteger(text);
      if (!number) {
        return ValueProblem{fmt::format("the member {} is no whole number", ShowValue(text)),
                            kWholeNumber};
      }
      delta.AddNumber(*number);
      return std::nullopt;
    }
    case TypeKind::kEnum: {
      const EnumDef& enumeration = schema_.enumeration(type.enumeration);
      const auto member = enumeration.Find(text);
      if (!member) {
        ValueProblem problem = NoMember(enumeration, text);
        problem.what = fmt::format("of the member {}, {}", ShowValue(text), problem.what);
        return problem;
      }
      delta.AddNumber(*member);
      return std::nullopt;
    }
    default: break;
  }
  RESCIND_UNREACHABLE("sets hold texts, integers, enum members and references");
}

std::optional<ValueProblem> ValueReader::PutSet(EntityId entity, FieldId id, std::string_view text,
                                                FactDelta& delta) const {
  const FieldType& type = schema_.field(entity, id).type;
  delta.BeginSet(id);
  while (!text.empty()) {
    const size_t end = text.find(';');
    std::string_view member = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    while (!member.empty() && IsBlank(member.front())) member.remove_prefix(1);
    while (!member.empty() && IsBlank(member.back())) member.remove_suffix(1);
    if (member.empty()) continue;
    if (auto problem = PutMember(type, member, delta)) return problem;
  }
  return std::nullopt;
}

std::optional<ValueProblem> ValueReader::PutEffective(std::string_view text,
                                                      FactDelta& delta) const {
  const MomentFormat* format = formats_.For("@effective_at");
  std::optional<Instant> instant;
  if (format) {
    instant = format->ReadInstant(text, *formats_.zone);
  } else if (const auto day = ParseDay(text)) {
    instant = formats_.zone->StartOf(*day);
  } else {
    instant = ReadIsoInstant(text);
  }
  if (!instant) return format ? NotAsWritten(*format) : NotATime(text);
  if (latest_effective_ < *instant) {
    return ValueProblem{"it lies in the future, and what a feed says counts at once",
                        "deliver the line when it takes effect, or leave it out until then"};
  }
  delta.SetEffective(*instant);
  return std::nullopt;
}

ValueProblem ValueReader::UnknownField(EntityId entity, std::string_view name) const {
  const EntityDef& definition = schema_.entity(entity);
  std::vector<std::string> names = {"id"};
  for (const FieldDef& field : definition.fields) names.push_back(field.name);
  const std::string meant = Meant(name, names);
  return {fmt::format("{} has no field `{}`", definition.name, name),
          meant.empty() ? fmt::format("its fields are {}", fmt::join(names, ", "))
                        : fmt::format("did you mean `{}`?", meant)};
}

ValueProblem ValueReader::UnknownEntity(std::string_view name) const {
  std::vector<std::string> names;
  for (const EntityDef& entity : schema_.entities()) names.push_back(entity.name);
  const std::string meant = Meant(name, names);
  return {fmt::format("there is no entity `{}`", name),
          meant.empty() ? fmt::format("declared are {}", fmt::join(names, ", "))
                        : fmt::format("did you mean `{}`?", meant)};
}

ValueProblem ValueReader::InverseField(EntityId entity, FieldId id) const {
  const FieldType& type = schema_.field(entity, id).type;
  const EntityDef& other = schema_.entity(type.entity);
  const std::string& via = other.field(type.via).name;
  return {fmt::format("`{}` follows from `{}` of {} and is not given itself",
                      schema_.field(entity, id).name, via, other.name),
          fmt::format("give `{}` in the rows of {}", via, other.name)};
}

}  // namespace rescind

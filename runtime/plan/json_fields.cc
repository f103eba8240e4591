#include "runtime/plan/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rescind {
namespace {

std::string_view TypeName(JsonFields::Json::value_t type) {
  switch (type) {
    case JsonFields::Json::value_t::object: return "an object";
    case JsonFields::Json::value_t::array: return "a list";
    case JsonFields::Json::value_t::string: return "a text";
    case JsonFields::Json::value_t::boolean: return "true or false";
    default: return "a number";
  }
}

const JsonFields::Json& NeutralValue(JsonFields::Json::value_t type) {
  static const JsonFields::Json kObject = JsonFields::Json::object();
  static const JsonFields::Json kList = JsonFields::Json::array();
  static const JsonFields::Json kText = "";
  static const JsonFields::Json kFalse = false;
  static const JsonFields::Json kZero = 0U;
  switch (type) {
    case JsonFields::Json::value_t::object: return kObject;
    case JsonFields::Json::value_t::array: return kList;
    case JsonFields::Json::value_t::string: return kText;
    case JsonFields::Json::value_t::boolean: return kFalse;
    default: return kZero;
  }
}

// What a text of JSON shows without being parsed.
struct JsonOutline {
  size_t depth = 0;   // of the deepest object or list, as far as it was read
  size_t colons = 0;  // outside of texts: one for each member of an object
};

// Nesting is checked before parsing: the parser itself recurses.
JsonOutline OutlineOf(std::string_view text, size_t deepest) {
  JsonOutline outline;
  size_t depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_text = false;
      continue;
    }
    if (c == '"') in_text = true;
    if (c == ':') ++outline.colons;
    if (c == '{' || c == '[') outline.depth = std::max(outline.depth, ++depth);
    if ((c == '}' || c == ']') && depth > 0) --depth;
    if (outline.depth > deepest) break;
  }
  return outline;
}

size_t MembersIn(const JsonFields::Json& json) {
  if (!json.is_structured()) return 0;
  size_t count = json.is_object() ? json.size() : 0;
  for (const JsonFields::Json& part : json) count += MembersIn(part);
  return count;
}

// The first key that an object has twice. Only for a text that is known to have one.
std::string RepeatedKey(std::string_view text) {
  std::vector<std::set<std::string>> open;
  std::string repeated;
  const auto look = [&](int, JsonFields::Json::parse_event_t event, JsonFields::Json& parsed) {
    using Event = JsonFields::Json::parse_event_t;
    if (event == Event::object_start) open.emplace_back();
    if (event == Event::object_end) open.pop_back();
    if (event != Event::key) return true;
    const std::string key = parsed.get<std::string>();
    if (!open.back().insert(key).second && repeated.empty()) repeated = key;
    return true;
  };
  [[maybe_unused]] const JsonFields::Json seen =
      JsonFields::Json::parse(text, look, /*allow_exceptions=*/false);
  return repeated;
}

}  // namespace

JsonFields::JsonFields(const Json& object, std::string path)
    : JsonFields(object, std::move(path), std::make_shared<std::optional<std::string>>()) {}

JsonFields::JsonFields(const Json& object, std::string path, Failure failure)
    : object_(object.is_object() ? object : NeutralValue(Json::value_t::object)),
      path_(std::move(path)),
      failure_(std::move(failure)) {
  if (!object.is_object() && !failure_->has_value()) {
    *failure_ = fmt::format("{} is not an object", path_.empty() ? "the document" : path_);
  }
}

std::string JsonFields::Place(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void JsonFields::Fail(std::string_view name, std::string_view why) {
  if (!failure_->has_value()) *failure_ = fmt::format("{}: {}", Place(name), why);
}

const JsonFields::Json& JsonFields::Find(std::string_view name, Json::value_t type) {
  const auto found = object_.find(std::string(name));
  if (found == object_.end()) {
    Fail(name, "is missing");
    return NeutralValue(type);
  }
  const bool fits =
      type == Json::value_t::number_unsigned ? found->is_number_unsigned() : found->type() == type;
  if (!fits) {
    Fail(name, fmt::format("should be {}", TypeName(type)));
    return NeutralValue(type);
  }
  return *found;
}

std::string JsonFields::Text(std::string_view name) {
  return Find(name, Json::value_t::string).get<std::string>();
}

bool JsonFields::Bool(std::string_view name) {
  return Find(name, Json::value_t::boolean).get<bool>();
}

uint64_t JsonFields::Count(std::string_view name) {
  return Find(name, Json::value_t::number_unsigned).get<uint64_t>();
}

Instant JsonFields::Time(std::string_view name) {
  const std::string text = Text(name);
  if (text == "never") return Instant::Never();
  const std::optional<Instant> instant = ParseInstant(text);
  if (!instant) Fail(name, fmt::format("'{}' is no instant", text));
  return instant.value_or(Instant{});
}

Duration JsonFields::Length(std::string_view name) {
  const std::string text = Text(name);
  const std::optional<Duration> duration = ParseDuration(text);
  if (!duration) Fail(name, fmt::format("'{}' is no duration", text));
  return duration.value_or(Duration{});
}

std::vector<std::string> JsonFields::Texts(std::string_view name) {
  std::vector<std::string> texts;
  for (const Json& item : Find(name, Json::value_t::array)) {
    if (!item.is_string()) {
      Fail(name, "should hold texts only");
      break;
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::map<std::string, std::string> JsonFields::TextMap(std::string_view name) {
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : Find(name, Json::value_t::object).items()) {
    if (!value.is_string()) {
      Fail(name, "should hold texts only");
      break;
    }
    texts.emplace(key, value.get<std::string>());
  }
  return texts;
}

bool JsonFields::IsNull(std::string_view name) {
  const auto found = object_.find(std::string(name));
  return found != object_.end() && found->is_null();
}

bool JsonFields::Has(std::string_view name) const { return object_.contains(std::string(name)); }

Result<JsonFields::Json> ParseJsonDocument(std::string_view text, std::string_view format,
                                           std::string_view thing, std::string_view remedy) {
  constexpr size_t kDeepest = 64;
  auto refuse = [&](std::string message) {
    return Error{ErrorKind::kInvalidInput, std::move(message), std::string(remedy)};
  };
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return refuse(fmt::format("the {} is empty", thing));
  }
  const JsonOutline outline = OutlineOf(text, kDeepest);
  if (outline.depth > kDeepest) return refuse(fmt::format("the {} nests too deep", thing));
  JsonFields::Json json = JsonFields::Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return refuse(
        fmt::format("the {} is not valid JSON: it may be cut or not a {} at all", thing, thing));
  }
  // Readers differ in which of two members they take, so what one shows is not what another does.
  if (MembersIn(json) != outline.colons) {
    return refuse(
        fmt::format("an object of the {} has two members \"{}\"", thing, RepeatedKey(text)));
  }
  const auto found = json.is_object() ? json.find("format") : json.end();
  if (found == json.end() || !found->is_string()) {
    return refuse(fmt::format("this is no Rescind {}: the member \"format\" is missing", thing));
  }
  if (const std::string actual = found->get<std::string>(); actual != format) {
    const bool same_family = actual.starts_with(format.substr(0, format.find('/') + 1));
    return Error{same_family ? ErrorKind::kUnsupported : ErrorKind::kInvalidInput,
                 same_family ? fmt::format("the {} has format {}; this version of Rescind reads "
                                           "{}",
                                           thing, actual, format)
                             : fmt::format("this is no {}: its format is '{}', not '{}'", thing,
                                           actual, format),
                 std::string(remedy)};
  }
  return json;
}

}  // namespace rescind

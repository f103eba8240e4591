#include "runtime/service/table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/base/diagnostic.h"

namespace rescind {
namespace {

constexpr int64_t kMillionthsPerPercent = 10'000;

std::string_view TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "a boolean";
    default: return "a date or time without quotes";
  }
}

std::optional<std::vector<std::string>> TextsOf(const toml::array& array) {
  std::vector<std::string> texts;
  for (const toml::node& element : array) {
    const auto text = element.value_exact<std::string>();
    if (!text) return std::nullopt;
    texts.push_back(*text);
  }
  return texts;
}

}  // namespace

TextRange RangeOf(const toml::source_region& source) {
  return {{source.begin.line, source.begin.column}, {source.end.line, source.end.column}};
}

std::string PlaceOf(const std::string& file, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

std::optional<Share> ParsePercent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  int64_t millionths = 0;
  int64_t unit = kMillionthsPerPercent;  // of one whole percent
  bool in_fraction = false;
  size_t digit_count = 0;
  for (const char character : text) {
    if (character == '.' && !in_fraction && digit_count > 0) {
      in_fraction = true;
      digit_count = 0;
      continue;
    }
    if (character < '0' || character > '9' || ++digit_count > 4) return std::nullopt;
    if (in_fraction) {
      unit /= 10;
      millionths += unit * (character - '0');
    } else {
      millionths = millionths * 10 + kMillionthsPerPercent * (character - '0');
    }
  }
  if (digit_count == 0 || millionths <= 0 || millionths > 100 * kMillionthsPerPercent) {
    return std::nullopt;
  }
  return Share{true, millionths};
}

TableReader::TableReader(const toml::table& table, std::string file, std::string name,
                         std::vector<WorkspaceProblem>& problems)
    : table_(table), file_(std::move(file)), name_(std::move(name)), problems_(problems) {}

std::string TableReader::Place(const std::string& key) const {
  for (const auto& [name, node] : table_) {
    if (name.str() == key) return PlaceOf(file_, name.source());
  }
  return PlaceOf(file_, table_.source());
}

void TableReader::Reject(const std::string& key, std::string_view problem) {
  problems_.push_back(
      {kBadWorkspaceFile, Place(key), fmt::format("`{}` in {} {}", key, name_, problem), ""});
}

const toml::node* TableReader::Find(const std::string& key) {
  known_keys_.push_back(key);
  return table_.get(key);
}

std::optional<std::string> TableReader::Text(const std::string& key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return std::nullopt;
  auto text = node->value_exact<std::string>();
  if (!text) {
    Reject(key, fmt::format("must be a text in quotes, not {}", TypeName(*node)));
  } else if (text->empty()) {
    Reject(key, "must not be empty");
    return std::nullopt;
  } else if (text->find('\0') != std::string::npos) {
    Reject(key, "must not contain a NUL character");
    return std::nullopt;
  }
  return text;
}

std::optional<int64_t> TableReader::Integer(const std::string& key, int64_t least, int64_t most) {
  const toml::node* node = Find(key);
  if (node == nullptr) return std::nullopt;
  const auto number = node->value_exact<int64_t>();
  if (!number) {
    Reject(key, fmt::format("must be an integer, not {}", TypeName(*node)));
  } else if (*number < least || *number > most) {
    Reject(key, fmt::format("must be from {} to {}, not {}", least, most, *number));
    return std::nullopt;
  }
  return number;
}

std::optional<Duration> TableReader::Length(const std::string& key) {
  const auto text = Text(key);
  if (!text) return std::nullopt;
  const auto length = ParseDuration(*text);
  if (!length || length->micros <= 0) {
    Reject(key, fmt::format("must be a duration such as \"24h\", \"90d\" or \"1h30m\", not \"{}\"",
                            *text));
    return std::nullopt;
  }
  return length;
}

std::optional<Duration> TableReader::LengthOrNone(const std::string& key, Duration most) {
  const toml::node* node = Find(key);
  if (node == nullptr) return std::nullopt;
  if (node->value_exact<int64_t>() == 0 || node->value_exact<std::string>() == "0") {
    return Duration{};
  }
  const auto length = Length(key);
  if (!length || length->micros <= most.micros) return length;
  Reject(key, fmt::format("must be at most {}", FormatDuration(most)));
  return std::nullopt;
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  constexpr std::pair<std::string_view, int> kUnits[] = {{"MB", 20}, {"GB", 30}, {"TB", 40}};
  for (const auto& [unit, shift] : kUnits) {
    if (!text.ends_with(unit)) continue;
    text.remove_suffix(unit.size());
    while (text.ends_with(' ')) text.remove_suffix(1);
    uint64_t count = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
    const bool whole = failure == std::errc() && end == text.data() + text.size();
    if (!whole || count == 0 || count > 1'000'000) return std::nullopt;
    return count << shift;
  }
  return std::nullopt;
}

std::optional<uint64_t> TableReader::Size(const std::string& key) {
  const auto text = Text(key);
  if (!text) return std::nullopt;
  const auto bytes = ParseSize(*text);
  if (!bytes) {
    Reject(key, fmt::format("must be a size such as \"500MB\" or \"20GB\", not \"{}\"", *text));
  }
  return bytes;
}

std::optional<Share> TableReader::Part(const std::string& key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto count = node->value_exact<int64_t>(); count && *count >= 0) {
    return Share{false, *count};
  }
  const auto text = node->value_exact<std::string>();
  const auto share = text ? ParsePercent(*text) : std::nullopt;
  if (!share) Reject(key, "must be a percentage such as \"5%\", or a number of rows");
  return share;
}

std::optional<std::string> TableReader::OneOf(const std::string& key,
                                              const std::vector<std::string>& choices) {
  auto text = Text(key);
  if (!text || std::find(choices.begin(), choices.end(), *text) != choices.end()) return text;
  const auto meant = DidYouMean(*text, choices);
  Reject(key, fmt::format("must be one of {}, not \"{}\"{}", fmt::join(choices, ", "), *text,
                          meant ? fmt::format("; did you mean \"{}\"?", *meant) : ""));
  return std::nullopt;
}

std::optional<std::vector<std::string>> TableReader::TextList(const std::string& key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return std::nullopt;
  auto texts = node->is_array() ? TextsOf(*node->as_array()) : std::nullopt;
  if (!texts || texts->empty()) {
    Reject(key, "must be a list of texts such as [\"one\", \"two\"]");
    return std::nullopt;
  }
  return texts;
}

std::optional<std::vector<Day>> TableReader::Days(const std::string& key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return std::nullopt;
  const auto day_of = [](const toml::node& item) -> std::optional<Day> {
    if (const auto text = item.value_exact<std::string>()) return ParseDay(*text);
    const auto date = item.value_exact<toml::date>();
    if (!date) return std::nullopt;
    return ParseDay(fmt::format("{:04}-{:02}-{:02}", date->year, date->month, date->day));
  };
  std::vector<Day> days;
  bool good = node->is_array();
  for (size_t i = 0; good && i < node->as_array()->size(); ++i) {
    const auto day = day_of(*node->as_array()->get(i));
    good = day.has_value();
    if (good) days.push_back(*day);
  }
  if (good) return days;
  Reject(key, "must be a list of dates such as [\"2026-12-25\", \"2026-12-26\"]");
  return std::nullopt;
}

std::optional<std::vector<std::string>> TableReader::TextOrList(const std::string& key) {
  const toml::node* node = table_.get(key);
  if (node != nullptr && node->is_array()) return TextList(key);
  auto text = Text(key);
  if (!text) return std::nullopt;
  return std::vector<std::string>{*std::move(text)};
}

std::optional<SettingValue> TableReader::Setting(const std::string& key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto text = node->value_exact<std::string>()) return SettingValue(*text);
  if (const auto number = node->value_exact<int64_t>()) return SettingValue(*number);
  if (const auto truth = node->value_exact<bool>()) return SettingValue(*truth);
  if (node->is_array()) {
    if (auto texts = TextsOf(*node->as_array())) return SettingValue(*std::move(texts));
    Reject(key, "must be a list of texts");
    return std::nullopt;
  }
  Reject(key, fmt::format("must be a text, an integer, a boolean or a list of texts, not {}",
                          TypeName(*node)));
  return std::nullopt;
}

ExecutorSettings TableReader::RemainingSettings() {
  ExecutorSettings settings;
  for (const auto& [key, node] : table_) {
    const std::string name(key.str());
    if (std::find(known_keys_.begin(), known_keys_.end(), name) != known_keys_.end()) continue;
    if (auto value = Setting(name)) settings.emplace(name, *std::move(value));
  }
  return settings;
}

const toml::table* TableReader::Table(const std::string& key) {
  const toml::node* node = Find(key);
  if (node == nullptr || node->is_table()) return node == nullptr ? nullptr : node->as_table();
  Reject(key, fmt::format("must be a table, not {}", TypeName(*node)));
  return nullptr;
}

void TableReader::RejectUnknown() {
  for (const auto& [key, node] : table_) {
    const std::string name(key.str());
    if (std::find(known_keys_.begin(), known_keys_.end(), name) != known_keys_.end()) continue;
    const auto meant = DidYouMean(name, known_keys_);
    Reject(name, meant ? fmt::format("is unknown; did you mean `{}`?", *meant)
                       : fmt::format("is unknown; known are {}", fmt::join(known_keys_, ", ")));
  }
}

}  // namespace rescind

#include "runtime/executors/settings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/base/diagnostic.h"
#include "engine/base/instant.h"

namespace rescind {
namespace {

constexpr size_t kMaxSecretBytes = 64 << 10;

std::string Join(const std::vector<std::string>& items, std::string_view separator) {
  return fmt::format("{}", fmt::join(items, separator));
}

}  // namespace

SettingsReader::SettingsReader(std::string_view target_name, const ExecutorSettings& settings,
                               std::string_view workspace_folder)
    : target_name_(target_name), settings_(settings), workspace_folder_(workspace_folder) {}

template <typename T>
const T* SettingsReader::Find(const std::string& key, std::string_view type_name) {
  known_keys_.push_back(key);
  const auto found = settings_.find(key);
  if (found == settings_.end()) return nullptr;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) Reject(key, fmt::format("must be {}", type_name));
  return value;
}

std::string SettingsReader::Text(const std::string& key, std::string fallback) {
  const auto* value = Find<std::string>(key, "a text");
  if (value == nullptr) return fallback;
  if (value->find('\0') != std::string::npos) Reject(key, "must not hold a NUL character");
  return *value;
}

std::string SettingsReader::RequiredText(const std::string& key) {
  std::string value = Text(key);
  if (!Has(key)) {
    problems_.push_back(fmt::format("`{}` is missing", key));
  } else if (value.empty() && std::holds_alternative<std::string>(settings_.at(key))) {
    Reject(key, "must not be empty");
  }
  return value;
}

std::string SettingsReader::Choice(const std::string& key,
                                   const std::vector<std::string>& choices) {
  std::string value = Text(key, choices.front());
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return value;
  const auto meant = DidYouMean(value, choices);
  Reject(key, fmt::format("is \"{}\" but must be one of {}{}", value, Join(choices, ", "),
                          meant ? fmt::format("; did you mean \"{}\"?", *meant) : ""));
  return choices.front();
}

int64_t SettingsReader::Integer(const std::string& key, int64_t fallback, int64_t least,
                                int64_t most) {
  const auto* value = Find<int64_t>(key, "a whole number");
  if (value == nullptr) return fallback;
  if (*value >= least && *value <= most) return *value;
  Reject(key, fmt::format("is {} but must lie between {} and {}", *value, least, most));
  return fallback;
}

bool SettingsReader::Boolean(const std::string& key, bool fallback) {
  const auto* value = Find<bool>(key, "true or false");
  return value == nullptr ? fallback : *value;
}

std::vector<std::string> SettingsReader::TextList(const std::string& key) {
  const auto* value = Find<std::vector<std::string>>(key, "a list of texts");
  return value == nullptr ? std::vector<std::string>{} : *value;
}

std::chrono::milliseconds SettingsReader::TimeLimit(const std::string& key,
                                                    std::chrono::milliseconds fallback) {
  using std::chrono::milliseconds;
  const std::string text = Text(key);
  if (text.empty() && !Has(key)) return fallback;
  // Instants know no milliseconds, which tests and local servers want: "250ms".
  if (text.ends_with("ms") && text.size() > 2 && text.size() <= 9 &&
      std::all_of(text.begin(), text.end() - 2, [](char c) { return c >= '0' && c <= '9'; })) {
    const milliseconds limit(std::stoll(text.substr(0, text.size() - 2)));
    if (limit >= milliseconds(100) && limit <= std::chrono::hours(1)) return limit;
  } else if (const auto parsed = ParseDuration(text)) {
    const milliseconds limit(parsed->micros / 1000);
    if (limit >= milliseconds(100) && limit <= std::chrono::hours(1)) return limit;
  }
  Reject(key, fmt::format("is \"{}\" but must be a time between \"100ms\" and \"1h\"", text));
  return fallback;
}

std::string SettingsReader::File(const std::string& key) {
  const std::string name = Text(key);
  if (name.empty()) return "";
  return (std::filesystem::path(workspace_folder_) / name).lexically_normal().string();
}

void SettingsReader::Reject(const std::string& key, std::string problem) {
  problems_.push_back(fmt::format("`{}` {}", key, problem));
}

Status SettingsReader::Finish() const {
  std::vector<std::string> problems = problems_;
  for (const auto& [key, value] : settings_) {
    if (std::find(known_keys_.begin(), known_keys_.end(), key) != known_keys_.end()) continue;
    const auto meant = DidYouMean(key, known_keys_);
    problems.push_back(fmt::format("`{}` is not a setting of this kind{}", key,
                                   meant ? fmt::format("; did you mean `{}`?", *meant) : ""));
  }
  if (problems.empty()) return {};
  std::vector<std::string> known = known_keys_;
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  return Error{ErrorKind::kInvalidInput,
               fmt::format("[target.{}]: {}", target_name_, Join(problems, "; ")),
               fmt::format("its settings are: {}", Join(known, ", "))};
}

Result<std::string> ReadSecretFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (file < 0) {
    return Error{ErrorKind::kIo,
                 fmt::format("cannot read the secret file {}: {}", path, std::strerror(errno)),
                 "put the password into that file, readable only for the user that runs rescind"};
  }
  struct stat about {};
  const bool known = fstat(file, &about) == 0 && S_ISREG(about.st_mode);
  std::string content;
  std::array<char, 4096> block{};
  ssize_t count = 0;
  while (known && content.size() <= kMaxSecretBytes &&
         (count = read(file, block.data(), block.size())) > 0) {
    content.append(block.data(), static_cast<size_t>(count));
  }
  close(file);
  if (!known || count < 0) {
    return Error{ErrorKind::kIo, fmt::format("the secret file {} is not a plain file", path), ""};
  }
  if ((about.st_mode & (S_IROTH | S_IWOTH)) != 0) {
    return Error{ErrorKind::kDenied,
                 fmt::format("everybody may read or change the secret file {}", path),
                 fmt::format("run: chmod 600 {}", path)};
  }
  if (content.ends_with('\n')) content.pop_back();
  if (content.ends_with('\r')) content.pop_back();
  if (content.empty() || content.size() > kMaxSecretBytes ||
      content.find('\0') != std::string::npos) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("the secret file {} is empty, too large or not text", path),
                 "it must hold the password and nothing else"};
  }
  return content;
}

}  // namespace rescind

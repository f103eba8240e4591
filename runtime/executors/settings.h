// ExecutorSettings: what rescind.toml says in one [target.NAME], and a reader that checks it.
//
// The service turns the TOML table into `ExecutorSettings` (without the key `executor`); each
// kind of executor reads its own keys through SettingsReader. The reader reports every mistake
// of a table in one error: unknown keys with did-you-mean, missing keys, wrong types. It does
// not know TOML.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.h"

namespace rescind {

using SettingValue = std::variant<std::string, int64_t, bool, std::vector<std::string>>;
using ExecutorSettings = std::map<std::string, SettingValue>;

// Reads keys one after the other; `Finish` then reports all that was wrong.
class SettingsReader {
 public:
  // `workspace_folder`: what relative file names start from.
  SettingsReader(std::string_view target_name, const ExecutorSettings& settings,
                 std::string_view workspace_folder);

  std::string RequiredText(const std::string& key);
  std::string Text(const std::string& key, std::string fallback = "");
  // One of `choices`; the first is the default.
  std::string Choice(const std::string& key, const std::vector<std::string>& choices);
  int64_t Integer(const std::string& key, int64_t fallback, int64_t least, int64_t most);
  bool Boolean(const std::string& key, bool fallback);
  std::vector<std::string> TextList(const std::string& key);
  // "10s"; between 100 ms and one hour.
  std::chrono::milliseconds TimeLimit(const std::string& key, std::chrono::milliseconds fallback);
  // A path, made absolute from the workspace folder. Empty when the key is absent.
  std::string File(const std::string& key);
  bool Has(const std::string& key) const { return settings_.contains(key); }

  // A mistake that the kind itself found.
  void Reject(const std::string& key, std::string problem);
  Status Finish() const;

 private:
  template <typename T>
  const T* Find(const std::string& key, std::string_view type_name);

  std::string target_name_;
  const ExecutorSettings& settings_;
  std::string workspace_folder_;
  std::vector<std::string> known_keys_;
  std::vector<std::string> problems_;
};

// The content of a secret file without its final newline. Refuses a file that everybody may
// read, an empty one, one over 64 KiB, and one with a NUL byte. Read anew for each connection,
// so that a changed password needs no restart.
Result<std::string> ReadSecretFile(const std::string& path);

}  // namespace rescind

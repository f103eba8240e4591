#include "runtime/plan/release.h"

#include <fmt/format.h>

#include "engine/base/blank_text.h"
#include "engine/base/sha256.h"
#include "engine/base/sort_unique.h"
#include "runtime/plan/known_protects.h"
#include "runtime/store/record_bytes.h"

namespace rescind {
namespace {

constexpr uint8_t kReleaseVersion = 2;
constexpr uint8_t kFirstVersionWithMeaning = 2;

std::string KeyOf(std::string_view id) { return std::string(kReleasePrefix) + std::string(id); }

// One word of a POSIX shell.
std::string ShellWord(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@,+";
  if (!text.empty() && text.find_first_not_of(kPlain) == text.npos) return std::string(text);
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += R"('\'')";
    } else {
      word += c;
    }
  }
  return word + "'";
}

}  // namespace

std::string Release::Text() const {
  if (policy.empty()) return "the workspace's cap on removals per hour";
  return group.empty() ? policy : fmt::format("{}, group {}", policy, group);
}

Result<Release> NewRelease(Release wanted) {
  if (IsBlank(wanted.reason)) {
    return Error{ErrorKind::kInvalidInput, "a release needs a reason", "give it with --reason"};
  }
  if (wanted.expires_at <= wanted.created_at) {
    return Error{ErrorKind::kInvalidInput, "the release would be over before it begins",
                 "let it expire at an instant that lies ahead"};
  }
  if (wanted.expires_at.micros - wanted.created_at.micros > kLongestRelease.micros) {
    return Error{ErrorKind::kInvalidInput,
                 fmt::format("a release is good for {} at most", FormatDuration(kLongestRelease)),
                 "give a shorter time with --for: it is for the next apply"};
  }
  Sha256Fields fields;
  fields.Add(wanted.policy).Add(wanted.group).Add(wanted.reason).Add(wanted.by);
  fields.Add(static_cast<uint64_t>(wanted.created_at.micros));
  wanted.id = "r-" + fields.Hex().substr(0, 12);
  return wanted;
}

std::string MeaningOf(const ir::Program& program, std::string_view policy) {
  for (const ir::Rule& rule : program.rules) {
    if (!rule.protect && rule.full_name == policy) return rule.meaning_hash;
  }
  return "";
}

std::string ReleasedMeaning(const ir::Program& program, std::string_view policy) {
  const std::string meaning = MeaningOf(program, policy);
  if (meaning.empty()) return "";
  std::vector<std::string> protects;
  for (const KnownProtect& protect : ProtectsOf(program)) protects.push_back(protect.meaning);
  SortUnique(protects);  // whatever they are called
  Sha256Fields fields;
  fields.Add(meaning);
  for (const std::string& protect : protects) fields.Add(protect);
  return "sha256:" + fields.Hex();
}

bool IsOutdated(const Release& release, const ir::Program& program) {
  if (release.policy.empty()) return false;
  const std::string meaning = ReleasedMeaning(program, release.policy);
  return !meaning.empty() && meaning != release.meaning;
}

std::string ReleaseCommand(std::string_view policy, std::string_view group) {
  std::string command = "rescind release";
  if (!policy.empty()) command += " " + std::string(policy);
  // With "=", so that no name is taken for a flag.
  if (!group.empty()) command += (group[0] == '-' ? " --group=" : " --group ") + ShellWord(group);
  return command + " --reason …";
}

void PutRelease(KeyValueBatch& batch, const Release& release) {
  batch.Put(KeyOf(release.id), EncodeRelease(release));
}

void DeleteRelease(KeyValueBatch& batch, std::string_view id) { batch.Delete(KeyOf(id)); }

Result<std::vector<Release>> ListReleases(const KeyValueReader& reader) {
  std::vector<Release> releases;
  Status failure;
  RESCIND_TRY(reader.Scan(kReleasePrefix, "", [&](std::string_view key, std::string_view value) {
    auto release = DecodeRelease(value);
    if (!release) {
      failure = std::move(release).error().In(key);
      return false;
    }
    releases.push_back(*std::move(release));
    return true;
  }));
  RESCIND_TRY(std::move(failure));
  return releases;
}

std::string EncodeRelease(const Release& release) {
  RecordWriter writer(kReleaseVersion);
  writer.Text(release.id);
  writer.Text(release.policy);
  writer.Text(release.group);
  writer.Text(release.reason);
  writer.Text(release.by);
  writer.Time(release.created_at);
  writer.Time(release.expires_at);
  writer.Text(release.meaning);
  return writer.Take();
}

Result<Release> DecodeRelease(std::string_view bytes) {
  RecordReader reader(bytes, kReleaseVersion, "a release");
  Release release;
  release.id = reader.Text();
  release.policy = reader.Text();
  release.group = reader.Text();
  release.reason = reader.Text();
  release.by = reader.Text();
  release.created_at = reader.Time();
  release.expires_at = reader.Time();
  if (reader.version() >= kFirstVersionWithMeaning) release.meaning = reader.Text();
  RESCIND_TRY(reader.Check());
  return release;
}

}  // namespace rescind

#include "runtime/executors/settings.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace rescind {
namespace {

class SecretFile {
 public:
  explicit SecretFile(const std::string& content, mode_t mode = 0600) {
    std::string pattern = std::filesystem::temp_directory_path() / "rescind-secret-XXXXXX";
    close(mkstemp(pattern.data()));
    path_ = pattern;
    std::ofstream(path_, std::ios::binary) << content;
    chmod(path_.c_str(), mode);
  }
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;
  ~SecretFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string Message(const Status& status) {
  REQUIRE(!status.ok());
  CHECK(status.error().kind == ErrorKind::kInvalidInput);
  return status.error().message;
}

TEST_CASE("EveryMistakeOfATableIsReportedAtOnce") {
  const ExecutorSettings settings = {{"urii", std::string("ldap://x")},
                                     {"port", std::string("five")},
                                     {"tls", std::string("startls")},
                                     {"timeout", std::string("0s")}};
  SettingsReader reader("corp", settings, "/ws");
  reader.RequiredText("uri");
  reader.Integer("port", 1, 1, 65535);
  reader.Choice("tls", {"off", "starttls"});
  reader.TimeLimit("timeout", std::chrono::seconds(10));
  const std::string message = Message(reader.Finish());
  CHECK(message.find("[target.corp]") == 0);
  CHECK(message.find("`uri` is missing") != std::string::npos);
  CHECK(message.find("`urii` is not a setting of this kind; did you mean `uri`?") !=
        std::string::npos);
  CHECK(message.find("`port` must be a whole number") != std::string::npos);
  CHECK(message.find("did you mean \"starttls\"?") != std::string::npos);
  CHECK(message.find("`timeout` is \"0s\"") != std::string::npos);
}

TEST_CASE("GoodSettingsAreReadWithTheirDefaults") {
  const ExecutorSettings settings = {
      {"uri", std::string("ldap://x")}, {"ca_file", std::string("pki/ca.pem")},
      {"port", int64_t{389}},           {"nested", false},
      {"short", std::string("250ms")},  {"command", std::vector<std::string>{"a", "b"}}};
  SettingsReader reader("corp", settings, "/ws");
  CHECK(reader.RequiredText("uri") == "ldap://x");
  CHECK(reader.File("ca_file") == "/ws/pki/ca.pem");
  CHECK(reader.Integer("port", 1, 1, 65535) == 389);
  CHECK(reader.Boolean("nested", true) == false);
  CHECK(reader.TimeLimit("short", std::chrono::seconds(10)).count() == 250);
  CHECK(reader.TimeLimit("absent", std::chrono::seconds(10)).count() == 10'000);
  CHECK(reader.TextList("command").size() == 2);
  CHECK(reader.Finish().ok());
}

TEST_CASE("ANumberOutOfRangeAndANulCharacterAreRefused") {
  const ExecutorSettings settings = {{"port", int64_t{70000}}, {"uri", std::string("ldap\0x", 6)}};
  SettingsReader reader("corp", settings, "/ws");
  reader.Integer("port", 1, 1, 65535);
  reader.Text("uri");
  const std::string message = Message(reader.Finish());
  CHECK(message.find("must lie between 1 and 65535") != std::string::npos);
  CHECK(message.find("NUL") != std::string::npos);
}

TEST_CASE("ASecretLosesItsLineEndAndNothingElse") {
  CHECK(ReadSecretFile(SecretFile(" pa ss \r\n").path()).value() == " pa ss ");
  CHECK(ReadSecretFile(SecretFile("p\n\n").path()).value() == "p\n");
}

TEST_CASE("ASecretThatEverybodyMayReadIsRefused") {
  const SecretFile file("secret\n", 0644);
  const auto read = ReadSecretFile(file.path());
  REQUIRE(!read.ok());
  CHECK(read.error().kind == ErrorKind::kDenied);
  CHECK(read.error().help == "run: chmod 600 " + file.path());
}

TEST_CASE("EmptyHugeBinaryAndMissingSecretsAreErrorsThatDoNotShowThem") {
  CHECK(!ReadSecretFile(SecretFile("").path()).ok());
  CHECK(!ReadSecretFile(SecretFile("\n").path()).ok());
  CHECK(!ReadSecretFile(SecretFile(std::string(100'000, 's')).path()).ok());
  const auto binary = ReadSecretFile(SecretFile(std::string("se\0cret", 7)).path());
  REQUIRE(!binary.ok());
  CHECK(binary.error().message.find("cret file") != std::string::npos);
  CHECK(binary.error().message.find("cret\"") == std::string::npos);
  CHECK(!ReadSecretFile("/nowhere/secret").ok());
  CHECK(!ReadSecretFile("/tmp").ok());
}

}  // namespace
}  // namespace rescind

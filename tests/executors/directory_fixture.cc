#include "tests/executors/directory_fixture.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "runtime/env/process.h"
#include "runtime/executors/registry.h"

namespace rescind {
namespace {

// "attribute:: value in base64": hostile names need no escaping then.
std::string Base64(const std::string& bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += i + j > bytes.size() ? '=' : kDigits[group >> (18 - 6 * j) & 63];
    }
  }
  return text;
}

// RFC 4514, the plain way: every byte that is no letter or digit as \xx.
std::string HexEscaped(const std::string& value) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string escaped;
  for (const char c : value) {
    const auto byte = static_cast<uint8_t>(c);
    if (std::isalnum(byte) != 0 && byte < 0x80) {
      escaped += c;
    } else {
      escaped += {'\\', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return escaped;
}

}  // namespace

DirectoryFixture::DirectoryFixture(const std::string& context, const TestServers& servers)
    : context_(context), servers_(servers) {
  std::filesystem::create_directory(folder_ / "probes");
}

DirectoryFixture::Ran DirectoryFixture::Run(const std::vector<std::string>& argv,
                                            const std::string& input) {
  ProcessRequest request;
  request.argv = argv;
  request.environment = {{"LDAPNOINIT", "1"}, {"PATH", "/usr/bin:/bin"}};
  request.input = input;
  auto result = SystemProcessRunner().Run(request);
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
  return {result->end == ProcessEnd::kExited ? result->exit_status : -1, result->output,
          result->errors};
}

void DirectoryFixture::AddLdif(const std::string& ldif) { ModifyLdif(ldif); }

void DirectoryFixture::ModifyLdif(const std::string& ldif) {
  const auto ran = Run({"ldapmodify", "-a", "-x", "-H", servers_["ldap_uri"], "-D", Admin(), "-y",
                        servers_["ldap_password_file"]},
                       ldif);
  REQUIRE_MESSAGE(ran.status == 0, ran.errors << "\n" << ldif);
}

std::string DirectoryFixture::AddPerson(const std::string& name, const std::string& more) {
  std::string dn = "uid=" + HexEscaped(name) + "," + People();
  AddLdif("dn:: " + Base64(dn) + "\nobjectClass: inetOrgPerson\nuid:: " + Base64(name) + "\ncn:: " +
          Base64(name) + "\nsn: x\nuserPassword:: " + Base64("secret-" + name) + "\n" + more);
  return dn;
}

std::string DirectoryFixture::AddGroup(const std::string& name, const std::string& more) {
  std::string dn = "cn=" + HexEscaped(name) + ",ou=groups," + Base();
  AddLdif("dn:: " + Base64(dn) + "\ncn:: " + Base64(name) + "\n" + more);
  return dn;
}

std::vector<std::string> DirectoryFixture::Values(const std::string& dn,
                                                  const std::string& attribute) {
  const auto ran = Run(
      {"ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", servers_["ldap_uri"], "-D", Admin(),
       "-y", servers_["ldap_password_file"], "-b", dn, "-s", "base", "(objectClass=*)", attribute},
      "");
  std::vector<std::string> values;
  size_t start = 0;
  while (start < ran.output.size()) {
    const size_t end = std::min(ran.output.find('\n', start), ran.output.size());
    const std::string line = ran.output.substr(start, end - start);
    start = end + 1;
    if (line.starts_with(attribute + ": ")) values.push_back(line.substr(attribute.size() + 2));
    if (line.starts_with(attribute + ":: ")) values.push_back(line.substr(attribute.size() + 3));
  }
  return values;
}

bool DirectoryFixture::Exists(const std::string& dn) { return !Values(dn, "entryUUID").empty(); }

bool DirectoryFixture::CanBind(const std::string& dn, const std::string& password) {
  const auto ran =
      Run({"ldapwhoami", "-x", "-H", servers_["ldap_uri"], "-D", dn, "-w", password}, "");
  // 49: invalid credentials. Anything else is a fault of the test.
  const bool judged = ran.status == 0 || ran.status == 49;
  REQUIRE_MESSAGE(judged, ran.errors);
  return ran.status == 0;
}

ExecutorSettings DirectoryFixture::Settings() const {
  ExecutorSettings settings = {{"uri", servers_["ldap_uri"]},
                               {"bind_dn", Admin()},
                               {"bind_password_file", servers_["ldap_password_file"]},
                               {"base_dn", Base()},
                               {"account_dn", "uid={username}," + People()},
                               {"group_dn", "cn={name},ou=groups," + Base()},
                               {"probe_password_folder", folder_ / "probes"}};
  if (context_ == "example") {
    settings["policy_dn"] = "cn=default,ou=policies," + Base();
  }
  return settings;
}

std::unique_ptr<Executor> DirectoryFixture::Make(const ExecutorSettings& settings) {
  auto made = MakeExecutor("ldap", "corp", settings, "/");
  REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().message));
  return std::move(made).value();
}

std::string DirectoryFixture::SecretFile(const std::string& name, const std::string& content) {
  std::string path = folder_ / name;
  std::ofstream(path, std::ios::binary) << content;
  chmod(path.c_str(), 0600);
  return path;
}

void DirectoryFixture::AddProbe(const std::string& name, const std::string& password) {
  SecretFile("probes/" + name, password);
}

Action DirectoryFixture::OnAccount(Verb verb, const std::string& username) {
  Action action;
  action.key = std::string(64, 'a');
  action.verb = verb;
  action.target.entity = "account";
  action.target.id = "ldap/" + username;
  action.target.system = "corp";
  action.target.attributes = {{"username", username}};
  return action;
}

Action DirectoryFixture::OnGrant(const std::string& username, const std::string& group) {
  Action action;
  action.key = std::string(64, 'b');
  action.verb = Verb::kRevoke;
  action.target.entity = "grant";
  action.target.id = "ldap/" + username + "/" + group;
  action.target.system = "corp";
  action.target.attributes = {{"account", "ldap/" + username},
                              {"account.username", username},
                              {"entitlement", "ldap/" + group},
                              {"entitlement.name", group}};
  return action;
}

TargetState MustObserve(Executor& executor, const Action& action) {
  auto state = executor.Observe(action);
  REQUIRE_MESSAGE(state.ok(), (state.ok() ? "" : state.error().message));
  return std::move(state).value();
}

ApplyResult ObserveAndApply(Executor& executor, const Action& action) {
  return executor.Apply(action, MustObserve(executor, action).digest, 1);
}

}  // namespace rescind

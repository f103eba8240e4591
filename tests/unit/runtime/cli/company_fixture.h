// A workspace with a small company and one system, the whole program in process.
//
// The system is badge_program.sh in the workspace's folder: access X is there while the file `on-X`
// is. Every request to it is a line of the file `requests`.
#pragma once

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/base/instant.h"
#include "tests/unit/runtime/cli/program_fixture.h"

namespace rescind {

inline constexpr std::string_view kCompanyPolicies = R"(
policy stale_grant "Unused access goes" {
  controls iso_27001 "A.5.18"
  mode enforce
  for g in grant
  let seen = g.last_used ?? g.granted_at
  when seen older than 90d
  unless g.source == birthright
  because "last used {seen}"
  then { revoke g }
}
protect break_glass "Nothing touches break-glass accounts" {
  for a in account
  when a.tags has "break-glass"
}
)";

inline constexpr std::string_view kClosedPolicy = R"(
policy closed "Accounts without an owner are disabled" {
  controls iso_27001 "A.5.18"
  mode enforce
  for a in account
  when a.owner is unknown
  because "nobody owns it"
  then { disable a }
}
)";

inline constexpr std::string_view kNoticePolicies = R"(
policy warned "Unused access goes after a week's notice" {
  mode enforce
  for g in grant
  let seen = g.last_used ?? g.granted_at
  when seen older than 90d
  because "last used {seen}"
  then { notify "team" }
  then after 7d { revoke g }
}
)";

struct CompanyFixture : ProgramFixture {
  CompanyFixture() {
    clock.SetWall(*ParseInstant("2026-06-01T08:00Z"));
    REQUIRE(Run({"init"}) == ExitStatus::kDone);
    REQUIRE(files.Remove(folder / "policies/starter.rescind").ok());
    std::filesystem::copy_file("tests/unit/runtime/executors/badge_program.sh", folder / "program");
    chmod((folder / "program").c_str(), 0700);
    WriteWorkspace("");
    Write("policies/access.rescind", kCompanyPolicies);
  }

  void WriteWorkspace(const std::string& more,
                      const std::string& limits = "per_policy = \"100%\"\n") {
    Write("rescind.toml",
          "[workspace]\ntimezone = \"UTC\"\noncall = \"oncall\"\n"
          "[limits]\n" +
              limits +
              "[channel.oncall]\nkind = \"command\"\ncommand = [\"./channel\"]\n"
              "[channel.team]\nkind = \"command\"\ncommand = [\"./channel\"]\n"
              "[target.corp]\nexecutor = \"exec\"\ncommand = [\"./program\"]\n"
              "can = [\"disable account\", \"revoke grant\"]\n"
              "reversible = [\"disable account\"]\n" +
              more);
    WriteChannel("cat >>messages\n");
  }
  // What becomes of a message.
  void WriteChannel(const std::string& script) {
    Write("channel", "#!/bin/sh\n" + script);
    chmod((folder / "channel").c_str(), 0700);
  }
  // Those of that kind, oldest first.
  std::vector<nlohmann::json> Messages(const std::string& kind) {
    std::vector<nlohmann::json> messages;
    if (!Has("messages")) return messages;
    std::istringstream lines(Content("messages"));
    for (std::string line; std::getline(lines, line);) {
      messages.push_back(nlohmann::json::parse(line));
    }
    std::erase_if(messages, [&](const nlohmann::json& each) { return each["kind"] != kind; });
    return messages;
  }
  // In a process of its own, which a script that it starts is to kill.
  void RunUntilKilled(const std::vector<std::string>& arguments) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) std::_Exit(static_cast<int>(Run(arguments)));
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
  }
  // The same, while its first message is on its way.
  void RunUntilKilledWhileTelling(const std::vector<std::string>& arguments) {
    const std::string channel = Content("channel");
    WriteChannel("kill -9 $PPID\n");
    RunUntilKilled(arguments);
    Write("channel", channel);
    chmod((folder / "channel").c_str(), 0700);
  }

  static std::string Grant(const std::string& id, const std::string& account,
                           const std::string& more = "") {
    return "{\"entity\":\"grant\",\"id\":\"" + id + "\",\"account\":\"" + account +
           "\",\"entitlement\":\"vpn\",\"granted_at\":\"2026-01-01T00:00:00Z\"," + more +
           "\"source\":\"request\"}\n";
  }
  static std::string Account(const std::string& id, const std::string& more = "") {
    return "{\"entity\":\"account\",\"id\":\"" + id + "\",\"system\":\"corp\",\"username\":\"" +
           id + "\",\"status\":\"active\"," + more + "\"privileged\":false}\n";
  }
  // ann, bob and eve have the VPN and have not used it; dan's account is for emergencies.
  static std::string Company() {
    return "{\"entity\":\"system\",\"id\":\"corp\"}\n"
           "{\"entity\":\"entitlement\",\"id\":\"vpn\",\"system\":\"corp\",\"name\":\"vpn\"}\n" +
           Account("ann") + Account("bob") + Account("eve") +
           Account("dan", "\"tags\":[\"break-glass\"],") + Grant("ann-vpn", "ann") +
           Grant("bob-vpn", "bob") + Grant("eve-vpn", "eve") + Grant("dan-vpn", "dan");
  }
  void ImportCompany(const std::string& observed_at = "2026-06-01T07:00Z") {
    Write("company.ndjson", Company());
    REQUIRE_MESSAGE(Run({"import", "company.ndjson", "--source", "directory", "--snapshot",
                         "--observed-at", observed_at}) == ExitStatus::kDone,
                    err.str());
  }
  // Facts of the same source, changed since.
  void ImportMore(const std::string& facts) {
    Write("more.ndjson", facts);
    REQUIRE_MESSAGE(Run({"import", "more.ndjson", "--source", "directory"}) == ExitStatus::kDone,
                    err.str());
  }
  void TellUseOfAnnsVpn(const std::string& at) {
    ImportMore("{\"entity\":\"grant\",\"id\":\"ann-vpn\",\"last_used\":\"" + at + "\"}\n");
  }
  // One more who has the VPN and does not use it.
  void HireKim() {
    Write("on-kim-vpn", "");
    ImportMore(Account("kim") + Grant("kim-vpn", "kim"));
  }
  void GiveAccess() {
    for (const char* id : {"ann-vpn", "bob-vpn", "eve-vpn", "dan-vpn"}) {
      Write(std::string("on-") + id, "");
    }
  }
  bool Has(const std::string& file) { return files.Exists(folder / file); }

  nlohmann::json Json() const {
    auto json = nlohmann::json::parse(out.str(), nullptr, false);
    REQUIRE_MESSAGE(!json.is_discarded(), (out.str() + err.str()));
    return json;
  }
  // Makes a plan file and returns its id.
  std::string MakePlan(const std::string& file = "p.json") {
    REQUIRE_MESSAGE(Run({"plan", "--out", file, "-o", "json"}) == ExitStatus::kDone, err.str());
    return Json()["plan_id"];
  }
  ExitStatus ApplyConfirmed(const std::string& file = "p.json") {
    const std::string id = MakePlan(file);
    return Run({"apply", file, "--confirm", id, "-o", "json"});
  }
  // The entries of the audit log, oldest first.
  // The outcome of each is the text, whether it is written or committed to.
  std::vector<nlohmann::json> LogEntries() {
    REQUIRE_MESSAGE(Run({"audit", "show", "--most", "0", "-o", "json"}) == ExitStatus::kDone,
                    err.str());
    std::vector<nlohmann::json> entries;
    const nlohmann::json log = nlohmann::json::parse(out.str());
    for (const auto& line : log.at("entries")) {
      auto& entry = entries.emplace_back(line.at("entry"));
      // What was said, for it is committed to.
      if (!entry.contains("outcome") || !entry["outcome"].is_object()) continue;
      const auto commitment = entry["outcome"].at("commitment").get<std::string>();
      entry["outcome"] = line.at("values").at(commitment);
    }
    return entries;
  }
  // How often the system was asked to do `operation` to `id`.
  size_t Asked(const std::string& operation, const std::string& id) {
    if (!Has("requests")) return 0;
    size_t count = 0;
    std::istringstream lines(Content("requests"));
    for (std::string line; std::getline(lines, line);) {
      const bool is_it = line.find("\"operation\":\"" + operation + "\"") != std::string::npos &&
                         line.find("\"id\":\"" + id + "\"") != std::string::npos;
      count += is_it ? 1 : 0;
    }
    return count;
  }
};

// The company as the facts have it, and all of it true of the system.
struct CompanyWithAccess : CompanyFixture {
  CompanyWithAccess() {
    ImportCompany();
    GiveAccess();
  }
};

}  // namespace rescind

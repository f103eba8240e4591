#include "runtime/audit/log_proof.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "runtime/audit/event_format.h"
#include "tests/unit/runtime/audit/audit_fixture.h"

namespace rescind {
namespace {

class ProofFixture : public AuditFixture {
 public:
  ProofFixture() : log(Open()) {
    AppendMany(*log, 299);
    note = Checkpoint(*log);
    key = ParsePublicKey(log->public_key()).value();
  }
  std::unique_ptr<AuditLog> log;
  std::string note;
  AuditPublicKey key;
};

TEST_CASE_FIXTURE(ProofFixture, "EveryEntryIsProvedByItself") {
  const LogReader reader(store);
  for (uint64_t index = 0; index < 300; index += 7) {
    const LogProof proof = ProveEntry(reader, index, note).value();
    const LogProof back = ParseProof(FormatProof(proof)).value();
    CHECK(back.entry == *reader.Leaf(index));
    const auto checkpoint = VerifyProof(back, key);
    REQUIRE(checkpoint.ok());
    CHECK(checkpoint->size == 300);
  }
  CHECK(ProveEntry(reader, 300, note).error().kind == ErrorKind::kNotFound);
}

TEST_CASE_FIXTURE(ProofFixture, "EveryEditOfAProofIsFound") {
  const std::string good = FormatProof(ProveEntry(LogReader(store), 100, note).value());
  REQUIRE(VerifyProof(ParseProof(good).value(), key).ok());
  for (size_t at = 0; at < good.size(); ++at) {
    std::string edited = good;
    edited[at] = static_cast<char>(edited[at] ^ (1 << (at % 8)));
    const auto proof = ParseProof(edited);
    const bool accepted = proof.ok() && VerifyProof(*proof, key).ok();
    CHECK_MESSAGE(!accepted, "byte " << at);
    const auto cut = ParseProof(good.substr(0, at));
    const bool cut_accepted = cut.ok() && VerifyProof(*cut, key).ok();
    CHECK_MESSAGE(!cut_accepted, "cut at " << at);
  }
}

TEST_CASE_FIXTURE(ProofFixture, "AProofOfAnotherKeyIsNone") {
  SeededRandom other(5);
  const auto stranger = AuditSigningKey::Generate("rescind/acme", other).value();
  const LogProof proof = ProveEntry(LogReader(store), 1, note).value();
  CHECK(VerifyProof(proof, stranger.public_key()).error().kind == ErrorKind::kCorrupt);
  for (const std::string& bad : {std::string(), std::string("c2sp.org/tlog-proof@v2\n"),
                                 std::string(1 << 20, 'x'), std::string("\0\1", 2)}) {
    CHECK(ParseProof(bad).error().kind == ErrorKind::kInvalidInput);
  }
}

AuditEvent Verified(const std::string& verb, const std::string& entity) {
  AuditEvent event = Step("ldap/ann");
  event.action->verb = verb;
  event.action->entity = entity;
  event.from_state = "applied";
  event.to_state = "verified";
  event.outcome.text = "bind refused: \"49\"";
  event.policies = {{"access.left", "", "", {}, 0, {}}};
  return event;
}

std::string LeafOf(const AuditEvent& event) {
  SeededRandom random(1);
  return EncodeLeaf(event, "store-1", random).leaf;
}

TEST_CASE("OcsfSaysWhatWasDoneOnlyOfWhatIsVerified") {
  const auto ocsf = [](const AuditEvent& event) {
    return nlohmann::json::parse(
        FormatEvent(EventFormat::kOcsf, "rescind/acme", 7, LeafOf(event)).value());
  };
  const auto disabled = ocsf(Verified("disable", "account"));
  CHECK(disabled["class_uid"] == 3001);
  CHECK(disabled["activity_id"] == 5);
  CHECK(disabled["type_uid"] == 300105);
  CHECK(disabled["status_id"] == 1);
  CHECK(disabled["time"] == 1'790'000'000'000);
  CHECK(disabled["user"]["uid"] == "ldap/ann");
  CHECK(disabled["metadata"]["uid"] == "rescind/acme/7");
  CHECK(disabled["raw_data"] == LeafOf(Verified("disable", "account")));
  CHECK(ocsf(Verified("delete", "account"))["activity_id"] == 6);
  CHECK(ocsf(Verified("revoke", "grant"))["class_uid"] == 3005);
  AuditEvent revoked = Verified("revoke", "grant");
  revoked.action->account = "ldap/ann-account";
  revoked.action->owner = "e-17";
  revoked.action->entitlement = "ldap/vpn";
  CHECK(ocsf(revoked)["user"]["uid"] == "ldap/ann-account");
  CHECK(ocsf(revoked)["privileges"] == nlohmann::json{"ldap/vpn"});
  CHECK(ocsf(revoked)["unmapped"]["owner"] == "e-17");
  CHECK(ocsf(Verified("end", "session"))["class_uid"] == 3002);
  CHECK(ocsf(Verified("revoke", "credential"))["class_uid"] == 3004);
  AuditEvent escalated = Verified("disable", "account");
  escalated.to_state = "escalated";
  CHECK(ocsf(escalated)["class_uid"] == 3004);
  CHECK(ocsf(escalated)["status_id"] == 2);
  CHECK(ocsf(escalated)["activity_name"] == "escalated");
}

TEST_CASE("CloudEventsCarryTheEntry") {
  const std::string leaf = LeafOf(Verified("disable", "account"));
  const auto event = nlohmann::json::parse(
      FormatEvent(EventFormat::kCloudEvents, "rescind/acme", 7, leaf).value());
  CHECK(event["specversion"] == "1.0");
  CHECK(event["id"] == "rescind/acme/7");
  CHECK(event["type"] == "rescind.audit.transition");
  CHECK(event["subject"] == "ldap/ann");
  CHECK(event["data"] == nlohmann::json::parse(leaf));
}

TEST_CASE("SyslogLinesAreOneLineAndEscaped") {
  AuditEvent event = Verified("disable", "account");
  event.action->target = "a]b\"c\\d\ne";
  event.outcome.text = "first\nsecond " + std::string(1021, 'x') + "ä";
  const std::string line =
      FormatEvent(EventFormat::kSyslog, "rescind/acme", 7, LeafOf(event)).value();
  CHECK(line.starts_with("<109>1 2026-"));
  CHECK(line.find(" - rescind - transition [rescind@32473 log=\"rescind/acme\" index=\"7\"") !=
        std::string::npos);
  CHECK(line.find("target=\"a\\]b\\\"c\\\\d e\"") != std::string::npos);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.ends_with('x'));
  event.to_state = "escalated";
  CHECK(FormatEvent(EventFormat::kSyslog, "o", 7, LeafOf(event)).value().starts_with("<107>1"));
}

TEST_CASE("WhatIsNoEntryIsNotFormatted") {
  for (const auto format : {EventFormat::kOcsf, EventFormat::kCloudEvents, EventFormat::kSyslog}) {
    CHECK_FALSE(FormatEvent(format, "o", 0, "garbage").ok());
    CHECK(FormatEvent(format, "o", 0, R"({"format":"rescind.audit/9"})").ok());
  }
  CHECK(ParseEventFormat("syslog") == EventFormat::kSyslog);
  CHECK_FALSE(ParseEventFormat("cef").has_value());
}

}  // namespace
}  // namespace rescind

#include "runtime/audit/signed_note.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rapidcheck.h>
#include <sys/stat.h>

#include "runtime/audit/base64.h"
#include "runtime/audit/checkpoint.h"
#include "runtime/audit/signing_key.h"
#include "tests/unit/temporary_folder.h"

namespace rescind {
namespace {

AuditSigningKey Key(uint64_t seed, const std::string& name = "rescind/acme") {
  SeededRandom random(seed);
  return AuditSigningKey::Generate(name, random).value();
}

TEST_CASE("NotesOfOtherToolsVerify") {
  // The example of Go's note package.
  const auto key =
      ParsePublicKey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n");
  REQUIRE(key.ok());
  const auto note = ParseNote(
      "If you think cryptography is the answer to your problem,\n"
      "then you don't know what your problem is.\n"
      "\n"
      "— PeterNeumann "
      "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb"
      "6KE6RyyBwJnAM=\n");
  REQUIRE(note.ok());
  CHECK(note->IsSignedBy(*key));
  SignedNote edited = *note;
  edited.text[0] = 'i';
  CHECK_FALSE(edited.IsSignedBy(*key));
}

TEST_CASE("EverySingleByteEditOfANoteIsFound") {
  const AuditSigningKey key = Key(1);
  const std::string note = key.SignNote("rescind/acme\n42\nroot\n");
  REQUIRE(ParseNote(note).value().IsSignedBy(key.public_key()));
  for (size_t at = 0; at < note.size(); ++at) {
    for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128}) {
      std::string edited = note;
      edited[at] = static_cast<char>(edited[at] ^ flip);
      const auto parsed = ParseNote(edited);
      const bool accepted = parsed.ok() && parsed->IsSignedBy(key.public_key());
      CHECK_MESSAGE(!accepted, "byte " << at << " flipped by " << flip);
    }
  }
}

TEST_CASE("HostileNotesAreRefusedWithAReason") {
  for (const std::string& bytes :
       {std::string(), std::string("\n\n"), std::string("a\n\n"), std::string("a\nb\n"),
        std::string("a\n\n— k\n"), std::string("a\n\n— k !!!!\n"),
        std::string("a\n\n- k AAAAAAAA\n"), std::string("a\n\n— k AAAAAAAA"),
        std::string("a\r\n\r\n— k AAAAAAAA\r\n"), std::string("a\0\n\n— k AAAAAAAA\n", 18),
        std::string(1 << 20, 'x')}) {
    const auto note = ParseNote(bytes);
    REQUIRE_FALSE(note.ok());
    CHECK(note.error().message.starts_with("not a signed note: "));
  }
}

// Random bytes, of which every 256th is a carriage return, were "changed to CRLF".
TEST_CASE("OnlyWholeLineEndsAreCalledCrlf") {
  const auto why = [](const std::string& bytes) { return ParseNote(bytes).error().message; };
  CHECK(why("rescind/acme\r\n42\r\n").ends_with("its line ends were changed to CRLF"));
  CHECK(why("rescind/acme\r\n42\n").ends_with("its line ends were changed to CRLF"));
  CHECK(why("\xC3\r\x9F\x01").ends_with("it has control characters"));
  CHECK(why("rescind/acme\r42\r\n").ends_with("it has control characters"));
  CHECK(why(std::string("\r\n\0", 3)).ends_with("it has control characters"));
}

TEST_CASE("ASignatureByAnotherKeyOrNameDoesNotCount") {
  const SignedNote note = ParseNote(Key(1).SignNote("text\n")).value();
  CHECK(note.IsSignedBy(Key(1).public_key()));
  CHECK_FALSE(note.IsSignedBy(Key(2).public_key()));
  CHECK_FALSE(note.IsSignedBy(Key(1, "rescind/other").public_key()));
}

TEST_CASE("PublicKeysComeBackFromTheirText") {
  const AuditPublicKey key = Key(3).public_key();
  CHECK(ParsePublicKey(key.Text() + "\n").value() == key);
  CHECK(ParsePublicKey("  " + key.Text() + "\r\n").value() == key);
  std::string text = key.Text();
  for (size_t at = 0; at < text.size(); ++at) {
    std::string edited = text;
    edited[at] = edited[at] == 'A' ? 'B' : 'A';
    const auto parsed = ParsePublicKey(edited);
    const bool accepted = parsed.ok();
    CHECK_MESSAGE(!accepted, edited);
  }
  for (const char* bad : {"", "a", "a+b", "+1+2", "a b+00000000+AQ==", "PRIVATE+KEY+a+b+c"}) {
    CHECK_FALSE(ParsePublicKey(bad).ok());
  }
}

TEST_CASE("TheKeyFileIsPrivateAndReadsBack") {
  TemporaryFolder folder;
  RealFileSystem files;
  SeededRandom random(7);
  const std::string path = folder / "audit-key";
  const AuditPublicKey key = CreateAuditKey(path, "example.org/log", files, random).value();
  CHECK(files.Stat(path)->mode == 0600);
  const AuditSigningKey loaded = AuditSigningKey::Load(path, files).value();
  CHECK(loaded.public_key() == key);
  CHECK(ParseNote(loaded.SignNote("x\n"))->IsSignedBy(key));
  CHECK(CreateAuditKey(path, "example.org/log", files, random).error().kind ==
        ErrorKind::kInvalidInput);
  CHECK_FALSE(CreateAuditKey(folder / "other", "has blanks", files, random).ok());
  REQUIRE(chmod(path.c_str(), 0640) == 0);
  CHECK(AuditSigningKey::Load(path, files).error().kind == ErrorKind::kDenied);
  CHECK(AuditSigningKey::Load(folder / "none", files).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("DamagedKeyFilesAreRefused") {
  TemporaryFolder folder;
  RealFileSystem files;
  const std::string path = folder / "audit-key";
  REQUIRE(Key(9).Save(path, files).ok());
  const std::string good = files.Read(path, 4096).value();
  for (size_t at = 0; at + 1 < good.size(); ++at) {
    std::string edited = good;
    edited[at] = edited[at] == 'Q' ? 'R' : 'Q';
    REQUIRE(files.WriteAtomically(path, edited).ok());
    CHECK_FALSE(AuditSigningKey::Load(path, files).ok());
    REQUIRE(files.WriteAtomically(path, good.substr(0, at)).ok());
    CHECK_FALSE(AuditSigningKey::Load(path, files).ok());
  }
}

TEST_CASE("CheckpointsComeBackFromTheirText") {
  CHECK(rc::check("round trip", [] {
    Checkpoint checkpoint;
    checkpoint.origin = "rescind/acme";
    checkpoint.size = *rc::gen::arbitrary<uint64_t>();
    for (uint8_t& byte : checkpoint.root) byte = *rc::gen::arbitrary<uint8_t>();
    RC_ASSERT(ParseCheckpoint(FormatCheckpoint(checkpoint)).value() == checkpoint);
    RC_ASSERT(ParseCheckpoint(FormatCheckpoint(checkpoint) + "extension 1\n").value() ==
              checkpoint);
  }));
  const std::string root = EncodeBase64(std::string(32, 'r'));
  for (const std::string& bad :
       {std::string(), std::string("a\n"), "a\n1\n" + root, "\n1\n" + root + "\n",
        "a\n-1\n" + root + "\n", "a\n01\n" + root + "\n", "a\n1x\n" + root + "\n",
        "a\n18446744073709551616\n" + root + "\n", std::string("a\n1\nAAAA\n")}) {
    CHECK_FALSE(ParseCheckpoint(bad).ok());
  }
}

TEST_CASE("Base64HasOneTextForOneValue") {
  CHECK(rc::check("round trip", [](const std::string& bytes) {
    RC_ASSERT(DecodeBase64(EncodeBase64(bytes)).value() == bytes);
  }));
  CHECK(EncodeBase64("a") == "YQ==");
  for (const char* bad :
       {"YQ", "YQ=", "YR==", "YQ==\n", " YQ==", "=YQ=", "====", "YQ==YQ==", "Y-=="}) {
    CHECK_FALSE(DecodeBase64(bad).has_value());
  }
}

}  // namespace
}  // namespace rescind

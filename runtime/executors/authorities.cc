// The text is cut in front of every line that begins a block, however it does:
//
//   Example Root                       text before: passed over
//   -----BEGIN CERTIFICATE-----        block 1: must hold a whole certificate
//   MIIB…
//   -----END CERTIFICATE-----
//   ----BEGIN CERTIFICATE-----         block 2: OpenSSL would pass over it, so it is damaged
//
// Left whole, OpenSSL would look for the next certificate behind a damaged one.
#include "runtime/executors/authorities.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/env/file_system.h"

namespace rescind {
namespace {

constexpr uint64_t kMaxAuthorityBytes = uint64_t{16} << 20;
struct PemBlock {
  size_t begin = 0;
  size_t line = 1;
  bool is_certificate = false;  // else a revocation list, a key, …
};

std::vector<PemBlock> FindBlocks(std::string_view pem) {
  std::vector<PemBlock> blocks;
  size_t number = 1;
  for (size_t at = 0; at < pem.size(); ++number) {
    const size_t end = std::min(pem.find('\n', at), pem.size());
    const std::string_view line = pem.substr(at, end - at);
    const size_t what = line.find("CERTIFICATE");
    const bool is_request = what != line.npos && line.substr(what).starts_with("CERTIFICATE REQ");
    if (line.find("--BEGIN ") != line.npos) {
      blocks.push_back({at, number, what != line.npos && !is_request});
    }
    at = end + 1;
  }
  return blocks;
}

bool IsWhole(std::string_view text, bool is_certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bytes(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free_all);
  bool is_whole = false;
  if (is_certificate) {
    X509* const certificate = PEM_read_bio_X509_AUX(bytes.get(), nullptr, nullptr, nullptr);
    is_whole = certificate != nullptr;
    X509_free(certificate);
  } else {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long length = 0;
    is_whole = PEM_read_bio(bytes.get(), &name, &header, &data, &length) == 1;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  ERR_clear_error();  // what it was is of no use to people
  return is_whole;
}

std::string Ordinal(size_t number) {
  const bool is_teen = number % 100 / 10 == 1;
  const char* ending = "th";
  if (!is_teen && number % 10 == 1) ending = "st";
  if (!is_teen && number % 10 == 2) ending = "nd";
  if (!is_teen && number % 10 == 3) ending = "rd";
  return fmt::format("{}{}", number, ending);
}

}  // namespace

Status CheckAuthorityFile(const std::string& path) {
  if (path.empty()) return {};
  RealFileSystem files;
  auto pem = files.Read(path, kMaxAuthorityBytes);
  if (!pem.ok()) {
    Error error = std::move(pem).error();
    error.kind = ErrorKind::kDenied;
    return error;
  }
  const std::vector<PemBlock> blocks = FindBlocks(*pem);
  size_t certificates = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const PemBlock& block = blocks[i];
    if (block.is_certificate) ++certificates;
    const size_t end = i + 1 < blocks.size() ? blocks[i + 1].begin : pem->size();
    const std::string_view text(pem->data() + block.begin, end - block.begin);
    if (IsWhole(text, block.is_certificate)) continue;
    return Error{
        ErrorKind::kDenied,
        block.is_certificate
            ? fmt::format("{} cannot be used: its {} certificate, in line {}, is damaged", path,
                          Ordinal(certificates), block.line)
            : fmt::format("{} cannot be used: what line {} begins is damaged", path, block.line),
        "put it there again as it was handed out, or take it out, from its `-----BEGIN` line to "
        "its "
        "`-----END` line"};
  }
  if (certificates > 0) return {};
  return Error{ErrorKind::kDenied, fmt::format("{} holds no certificate", path),
               "name a PEM file with the certificates of the authorities: lines from "
               "`-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`"};
}

}  // namespace rescind

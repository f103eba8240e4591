#include "runtime/executors/ldap_text.h"

#include <fmt/format.h>
#include <ldap.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "engine/base/diagnostic.h"

namespace rescind {
namespace {

std::string Lowered(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lowered;
}

std::string Hex(char c) { return fmt::format("{:02x}", static_cast<unsigned char>(c)); }

std::string_view View(const berval& value) { return {value.bv_val, value.bv_len}; }

// Inner runs of blanks count as one and outer ones not at all, as directories compare them.
std::string Squeezed(std::string_view text) {
  std::string squeezed;
  for (const char c : text) {
    if (c == ' ' && (squeezed.empty() || squeezed.back() == ' ')) continue;
    squeezed += c;
  }
  if (squeezed.ends_with(' ')) squeezed.pop_back();
  return squeezed;
}

// The RDNs of a DN, normalised, from the entry to the root.
std::optional<std::vector<std::string>> SplitDn(std::string_view dn) {
  LDAPDN parsed = nullptr;
  berval text{static_cast<ber_len_t>(dn.size()), const_cast<char*>(dn.data())};
  if (dn.find('\0') != dn.npos) return std::nullopt;
  if (ldap_bv2dn(&text, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS) return std::nullopt;
  std::vector<std::string> rdns;
  for (LDAPRDN* rdn = parsed; rdn != nullptr && *rdn != nullptr; ++rdn) {
    std::vector<std::string> parts;
    for (LDAPAVA** ava = *rdn; *ava != nullptr; ++ava) {
      parts.push_back(Lowered(View((*ava)->la_attr)) + "=" +
                      EscapeDnValue(Squeezed(Lowered(View((*ava)->la_value)))));
    }
    std::sort(parts.begin(), parts.end());
    rdns.push_back(fmt::format("{}", fmt::join(parts, "+")));
  }
  ldap_dnfree(parsed);
  return rdns;
}

std::optional<int64_t> ParseDigits(std::string_view text) {
  int64_t number = 0;
  const auto end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc() || rest != end || text.empty() || text[0] == '-') return std::nullopt;
  return number;
}

}  // namespace

std::string EscapeDnValue(std::string_view value) {
  std::string escaped;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool edge_blank = c == ' ' && (i == 0 || i + 1 == value.size());
    const bool leading_hash = c == '#' && i == 0;
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      escaped += "\\" + Hex(c);
    } else if (edge_blank || leading_hash ||
               std::string_view(",+\"\\<>;=").find(c) != std::string_view::npos) {
      escaped += '\\';
      escaped += c;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string EscapeFilterValue(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    const bool special = std::string_view("*()\\").find(c) != std::string_view::npos;
    if (special || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      escaped += "\\" + Hex(c);
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::optional<std::string> NormalizeDn(std::string_view dn) {
  const auto rdns = SplitDn(dn);
  if (!rdns) return std::nullopt;
  return fmt::format("{}", fmt::join(*rdns, ","));
}

bool SameDn(std::string_view a, std::string_view b) {
  const auto left = NormalizeDn(a);
  return left.has_value() && left == NormalizeDn(b);
}

bool IsBelow(std::string_view dn, std::string_view base) {
  const auto inner = SplitDn(dn);
  const auto outer = SplitDn(base);
  if (!inner || !outer || inner->size() <= outer->size()) return false;
  return std::equal(outer->rbegin(), outer->rend(), inner->rbegin());
}

std::string ParentDn(std::string_view dn) {
  // Found in the text itself, so that the parent keeps its spelling.
  for (size_t i = 0; i < dn.size(); ++i) {
    if (dn[i] == '\\') {
      ++i;
    } else if (dn[i] == ',') {
      const std::string parent(dn.substr(i + 1));
      return SplitDn(parent) ? parent : "";
    }
  }
  return "";
}

size_t DnDepth(std::string_view dn) {
  const auto rdns = SplitDn(dn);
  return rdns ? rdns->size() : 0;
}

Result<Template> Template::Parse(std::string_view text, const std::vector<std::string>& names) {
  Template parsed;
  parsed.text_ = text;
  while (!text.empty()) {
    const size_t brace = std::min(text.find_first_of("{}"), text.size());
    if (brace > 0) parsed.pieces_.push_back({false, std::string(text.substr(0, brace))});
    text.remove_prefix(brace);
    if (text.empty()) break;
    const size_t end = text.find('}');
    if (text[0] == '}' || end == text.npos) {
      return Error{ErrorKind::kInvalidInput, "has a brace without its partner", ""};
    }
    const std::string name(text.substr(1, end - 1));
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const auto meant = DidYouMean(name, names);
      return Error{ErrorKind::kInvalidInput,
                   fmt::format("has no value for {{{}}}{}; the values are {{{}}}", name,
                               meant ? fmt::format("; did you mean {{{}}}?", *meant) : "",
                               fmt::join(names, "}, {")),
                   ""};
    }
    parsed.pieces_.push_back({true, name});
    text.remove_prefix(end + 1);
  }
  return parsed;
}

std::optional<std::string> Template::Fill(const Values& values, Escape escape) const {
  std::string filled;
  for (const Piece& piece : pieces_) {
    if (!piece.is_name) {
      filled += piece.text;
      continue;
    }
    const auto value = values.find(piece.text);
    if (value == values.end() || value->second.empty()) return std::nullopt;
    filled += escape(value->second);
  }
  return filled;
}

std::string Template::FillWith(std::string_view stand_in) const {
  std::string filled;
  for (const Piece& piece : pieces_) {
    filled += piece.is_name ? std::string(stand_in) : piece.text;
  }
  return filled;
}

bool Template::IsOnly(std::string_view name) const {
  return pieces_.size() == 1 && pieces_[0].is_name && pieces_[0].text == name;
}

std::string Template::FirstAttribute() const {
  for (size_t i = 1; i + 1 < pieces_.size(); ++i) {
    if (!pieces_[i].is_name) continue;
    const std::string& before = pieces_[i - 1].text;
    const size_t open = before.rfind('(');
    if (open == before.npos || !before.ends_with('=')) return "";
    const std::string name = before.substr(open + 1, before.size() - open - 2);
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return (c < 0x80 && std::isalnum(c) != 0) || c == '-' || c == ';' || c == '.';
    });
    return plain && pieces_[i + 1].text.starts_with(')') ? name : "";
  }
  return "";
}

std::optional<Instant> ParseGeneralizedTime(std::string_view text) {
  // 14 digits, then a fraction, then Z.
  if (text.size() < 15 || text.back() != 'Z') return std::nullopt;
  const std::string_view fraction = text.substr(14, text.size() - 15);
  const bool plain = fraction.empty() || fraction[0] == '.' || fraction[0] == ',';
  if (!plain || fraction.size() == 1 || fraction.size() > 10) return std::nullopt;
  std::string iso =
      fmt::format("{}-{}-{}T{}:{}:{}", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2),
                  text.substr(8, 2), text.substr(10, 2), text.substr(12, 2));
  if (!fraction.empty()) iso += fmt::format(".{}", fraction.substr(1, 6));
  return ParseInstant(iso + "Z");
}

std::optional<Instant> ParseFileTime(std::string_view text) {
  constexpr int64_t kFrom1601To1970Micros = 11'644'473'600 * kMicrosPerSecond;
  const auto ticks = ParseDigits(text);
  // 0 and the largest number both say "never".
  if (!ticks || *ticks <= 0 || *ticks == INT64_MAX) return std::nullopt;
  return Instant{*ticks / 10 - kFrom1601To1970Micros};
}

}  // namespace rescind

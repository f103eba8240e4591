// The text forms of LDAP: distinguished names (RFC 4514), filters (RFC 4515), times.
//
// Ids and names come from feeds that anybody may have filled, so nothing reaches a DN or a filter
// but through EscapeDnValue, EscapeFilterValue and Template. Pure functions, no connection.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace rescind {

std::string EscapeDnValue(std::string_view value);
std::string EscapeFilterValue(std::string_view value);

// A DN in one spelling, for comparing: types and values in lower case, blanks around them and
// other ways of escaping gone. nullopt when it is no DN. The empty DN is "".
std::optional<std::string> NormalizeDn(std::string_view dn);
bool SameDn(std::string_view a, std::string_view b);
// Strictly below `base`, or anything when `base` is empty. Malformed DNs are below nothing.
bool IsBelow(std::string_view dn, std::string_view base);
// "ou=people,dc=x" of "uid=a,ou=people,dc=x"; empty when there is none or it is no DN.
std::string ParentDn(std::string_view dn);
size_t DnDepth(std::string_view dn);  // number of RDNs; 0 when it is no DN

// "uid={username},ou=people,dc=example,dc=org" or "(uid={username})": text with places for values.
class Template {
 public:
  using Escape = std::string (*)(std::string_view);
  using Values = std::map<std::string, std::string>;

  // kInvalidInput: a brace that is not closed, or a name that is not in `names`.
  static Result<Template> Parse(std::string_view text, const std::vector<std::string>& names);

  // Every place filled with its escaped value; nullopt when a value is missing or empty.
  std::optional<std::string> Fill(const Values& values, Escape escape) const;
  // Every place filled with `stand_in` as it is.
  std::string FillWith(std::string_view stand_in) const;
  // "{id}" and nothing else: the value is the whole text.
  bool IsOnly(std::string_view name) const;
  // For "(uid={username})": "uid", the attribute whose whole value stands there. Empty when the
  // first place is not of that form.
  std::string FirstAttribute() const;
  const std::string& text() const { return text_; }

 private:
  struct Piece {
    bool is_name = false;
    std::string text;
  };
  std::string text_;
  std::vector<Piece> pieces_;
};

// "20260131080000Z", fraction allowed. nullopt for anything else, other zones included.
std::optional<Instant> ParseGeneralizedTime(std::string_view text);
// Active Directory's count of 100 ns since 1601. nullopt for 0 and what is out of range.
std::optional<Instant> ParseFileTime(std::string_view text);

}  // namespace rescind

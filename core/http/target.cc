#include "core/http/target.h"

#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/socket/address.h"

namespace polyport::http {
namespace {

constexpr Refusal kBadTarget{400,
                             "the request target must be a path such as /echo?a=1 or a URL, in "
                             "visible ASCII, without a fragment (#…)"};
constexpr Refusal kBadPercent{400,
                              "a % in the path must be followed by two hexadecimal digits; a "
                              "percent sign itself is written %25"};

bool percent_signs_are_whole(Bytes path) {
  for (std::size_t at = path.find('%'); at != Bytes::npos; at = path.find('%', at + 1)) {
    if (at + 2 >= path.size()) return false;
    if (!is(kHexDigit, path[at + 1]) || !is(kHexDigit, path[at + 2])) return false;
  }
  return true;
}

Refusal split_path(Bytes rest, Target& target) {
  const std::size_t mark = rest.find('?');
  target.path = rest.substr(0, mark);
  if (mark != Bytes::npos) target.query = rest.substr(mark + 1);
  return percent_signs_are_whole(target.path) ? Refusal{} : kBadPercent;
}

// What follows "http://" or "https://", or nothing where the target begins otherwise.
Bytes after_scheme(Bytes text) {
  for (const Bytes scheme : {Bytes("http://"), Bytes("https://")}) {
    if (text.size() > scheme.size() &&
        equals_ignoring_case(text.substr(0, scheme.size()), scheme)) {
      return text.substr(scheme.size());
    }
  }
  return {};
}

Refusal parse_absolute(Bytes text, Target& target) {
  const Bytes rest = after_scheme(text);
  if (rest.empty()) return kBadTarget;
  const std::size_t end = rest.find_first_of("/?");
  target.form = TargetForm::kAbsolute;
  target.authority = rest.substr(0, end);
  if (!is_valid_authority(target.authority)) {
    return {400,
            "the URL in the request line must name a host, with or without a port, and no user"};
  }
  if (end == Bytes::npos) return {};
  if (rest[end] == '/') return split_path(rest.substr(end), target);
  target.query = rest.substr(end + 1);
  return {};
}

Refusal parse_connect(Bytes text, Target& target) {
  target.form = TargetForm::kAuthority;
  target.authority = text;
  const std::size_t colon = text.rfind(':');
  if (!is_valid_authority(text) || colon == Bytes::npos || colon + 1 == text.size() ||
      text.back() == ']') {
    return {400, "CONNECT wants host:port as its target"};
  }
  return {};
}

bool is_valid_port(Bytes port) {
  if (port.empty()) return true;  // RFC 3986: port = *DIGIT
  return port.size() <= 5 && all(kDigit, port) &&
         parse_number<unsigned>(port, 0, 65535).has_value();
}

bool is_valid_host(Bytes host) {
  if (host.empty()) return false;
  if (host.front() != '[') {
    for (const char character : host) {
      if (!is(kHostCharacter, character) && character != '%') return false;
    }
    return percent_signs_are_whole(host);
  }
  if (host.size() < 4 || host.back() != ']') return false;
  const Bytes literal = host.substr(1, host.size() - 2);
  if (literal.find('%') != Bytes::npos || literal.find(':') == Bytes::npos) return false;
  return Address::parse_ip(literal).has_value();
}

}  // namespace

Refusal parse_target(Bytes method, Bytes text, Target& target) {
  target = Target{};
  if (text.empty() || !all(kTargetCharacter, text)) return kBadTarget;
  if (method == "CONNECT") return parse_connect(text, target);
  if (text.front() == '/') return split_path(text, target);
  if (text == "*") {
    target.form = TargetForm::kAsterisk;
    target.path = text;
    if (method == "OPTIONS") return {};
    return {400, "the target * goes with OPTIONS only"};
  }
  return parse_absolute(text, target);
}

bool is_valid_authority(Bytes authority) {
  std::size_t end = authority.size();
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t bracket = authority.find(']');
    if (bracket == Bytes::npos) return false;
    end = bracket + 1;
  } else {
    const std::size_t colon = authority.find(':');
    if (colon != Bytes::npos) end = colon;
  }
  if (!is_valid_host(authority.substr(0, end))) return false;
  if (end == authority.size()) return true;
  return authority[end] == ':' && is_valid_port(authority.substr(end + 1));
}

Refusal check_host(Bytes value, TargetForm form) {
  if (value.empty()) {
    if (form == TargetForm::kAsterisk || form == TargetForm::kAbsolute) return {};
    return {400, "the Host header is empty; it names the host the request is for"};
  }
  if (is_valid_authority(value)) return {};
  return {400, "the Host header must be one host, with or without a port: no user, path or list"};
}

}  // namespace polyport::http

// The reader of questions. The transport comes off first, in whichever way it was written; what is
// left is a path, a port alone, or host and port, and those are judged by the reader of endpoints,
// so that a host is wrong in the same words everywhere.
#include "core/ports/port_question.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/ports/host_name.h"
#include "core/ports/port_names.h"
#include "core/ports/port_number.h"
#include "core/socket/address.h"

namespace polyport {
namespace {

constexpr std::size_t kLongest = 512;
constexpr std::size_t kShown = 60;
constexpr std::string_view kExample = "ask for a port: 8080, udp:53, http or 127.0.0.1:80";

tl::unexpected<Error> bad(std::string what, std::string hint = {}) {
  return failure(ErrorCode::kBadValue, std::move(what), {}, std::move(hint));
}

std::string shown(std::string_view text) {
  return quoted(text, kShown);
}

std::optional<Transport> transport_of(std::string_view word) {
  for (const Transport transport : {Transport::kTcp, Transport::kUdp}) {
    if (equals_ignoring_case(word, name(transport))) return transport;
  }
  if (equals_ignoring_case(word, name(Transport::kTls))) return Transport::kTcp;
  return std::nullopt;
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

// --- the transport

struct Asked {
  std::optional<Transport> transport;
  std::string_view rest;
};

// "udp:53" and "udp://localhost:53"; any other word before "://" is the endpoint reader's to judge.
Asked take_prefix(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto transport = transport_of(text.substr(0, colon));
  if (colon == std::string_view::npos || !transport) return {std::nullopt, text};
  text.remove_prefix(colon + 1);
  if (text.starts_with("//")) text.remove_prefix(2);
  return {transport, text};
}

// "53/udp", as /etc/services and nmap write it.
Result<Asked> take_suffix(Asked asked) {
  const std::size_t slash = asked.rest.rfind('/');
  if (slash == std::string_view::npos) return asked;
  const std::string_view word = asked.rest.substr(slash + 1);
  const auto transport = transport_of(word);
  if (!transport) {
    return bad("unknown transport " + shown(word) + " behind the port",
               "tcp and udp are known, as in 53/udp; a unix path begins with / or ./");
  }
  if (asked.transport && asked.transport != transport) {
    return bad("the question names two transports, " + std::string(name(*asked.transport)) +
                   " and " + std::string(name(*transport)),
               "ask for each");
  }
  return Asked{transport, asked.rest.substr(0, slash)};
}

// --- the port

// One word of /etc/services or of a configuration.
bool is_port_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto may_stand = [&](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '+' || c == '.';
  };
  return text.size() <= 64 && std::any_of(text.begin(), text.end(), is_letter) &&
         std::all_of(text.begin(), text.end(), may_stand) && text.front() != '-' &&
         text.front() != '+' && !is_digit(text.front());
}

// Fills in the number of the question's name, and the transports it is registered for.
void look_up_name(std::optional<Transport> asked, PortQuestion& question) {
  Transports found = 0;
  for (const Transport transport : {Transport::kTcp, Transport::kUdp}) {
    const auto number = port_number(question.name, transport);
    if (!number) continue;
    if (asked == transport) question.port = number;  // before what the other transport has
    if (!question.port) question.port = number;
    if (question.port == number) found |= transports(transport);
  }
  if (!asked && found != 0) question.transports = found;
}

tl::unexpected<Error> range_asked(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_number<std::uint32_t>(text.substr(0, dash));
  const auto last = parse_number<std::uint32_t>(text.substr(dash + 1));
  if (!first || !last) {
    return bad(shown(text) + " is a range, and a question is about one port",
               "write the ports one by one");
  }
  const auto [low, high] = std::minmax(*first, *last);
  return bad(shown(text) + (*first > *last ? " is a range that runs backwards" : " is a range") +
                 ", and a question is about one port",
             "ask for each: $(seq " + std::to_string(low) + " " + std::to_string(high) + ")");
}

Result<void> read_port(std::string_view text, std::optional<Transport> asked,
                       PortQuestion& question) {
  if (is_port_name(text)) {
    question.name = to_lower(text);
    look_up_name(asked, question);
    return {};
  }
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos && dash > 0 &&
      std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(dash), is_digit)) {
    return range_asked(text);
  }
  const auto number = parse_port(text);
  if (!number) return tl::unexpected(number.error());
  question.port = *number;
  return {};
}

// --- host and port

// The port's text in "host:port"; nothing where `rest` is no such pair. A colon inside brackets is
// the address's.
std::optional<std::size_t> port_colon(std::string_view rest) {
  const std::size_t bracket = rest.rfind(']');
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  if (bracket != std::string_view::npos && colon < bracket) return std::nullopt;
  // More than one without brackets: an IPv6 address, or nonsense.
  if (bracket == std::string_view::npos && rest.find(':') != colon) return std::nullopt;
  return colon;
}

// What the endpoint reader says of a text that it must refuse.
tl::unexpected<Error> refused_endpoint(std::string_view text) {
  auto endpoint = parse_endpoint(text);
  return endpoint ? bad(shown(text) + " is no port", std::string(kExample))
                  : tl::unexpected(std::move(endpoint.error()));
}

Result<PortQuestion> read_host_and_port(std::string_view rest, std::size_t colon, Asked asked,
                                        PortQuestion question) {
  const std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  if (port.empty()) {
    return bad("the port is missing",
               "write it after the colon, for example " + printable(host, kShown) + ":8080");
  }
  if (auto read = read_port(port, asked.transport, question); !read) {
    return tl::unexpected(std::move(read.error()));
  }
  if (host.empty()) return question;
  auto endpoint = parse_endpoint(std::string(host) + ":8080");
  if (!endpoint) return tl::unexpected(std::move(endpoint.error()));
  question.host = std::move(endpoint->host);
  return question;
}

Result<PortQuestion> read_path(std::string_view text) {
  const bool marked = text.starts_with("unix:");
  auto endpoint = parse_endpoint(marked ? std::string(text) : "unix:" + std::string(text));
  if (!endpoint) return tl::unexpected(std::move(endpoint.error()));
  PortQuestion question;
  question.transports = transports(Transport::kUnix);
  question.path = std::move(endpoint->path);
  return question;
}

bool is_path(std::string_view text) {
  return text.starts_with("unix:") || text.starts_with('/') || text.starts_with("./") ||
         text.starts_with("../") || text.starts_with('@');
}

Result<void> check_letters(std::string_view text) {
  if (text.empty()) return bad("the question is empty", std::string(kExample));
  if (text.size() > kLongest) {
    return bad("the question is " + std::to_string(text.size()) + " bytes long, " +
               std::to_string(kLongest) + " are possible");
  }
  const auto is_space_or_control = [](char c) { return (c >= 0 && c <= ' ') || c == 0x7F; };
  if (!is_path(text) && std::any_of(text.begin(), text.end(), is_space_or_control)) {
    return bad(shown(text) + " has a space or a control character in it", std::string(kExample));
  }
  return {};
}

}  // namespace

Result<PortQuestion> parse_port_question(std::string_view text) {
  if (auto letters = check_letters(text); !letters) {
    return tl::unexpected(std::move(letters.error()));
  }
  if (is_path(text)) return read_path(text);
  const Asked prefixed = take_prefix(text);
  if (prefixed.rest.find("://") != std::string_view::npos) return refused_endpoint(prefixed.rest);
  const auto asked = take_suffix(prefixed);
  if (!asked) return tl::unexpected(asked.error());
  PortQuestion question;
  if (asked->transport) question.transports = transports(*asked->transport);

  const std::string_view rest = asked->rest;
  if (rest.empty()) return bad("the port is missing", std::string(kExample));
  if (const auto colon = port_colon(rest)) {
    return read_host_and_port(rest, *colon, *asked, std::move(question));
  }
  const bool host_alone = rest.find_first_of(":[]") != std::string_view::npos ||
                          is_localhost(rest) || Address::parse_ip(rest).has_value();
  if (host_alone) return refused_endpoint(rest);
  if (auto read = read_port(rest, asked->transport, question); !read) {
    return tl::unexpected(std::move(read.error()));
  }
  // "example.com" is no port's name that was mistyped.
  if (!question.port && rest.find('.') != std::string_view::npos) return refused_endpoint(rest);
  return question;
}

Error unregistered(const PortQuestion& question) {
  std::string hint = did_you_mean_port(question.name);
  if (hint.empty()) hint = "ask for its number, for example 8080";
  return {ErrorCode::kNotFound, "no port has the name " + shown(question.name), {}, hint};
}

}  // namespace polyport

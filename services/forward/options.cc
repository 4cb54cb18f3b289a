#include "services/forward/options.h"

#include <algorithm>

#include "services/forward/own_listeners.h"

namespace polyport::services::forward {

namespace {

constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::size_t kMostUpstreams = 256;

constexpr OptionSpec kRows[] = {
    {.name = "upstream",
     .type = OptionType::kEndpoints,
     .help = "where to forward to: one endpoint or a list of them"},
    {.name = "balance",
     .type = OptionType::kEnum,
     .fallback = "round_robin",
     .help = "which upstream is next for a client",
     .choices = "round_robin"},
    {.name = "connect_timeout",
     .type = OptionType::kDuration,
     .fallback = "5s",
     .help = "longest wait for one upstream, all its addresses together",
     .min = 1,
     .max = kDay},
    {.name = "fail_timeout",
     .type = OptionType::kDuration,
     .fallback = "10s",
     .help = "an upstream that failed is passed over for so long; 0s: never",
     .max = kDay},
    {.name = "resolve_every",
     .type = OptionType::kDuration,
     .fallback = "30s",
     .help = "an upstream's name is looked up again so often; 0s: once",
     .max = kDay},
    {.name = "udp_session_timeout",
     .type = OptionType::kDuration,
     .fallback = "60s",
     .help = "a UDP client that is silent for so long is forgotten",
     .min = kSecond,
     .max = kDay},
    {.name = "max_udp_sessions",
     .type = OptionType::kInt,
     .fallback = "1024",
     .help = "UDP clients known at one time; one more takes the place of the longest silent",
     .min = 1,
     .max = 65'536,
     .divided = true},
    {.name = "slow_reader",
     .type = OptionType::kEnum,
     .fallback = "disconnect",
     .help = "not taken here: at write_high the other side is not read from",
     .choices = "pause|disconnect",
     .instead = "a slow side holds up the other one; write_high says from when on"},
    {.name = "write_limit",
     .type = OptionType::kSize,
     .fallback = "2GiB",
     .help = "not taken here: at write_high the other side is not read from",
     .max = std::int64_t{1} << 32,
     .instead = "use write_high: a queue never grows much beyond it"},
};

bool is_datagram(const Endpoint& endpoint) {
  return endpoint.transport == Transport::kUdp;
}

// Whether anybody can be reached under what is written.
Errors check_endpoint(const Endpoint& endpoint, const std::string& where) {
  const std::string text = "upstream: " + endpoint.text();
  if (is_encrypted(endpoint.transport)) {
    return {{ErrorCode::kBadValue, text + " would need a client that speaks TLS, which this is not",
             where,
             "write tcp://: bytes are passed on as they are, those of a TLS connection too"}};
  }
  if (has_websocket(endpoint.transport)) {
    return {{ErrorCode::kBadValue, text + ": an upstream is reached over tcp, udp or a unix socket",
             where, "write tcp://: what comes in by ws:// goes on as plain bytes"}};
  }
  if (endpoint.transport == Transport::kUnix) return {};
  if (endpoint.first_port == 0) {
    return {{ErrorCode::kBadValue, text + " has port 0, where nobody can be reached", where,
             "write the port that the upstream listens on"}};
  }
  const auto address = Address::parse_ip(endpoint.host);
  if (endpoint.host == "*" || (address && address->is_any())) {
    return {{ErrorCode::kBadValue,
             text + " stands for every address of a machine, which is none to connect to", where,
             "write one address or a name, for example localhost"}};
  }
  return {};
}

// Listeners without an upstream of their kind, and the other way round.
void check_kind(const OptionValues& values, Kind kind, Errors& errors) {
  const bool datagram = kind == Kind::kDatagram;
  const auto of_kind = [&](const OptionValues::Value& value) {
    for (std::size_t i = 0; i < value.endpoints.size(); ++i) {
      if (is_datagram(value.endpoints[i]) == datagram) return static_cast<std::ptrdiff_t>(i);
    }
    return std::ptrdiff_t{-1};
  };
  const OptionValues::Value& listen = values.value("listen");
  const OptionValues::Value& upstream = values.value("upstream");
  const std::ptrdiff_t listens = of_kind(listen), forwards = of_kind(upstream);
  if ((listens < 0) == (forwards < 0)) return;
  const bool no_upstream = listens >= 0;
  const OptionValues::Value& lonely = no_upstream ? listen : upstream;
  const auto index = static_cast<std::size_t>(no_upstream ? listens : forwards);
  const std::string text = lonely.endpoints[index].text();
  const std::string kind_text = datagram ? "udp" : "tcp or unix";
  errors.push_back(
      {ErrorCode::kConflict,
       no_upstream ? "listen: " + text + " has no upstream: none is " + kind_text
                   : "upstream: no client comes to " + text + ": no listener is " + kind_text,
       lonely.places[index],
       datagram ? std::string("write ") + (no_upstream ? "an upstream" : "a listener") +
                      " with udp:// before it, too"
                : std::string("write ") + (no_upstream ? "an upstream" : "a listener") +
                      " without udp:// before it, too"});
}

void check_own(const OptionValues& values, Errors& errors) {
  const OptionValues::Value& upstream = values.value("upstream");
  for (std::size_t i = 0; i < upstream.endpoints.size(); ++i) {
    const auto& listen = values.endpoints("listen");
    const bool own = std::any_of(listen.begin(), listen.end(), [&](const Endpoint& each) {
      return leads_back(upstream.endpoints[i], each);
    });
    if (!own) continue;
    errors.push_back({ErrorCode::kConflict,
                      "upstream: " + upstream.endpoints[i].text() +
                          " is where this service listens: it would forward to itself for ever",
                      upstream.places[i], "write where the server behind it listens"});
  }
}

}  // namespace

std::span<const OptionSpec> option_rows() {
  return kRows;
}

Errors check(const OptionValues& values) {
  const OptionValues::Value& upstream = values.value("upstream");
  if (upstream.endpoints.empty()) {
    return {{ErrorCode::kBadValue, "upstream: there is nothing to forward to",
             upstream.is_default ? std::string() : upstream.where,
             "add a line like upstream = \"localhost:8000\""}};
  }
  Errors errors;
  std::size_t count = 0;
  for (std::size_t i = 0; i < upstream.endpoints.size(); ++i) {
    for (Error& error : check_endpoint(upstream.endpoints[i], upstream.places[i]))
      errors.push_back(std::move(error));
    const bool is_unix = upstream.endpoints[i].transport == Transport::kUnix;
    count += is_unix ? 1 : upstream.endpoints[i].ports().size();
  }
  if (count > kMostUpstreams) {
    errors.push_back({ErrorCode::kBadValue,
                      "upstream: these are " + std::to_string(count) + " upstreams, " +
                          std::to_string(kMostUpstreams) + " are allowed",
                      upstream.where,
                      {}});
  }
  check_kind(values, Kind::kStream, errors);
  check_kind(values, Kind::kDatagram, errors);
  check_own(values, errors);
  return errors;
}

std::vector<WrittenUpstream> written_upstreams(const OptionValues& values, Kind kind) {
  std::vector<WrittenUpstream> written;
  const OptionValues::Value& upstream = values.value("upstream");
  for (std::size_t i = 0; i < upstream.endpoints.size(); ++i) {
    Endpoint endpoint = upstream.endpoints[i];
    if (is_datagram(endpoint) != (kind == Kind::kDatagram)) continue;
    if (endpoint.transport == Transport::kUnix) {
      written.push_back({std::move(endpoint), upstream.places[i]});
      continue;
    }
    for (const std::uint16_t port : endpoint.ports()) {
      Endpoint single = endpoint;
      single.first_port = single.last_port = port;
      single.step = 1;
      written.push_back({std::move(single), upstream.places[i]});
    }
  }
  return written;
}

}  // namespace polyport::services::forward

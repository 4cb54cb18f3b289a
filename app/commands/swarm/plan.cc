#include "app/commands/swarm/plan.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "app/commands/swarm/datagram_talk.h"
#include "app/commands/swarm/echo_speech.h"
#include "app/commands/swarm/pattern.h"
#include "app/figures.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/http/websocket_client_stage.h"
#include "core/net/tls_client.h"
#include "core/ports/resolve.h"

namespace polyport::swarm {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kOwnDescriptors = 64;
constexpr milliseconds kDefaultDuration{10'000};

enum class Tls : std::uint8_t { kNo, kYes };
enum class Framing : std::uint8_t { kNone, kWebSocket };

struct SchemeRow {
  std::string_view name;
  Scheme scheme;
  std::string_view transport;  // what an endpoint of it is read as
  std::uint64_t least_size;
  std::uint64_t most_size;
  Tls tls = Tls::kNo;
  Framing framing = Framing::kNone;

  bool has_path() const { return scheme == Scheme::kHttp || framing == Framing::kWebSocket; }
  std::string_view default_port() const {
    if (!has_path()) return {};
    return tls == Tls::kYes ? ":443" : ":80";
  }
};
constexpr std::uint64_t kLeastLine = ChatSpeech::kLeastLineBytes;
constexpr std::uint64_t kMostLine = ChatSpeech::kMostLineBytes;
// Fewer bytes stand in some answers by chance.
constexpr std::uint64_t kLeastPost = 16;
constexpr SchemeRow kSchemes[] = {
    {"tcp", Scheme::kTcp, "tcp://", 0, kMostSwarmMessage},
    {"tls", Scheme::kTcp, "tcp://", 0, kMostSwarmMessage, Tls::kYes},
    {"ws", Scheme::kTcp, "tcp://", 0, kMostSwarmMessage, Tls::kNo, Framing::kWebSocket},
    {"wss", Scheme::kTcp, "tcp://", 0, kMostSwarmMessage, Tls::kYes, Framing::kWebSocket},
    {"udp", Scheme::kUdp, "udp://", kLeastDatagram, 65'507},
    {"unix", Scheme::kUnix, "unix:", 0, kMostSwarmMessage},
    {"http", Scheme::kHttp, "tcp://", kLeastPost, kMostSwarmMessage},
    {"https", Scheme::kHttp, "tcp://", kLeastPost, kMostSwarmMessage, Tls::kYes},
    {"chat", Scheme::kChat, "tcp://", kLeastLine, kMostLine},
    {"chats", Scheme::kChat, "tcp://", kLeastLine, kMostLine, Tls::kYes},
};

tl::unexpected<Error> unusable(std::string_view url, std::string what, std::string hint) {
  return failure(ErrorCode::kBadValue, std::move(what), printable(url, 80), std::move(hint));
}

Result<const SchemeRow*> find_scheme(std::string_view url) {
  const std::string_view word = url.substr(0, url.find(':'));
  const bool has_scheme = url.find("://") != std::string_view::npos || url.starts_with("unix:");
  const auto found = std::find_if(std::begin(kSchemes), std::end(kSchemes),
                                  [&](const SchemeRow& row) { return row.name == word; });
  if (has_scheme && found != std::end(kSchemes)) return found;
  return unusable(
      url, has_scheme ? quoted(word, 20) + " is no scheme of a swarm" : "no scheme",
      "tcp://, tls://, ws://, wss://, udp://, unix:, http://, https://, chat:// or chats://");
}

// Splits off the path of a URL, and checks it: it stands in a request line.
Result<std::string> take_path(std::string_view url, std::string& rest) {
  const std::size_t slash = rest.find('/');
  std::string path = slash == std::string::npos ? "/" : rest.substr(slash);
  rest.resize(std::min(rest.size(), slash));
  if (std::any_of(path.begin(), path.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    return unusable(url, "the path has a character that none has", "write it as %XX");
  }
  return path;
}

Result<void> find_address(Target& target, const Endpoint& endpoint, const SwarmOptions& options) {
  if (endpoint.transport == Transport::kUnix) {
    target.where.address.family = Family::kUnix;
    target.where.path = endpoint.path;
    return {};
  }
  if (endpoint.host == "*" || endpoint.first_port != endpoint.last_port ||
      endpoint.first_port == 0) {
    return unusable(target.url, "the URL does not name one host and one port",
                    "for example tcp://localhost:10007");
  }
  const auto found = look_up(endpoint.host);
  if (!found) return tl::unexpected(found.error());
  target.where.address = found->addresses.front();
  target.where.address.port = endpoint.first_port;
  if (target.where.address.is_loopback() || options.allow_remote) return {};
  return unusable(target.url, target.where.text() + " is not on this machine's loopback",
                  "--allow-remote, where its owner knows of it");
}

Result<void> check_size(const SchemeRow& row, const SwarmOptions& options) {
  const bool counts = row.scheme != Scheme::kHttp || options.given_size;
  if (options.size() == 0 || !counts) return {};
  if (options.size() >= row.least_size && options.size() <= row.most_size) return {};
  return failure(ErrorCode::kBadValue,
                 std::to_string(options.size()) + " bytes are no message of " +
                     std::string(row.name) + ": it has " + std::to_string(row.least_size) + " to " +
                     std::to_string(row.most_size),
                 "--size");
}

// Reads the context of TLS once, for the first target that has it.
Result<void> add_stages(Target& target, const SchemeRow& row, const std::string& host,
                        const std::string& authority, const std::string& path, Plan& plan) {
  if (row.tls == Tls::kYes) {
    if (!plan.tls) {
      auto context = tls_client_context(plan.options.trust);
      if (!context) return tl::unexpected(context.error());
      plan.tls = *std::move(context);
    }
    target.stages.push_back(std::make_unique<TlsClientMaker>(plan.tls, host));
  }
  if (row.framing == Framing::kWebSocket) {
    target.stages.push_back(std::make_unique<http::WebSocketClientMaker>(authority, path));
  }
  return {};
}

Result<std::unique_ptr<Target>> read_target(const std::string& url, Plan& plan) {
  const SwarmOptions& options = plan.options;
  const auto row = find_scheme(url);
  if (!row) return tl::unexpected(row.error());
  const SchemeRow& scheme = **row;
  auto target = std::make_unique<Target>();
  target->url = url;
  target->scheme = scheme.scheme;
  const std::string_view after = std::string_view(url).substr(scheme.name.size() + 1);
  std::string rest(target->scheme == Scheme::kUnix ? after : after.substr(2));
  std::string path;
  if (scheme.has_path()) {
    auto taken = take_path(url, rest);
    if (!taken) return tl::unexpected(taken.error());
    path = *std::move(taken);
  }
  const std::string authority = rest;
  if (rest.find(':', rest.rfind(']') + 1) == std::string::npos) rest += scheme.default_port();
  const auto endpoint = parse_endpoint(std::string(scheme.transport) + rest);
  if (!endpoint) {
    Error error = endpoint.error();
    error.where = printable(url, 80);
    return tl::unexpected(std::move(error));
  }
  if (scheme.scheme == Scheme::kHttp) {
    target->http.path = path;
    target->http.host = authority;
    if (options.given_size && options.size() > 0) target->http.post_bytes = options.size();
  }
  auto ok = check_size(scheme, options)
                .and_then([&] { return find_address(*target, *endpoint, options); })
                .and_then([&] {
                  return add_stages(*target, scheme, endpoint->host, authority, path, plan);
                });
  if (!ok) return tl::unexpected(ok.error());
  return target;
}

Result<void> check_bounds(const SwarmOptions& options, std::uint64_t descriptors) {
  const auto bad = [](std::string what, std::string where, std::string hint = {}) {
    return failure(ErrorCode::kBadValue, std::move(what), std::move(where), std::move(hint));
  };
  if (options.count < 1 || options.count > kMostSwarmSockets) {
    return bad("not between 1 and " + grouped(kMostSwarmSockets), "--count");
  }
  if (options.count + kOwnDescriptors > descriptors) {
    return bad(grouped(options.count) + " sockets are more than the " + grouped(descriptors) +
                   " descriptors of one process here, of which " + std::to_string(kOwnDescriptors) +
                   " are kept",
               "--count", "raise it (ulimit -n), or start several swarms");
  }
  if (options.size() > kMostSwarmMessage) return bad("over 1 MiB", "--size");
  if (options.rate && (!(*options.rate > 0) || *options.rate > kMostSwarmRate)) {
    return bad("not over 0 and up to 1,000,000 messages a second", "--rate");
  }
  for (const auto& [name_, time] : {std::pair<const char*, milliseconds>{"--ramp", options.ramp},
                                    {"--hold", options.hold},
                                    {"--duration", options.duration.value_or(milliseconds(0))},
                                    {"--timeout", options.timeout}}) {
    if (time > kMostSwarmTime) return bad("longer than an hour", name_);
  }
  for (const auto& [name_, percent] : {std::pair<const char*, double>{"--loss", options.loss},
                                       {"--allowed-loss", options.allowed_loss}}) {
    if (!(percent >= 0 && percent <= 100)) return bad("not from 0 to 100 percent", name_);
  }
  return {};
}

Result<std::vector<Address>> read_sources(const SwarmOptions& options) {
  std::vector<Address> addresses;
  for (const std::string& text : options.sources) {
    const auto address = Address::parse_ip(text);
    if (!address) {
      return failure(ErrorCode::kBadValue, quoted(text, 60) + " is no IP address", "--source",
                     "for example 127.0.0.2");
    }
    addresses.push_back(*address);
  }
  return addresses;
}

void count_sharers(Plan& plan) {
  for (const auto& target : plan.targets) {
    if (!target->is_datagram()) continue;
    target->sharers = 0;
    for (const auto& other : plan.targets) {
      if (!other->is_datagram()) continue;
      const bool same_family = other->where.address.family == target->where.address.family;
      // Without an address a socket of IPv6 is bound to those of IPv4 too.
      if (!same_family && !plan.options.sources.empty()) continue;
      if (other == target) target->share = target->sharers;
      ++target->sharers;
    }
  }
}

Result<void> choose_sources(Plan& plan) {
  const SwarmOptions& options = plan.options;
  Sources::Request request;
  auto addresses = read_sources(options);
  if (!addresses) return tl::unexpected(addresses.error());
  request.addresses = *std::move(addresses);
  if (!options.source_ports.empty()) {
    const auto ports = parse_source_ports(options.source_ports);
    if (!ports) return tl::unexpected(ports.error());
    request.ports = *ports;
  }
  request.lendable = lendable_ports(ephemeral_range(), reserved_ports());
  count_sharers(plan);
  const auto targets = static_cast<std::uint32_t>(plan.targets.size());
  for (const auto& target : plan.targets) {
    request.target = target->where.address;
    request.sockets = (options.count + targets - 1) / targets * target->sharers;
    auto sources = Sources::choose(request);
    if (!sources) return tl::unexpected(sources.error());
    target->sources = *std::move(sources);
    const std::string& note = target->sources.note();
    if (!note.empty()) plan.notes.push_back(note);
  }
  return {};
}

Result<void> plan_schedule(Plan& plan) {
  const SwarmOptions& options = plan.options;
  if (!options.rate && !options.duration) return {};
  const char* const where = options.rate ? "--rate" : "--duration";
  if (options.size() == 0) {
    return failure(ErrorCode::kBadValue, "messages by a schedule, of which each says nothing",
                   where, "--size 0 has no messages; --hold keeps the sockets open");
  }
  plan.rate = options.rate.value_or(options.count);
  const double seconds =
      static_cast<double>(options.duration.value_or(kDefaultDuration).count()) / 1000;
  plan.scheduled = static_cast<std::uint64_t>(plan.rate * seconds);
  if (plan.scheduled > 0) return {};
  return failure(ErrorCode::kBadValue, "not one message is due in this time", where,
                 "a longer --duration, or a higher --rate");
}

}  // namespace

Result<Plan> make_plan(const SwarmOptions& options, std::uint64_t descriptors) {
  Plan plan;
  plan.options = options;
  if (auto ok = check_bounds(options, descriptors); !ok) return tl::unexpected(ok.error());
  // Another one in each run: bytes of an earlier run are no right answer.
  plan.seed =
      mix(static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()),
          static_cast<std::uint64_t>(::getpid()));
  for (const std::string& url : options.urls) {
    auto target = read_target(url, plan);
    if (!target) return tl::unexpected(target.error());
    ChatRoom& room = (*target)->room;
    room.token = "swarm" + std::to_string(mix(plan.seed, plan.targets.size()) % 1'000'000'000);
    room.line_bytes = options.size();
    if (options.loss > 0 && !(*target)->is_datagram()) {
      return unusable(url, "--loss is for datagrams", "TCP sends again what is lost");
    }
    plan.targets.push_back(*std::move(target));
  }
  if (plan.targets.size() > 64) {
    return failure(ErrorCode::kBadValue, "more than 64 URLs", "URL");
  }
  if (auto ok = choose_sources(plan); !ok) return tl::unexpected(ok.error());
  if (auto ok = plan_schedule(plan); !ok) return tl::unexpected(ok.error());
  return plan;
}

std::unique_ptr<Speech> make_speech(Target& target, const Plan& plan, std::uint32_t socket) {
  const std::uint64_t key = mix(plan.seed, socket);
  switch (target.scheme) {
    case Scheme::kHttp:
      return std::make_unique<HttpSpeech>(target.http, key);
    case Scheme::kChat:
      return std::make_unique<ChatSpeech>(target.room, socket);
    case Scheme::kTcp:
    case Scheme::kUnix:
    case Scheme::kUdp:
      break;
  }
  return std::make_unique<EchoSpeech>(key, std::max<std::size_t>(1, plan.options.size()));
}

}  // namespace polyport::swarm

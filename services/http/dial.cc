#include "services/http/dial.h"

#include <cstring>

#include "core/base/text.h"
#include "core/net/hop_table.h"
#include "core/net/network.h"
#include "core/net/resolver.h"
#include "core/ports/endpoint.h"
#include "services/http/endpoints.h"
#include "services/http/timed_task.h"

namespace polyport::services::http {
namespace {

constexpr std::size_t kMostAnswerBytes = 64 * 1024;

enum class Protocol : std::uint8_t { kHttp, kTcp, kUdp };

struct DialPlan {
  std::string host;  // as Endpoint keeps it
  std::uint16_t port = 0;
  Protocol protocol = Protocol::kHttp;
  std::string bytes;  // what is sent
  std::int64_t tries = 1;
  std::chrono::nanoseconds timeout{0};  // of each try
  std::uint8_t hops = 0;
};

// What stands behind the head of an HTTP answer; anything else is given as it is.
std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return answer.starts_with("HTTP/") && end != std::string::npos ? answer.substr(end + 4) : answer;
}

}  // namespace

// One request to /dial: looks the host up, tries as often as it was asked to, and answers.
class Dial final : public TimedTask {
 public:
  Dial(Call& call, Outbound& outbound, DialPlan plan)
      : TimedTask(call), outbound_(outbound), plan_(std::move(plan)) {}
  ~Dial() override { let_go(); }

  void begin() {
    if (const auto address = Address::parse_ip(plan_.host)) {
      targets_ = {*address};
      next_try();
      return;
    }
    question_ = outbound_.network().resolver().ask(
        plan_.host, [this](const Result<HostAddresses>& found) { resolved(found); });
  }

  // --- called by Outbound ------------------------------------------------------------------------
  void connected(Connection& connection) {
    dial_ = 0;
    connection_ = connection.id();
    is_connected_ = true;
    connection.send(plan_.bytes);
    wake_in(plan_.timeout);
  }
  void received(Bytes bytes) {
    answer_.append(bytes.substr(0, kMostAnswerBytes - answer_.size()));
    // HTTP goes on until the other side closes; of any other protocol nobody knows where it ends.
    if (plan_.protocol != Protocol::kHttp || answer_.size() == kMostAnswerBytes) over();
  }
  void closed() {
    is_connected_ = false;
    over();
  }
  void failed(std::string error) {
    dial_ = 0;
    errors_.push_back(std::move(error));
    another();
  }
  void over() {
    if (answer_.empty()) return failed("the connection ended without an answer");
    responses_.push_back(plan_.protocol == Protocol::kHttp ? body_of(answer_) : answer_);
    another();
  }

 private:
  void on_time() override { failed("no answer within " + go_duration_text(plan_.timeout)); }

  void resolved(const Result<HostAddresses>& found) {
    question_ = 0;
    if (!found) {
      errors_.push_back(found.error().what);
      return answer();
    }
    targets_ = found->addresses;
    next_try();
  }

  void next_try() {
    answer_.clear();
    for (Address& target : targets_)
      target.port = plan_.port;
    if (plan_.protocol == Protocol::kUdp) return ask_by_udp();
    std::vector<DialTarget> targets;
    for (const Address& target : targets_)
      targets.push_back({.address = target, .path = {}});
    dial_ = outbound_.dialer().dial(
        {.targets = std::move(targets),
         .timeout = std::chrono::ceil<std::chrono::milliseconds>(plan_.timeout),
         .session = this,
         .hops = plan_.hops});
  }

  void ask_by_udp() {
    int error = 0;
    client_ = outbound_.network().open_udp_client(
        outbound_, {.peer = targets_.front(), .session = this, .hops = plan_.hops}, error);
    if (client_ != nullptr) error = client_->send(plan_.bytes);
    if (error != 0) return failed(std::strerror(error));
    wake_in(plan_.timeout);
  }

  // After a try: the next one, or the answer.
  void another() {
    let_go();
    const auto done = static_cast<std::int64_t>(responses_.size() + errors_.size());
    if (done < plan_.tries) return next_try();
    answer();
  }

  // Nothing that is still under way calls back any more.
  void let_go() {
    silence();
    if (question_ != 0) outbound_.network().resolver().cancel(std::exchange(question_, 0));
    if (dial_ != 0) outbound_.dialer().cancel(std::exchange(dial_, 0));
    if (client_ != nullptr) std::exchange(client_, nullptr)->close();
    if (!std::exchange(is_connected_, false)) return;
    if (Connection* const connection = outbound_.network().find(connection_)) {
      connection->set_session(nullptr);
      connection->close();
    }
  }

  void answer() {
    const std::string body = json_object([this](JsonWriter& json) {
      write_list(json, "responses", responses_);
      write_list(json, "errors", errors_);
    });
    const Parameters none;
    Call call(site(), exchange(), none);
    finish();
    call.json(body);
  }

  static void write_list(JsonWriter& json, std::string_view key,
                         const std::vector<std::string>& list) {
    if (list.empty()) return;
    json.key(key);
    json.begin_array();
    for (const std::string& text : list)
      json.value(text);
    json.end_array();
  }

  Outbound& outbound_;
  DialPlan plan_;
  std::vector<Address> targets_;
  Resolver::Id question_ = 0;
  Dialer::Id dial_ = 0;
  ConnectionId connection_{};
  bool is_connected_ = false;
  UdpClient* client_ = nullptr;
  std::string answer_;
  std::vector<std::string> responses_, errors_;
};

// --- Outbound ------------------------------------------------------------------------------------

namespace {
Dial* dial_of(const Connection& connection) {
  return static_cast<Dial*>(connection.session());
}
}  // namespace

Outbound::Outbound(ServiceContext& context)
    : network_(context.network),
      door_{context.instance, *this, context.policy},
      dialer_(context.network.add_dialer(door_, context.instance + ".dial.0")) {}

void Outbound::on_open(Connection& connection) {
  if (Dial* const dial = dial_of(connection)) dial->connected(connection);
}

void Outbound::on_data(Connection& connection, Bytes data) {
  if (Dial* const dial = dial_of(connection)) dial->received(data);
}

void Outbound::on_end(Connection& connection) {
  Dial* const dial = dial_of(connection);
  if (dial != nullptr) dial->over();
  if (!connection.ending()) connection.close(CloseReason::kPeerClosed);
}

void Outbound::on_close(Connection& connection, CloseReason) {
  Dial* const dial = dial_of(connection);
  connection.set_session(nullptr);
  if (dial != nullptr) dial->closed();
}

void Outbound::on_dial_failed(const DialFailure& failure) {
  static_cast<Dial*>(failure.session)->failed(failure.text());
}

void Outbound::on_answer(UdpClient& client, Bytes bytes) {
  static_cast<Dial*>(client.session())->received(bytes);
}

void Outbound::on_error(UdpClient& client, int error) {
  static_cast<Dial*>(client.session())->failed(std::strerror(error));
}

// --- the endpoint --------------------------------------------------------------------------------

namespace {

using namespace std::chrono_literals;

bool read_protocol(Call& call, DialPlan& plan) {
  const std::string_view name = call.arguments().value("protocol");
  const std::string request(call.arguments().value("request"));
  for (const char character : request) {
    if (static_cast<unsigned char>(character) > 0x20 && character != 0x7f) continue;
    if (name == "udp" || name == "tcp") break;
    call.bad("request", "a path has no blanks and no control characters");
    return false;
  }
  plan.bytes = request;
  if (name.empty() || name == "http") {
    plan.protocol = Protocol::kHttp;
    const std::string slash = request.starts_with('/') ? "" : "/";
    const bool v6 = plan.host.find(':') != std::string::npos;
    plan.bytes = "GET " + slash + request +
                 " HTTP/1.0\r\nHost: " + (v6 ? "[" + plan.host + "]" : plan.host) + ":" +
                 std::to_string(plan.port) + "\r\n\r\n";
  } else if (name == "tcp" || name == "udp") {
    plan.protocol = name == "tcp" ? Protocol::kTcp : Protocol::kUdp;
  } else {
    call.bad("protocol", quoted(name, 60) + " is none of http, tcp, udp");
    return false;
  }
  return true;
}

// Nothing where the request has been answered with 400.
std::optional<DialPlan> read_plan(Call& call) {
  DialPlan plan;
  const std::string host(call.arguments().value("host"));
  const auto port = call.read_number("port", call.arguments().value("port"), 1, 65'535);
  if (!port) return std::nullopt;
  plan.port = static_cast<std::uint16_t>(*port);
  const bool v6 = host.find(':') != std::string::npos;
  const auto endpoint =
      parse_endpoint((v6 ? "[" + host + "]" : host) + ":" + std::to_string(*port));
  if (host.empty() || !endpoint || endpoint->host == "*" ||
      endpoint->transport != Transport::kTcp) {
    call.bad("host", quoted(host, 60) + " is no address and no name of a host");
    return std::nullopt;
  }
  plan.host = endpoint->host;
  const auto tries = call.number("tries", 1, 1, 10);
  if (!tries) return std::nullopt;
  plan.tries = *tries;
  const auto timeout = call.duration("timeout", 5s, 1ms);
  if (!timeout) return std::nullopt;
  plan.timeout = *timeout;
  if (!read_protocol(call, plan)) return std::nullopt;
  return plan;
}

void dial(Call& call) {
  auto plan = read_plan(call);
  if (!plan) return;
  const std::uint8_t hops = call.exchange().connection().hops();
  if (hops >= HopTable::kMost) {
    return call.error(508, "this request comes from this process itself, again and again");
  }
  plan->hops = static_cast<std::uint8_t>(hops + 1);
  auto task = std::make_unique<Dial>(call, *call.site().outbound(), std::move(*plan));
  Dial& started = *task;
  polyport::http::Task::start(std::move(task));
  started.begin();
}

constexpr RouteParameter kDial[] = {
    {.name = "host", .help = "an address or a name; required"},
    {.name = "port", .type = "integer", .help = "1 to 65535; required"},
    {.name = "protocol",
     .fallback = "http",
     .help = "http: GET, the body of the answer; tcp: the first bytes; udp: one datagram"},
    {.name = "request", .help = "the path for http, else the bytes to send"},
    {.name = "tries", .type = "integer", .fallback = "1", .help = "1 to 10, one after the other"},
    {.name = "timeout", .fallback = "5s", .help = "of each, up to max_duration"}};

}  // namespace

std::span<const Route> dial_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/dial", "asks another server and tells what came back", dial, kDial,
       "/dial?host=localhost&port=8080&request=hostname", Route::Body::kDiscard,
       Route::When::kUnsafe},
  };
  return kRoutes;
}

}  // namespace polyport::services::http

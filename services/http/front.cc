#include "services/http/front.h"

#include <algorithm>
#include <ctime>
#include <exception>

#include "core/base/text.h"
#include "services/http/call.h"
#include "services/http/reference.h"

namespace polyport::services::http {
namespace {

constexpr std::string_view kWish = "x-set-response-";
constexpr Bytes kEveryMethod = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

bool begins_with_wish(std::string_view name) {
  return name.size() > kWish.size() && (name[0] | 0x20) == 'x' &&
         equals_ignoring_case(name.substr(0, kWish.size()), kWish);
}

// Whether it is worth looking for wishes at all.
bool may_wish(const Request& request) {
  return request.query.find('-') != Bytes::npos ||
         std::any_of(request.headers.begin(), request.headers.end(),
                     [](const Header& header) { return begins_with_wish(header.name); });
}

}  // namespace

// What x-set-response-status-code, -delay-ms and -content-type ask for.
struct Front::Wishes {
  int status = 0;
  std::chrono::milliseconds delay{0};
  std::string content_type;
  std::string error;  // why one of them cannot be
};

// A request that waits for its x-set-response-delay-ms before any route sees it.
class Front::Delay final : public Alarm {
 public:
  Delay(Front& front, Exchange& exchange) : front_(front), exchange_(exchange) {}

 private:
  void ring() noexcept override {
    Front& front = front_;
    Exchange& exchange = exchange_;
    front.delayed_.erase(&exchange);  // and with it this
    try {
      front.router_.on_request(exchange);
    } catch (const std::exception& error) {
      front.site_.log().error({.event = "service_error", .message = error.what()});
      exchange.connection().close(CloseReason::kServiceError);
    } catch (...) {
      exchange.connection().close(CloseReason::kServiceError);
    }
  }

  Front& front_;
  Exchange& exchange_;
};

Front::Front(Site& site) : site_(site) {
  router_.set_prefix(site.options().prefix);
  for (const RouteGroup& group : route_groups()) {
    for (const Route& route : group.routes) {
      if (is_there(route, site.options())) add(route);
    }
  }
}

Front::~Front() = default;

void Front::add(const Route& route) {
  const std::string pattern = pattern_of(route, site_.options());
  if (pattern.empty()) return;  // the folder stands at "/", so there is nothing to send on from
  if (route.handler != nullptr) {
    handlers_.emplace_back(route.handler(site_));
    return router_.add(route.methods, pattern, *handlers_.back());
  }
  router_.add(
      route.methods, pattern,
      [this, action = route.action](Exchange& exchange, const Parameters& path) {
        Call call(site_, exchange, path);
        action(call);
      },
      route.body);
}

// --- CORS and the common headers -----------------------------------------------------------------

// The site has its name only once it has been started.
void Front::fill_common() {
  common_.push_back({"X-Served-By", site_.instance()});
  if (!site_.options().cors) return;
  common_.push_back({"Access-Control-Allow-Origin", "*"});
  common_.push_back({"Access-Control-Allow-Credentials", "true"});
}

polyport::http::CommonHeaders Front::common_headers(const Exchange& exchange) {
  if (common_.empty()) fill_common();
  const Bytes origin = site_.options().cors ? exchange.request().value("Origin") : Bytes();
  if (origin.empty()) return {common_, true};
  common_of_cors_ = common_;
  common_of_cors_[1].value = origin;
  common_of_cors_.push_back({"Vary", "Origin"});
  return {common_of_cors_, false};
}

// OPTIONS is answered the same for every path (go-httpbin's way), so that a browser may ask for
// any.
void Front::answer_options(Exchange& exchange) {
  const Request& request = exchange.request();
  const std::string allow = router_.allowed_methods(request);
  std::vector<Header> headers = {{"Allow", allow.empty() ? kEveryMethod : Bytes(allow)}};
  if (site_.options().cors) {
    headers.push_back({"Access-Control-Allow-Methods", kEveryMethod});
    headers.push_back({"Access-Control-Max-Age", "3600"});
    const Bytes asked = request.value("Access-Control-Request-Headers");
    if (!asked.empty()) headers.push_back({"Access-Control-Allow-Headers", asked});
  }
  exchange.respond(200, headers, {});
}

// --- the access log ------------------------------------------------------------------------------

void Front::on_answered(Exchange& exchange, const polyport::http::Answered& answered) {
  AccessLog* const log = site_.access_log();
  if (log == nullptr) return;
  const Request& request = exchange.request();
  const Connection& connection = exchange.connection();
  const std::string id = text(connection.id()) + "/" + std::to_string(connection.requests());
  const std::string client = client_of(exchange, site_.options().trusted_proxies).ip;
  log->write({.time = std::time(nullptr),
              .service = site_.instance(),
              .client = client,
              .request_id = id,
              .method = request.method,
              .target = request.target,
              .minor = request.minor,
              .answered = answered,
              .referer = request.value("Referer"),
              .user_agent = request.value("User-Agent")});
}

// --- answers the client controls -----------------------------------------------------------------

bool Front::take_wish(Wishes& wishes, std::string_view what, std::string_view value) const {
  const auto number = parse_number<std::int64_t>(value);
  if (equals_ignoring_case(what, "status-code")) {
    if (!number || *number < 200 || *number > 599) {
      wishes.error = "x-set-response-status-code: it is no status from 200 to 599";
      return false;
    }
    wishes.status = static_cast<int>(*number);
  } else if (equals_ignoring_case(what, "delay-ms")) {
    const auto most = site_.options().max_duration;
    if (!number || *number < 0 || *number > most.count()) {
      wishes.error = "x-set-response-delay-ms: it is no number from 0 to max_duration, " +
                     std::to_string(most.count());
      return false;
    }
    wishes.delay = std::chrono::milliseconds(*number);
  } else if (equals_ignoring_case(what, "content-type")) {
    wishes.content_type = value;
  }
  return true;
}

bool Front::read_wishes(Exchange& exchange, Wishes& wishes) {
  const Request& request = exchange.request();
  if (request.query.find('-') != Bytes::npos) {
    const Arguments arguments(request.query);
    for (const auto& [name, value] : arguments.all()) {
      if (begins_with_wish(name) &&
          !take_wish(wishes, std::string_view(name).substr(kWish.size()), value)) {
        break;
      }
    }
  }
  for (const Header& header : request.headers) {
    if (!begins_with_wish(header.name) || !wishes.error.empty()) continue;
    take_wish(wishes, header.name.substr(kWish.size()), header.value);
  }
  const Parameters none;
  if (wishes.error.empty() && !wishes.content_type.empty() &&
      Call(site_, exchange, none).is_risky(wishes.content_type)) {
    wishes.error =
        "x-set-response-content-type: a browser might run the answer as a page; unsafe = true "
        "allows it";
  }
  if (wishes.error.empty()) return true;
  exchange.respond_error(400, wishes.error);
  return false;
}

// --- the handler ---------------------------------------------------------------------------------

Front::Body Front::on_head(Exchange& exchange) {
  if (exchange.request().method == "OPTIONS") return Body::kDiscard;
  return router_.on_head(exchange);
}

void Front::on_body(Exchange& exchange, Bytes piece) {
  router_.on_body(exchange, piece);
}

void Front::on_request(Exchange& exchange) {
  if (exchange.request().method == "OPTIONS") return answer_options(exchange);
  if (!may_wish(exchange.request())) return router_.on_request(exchange);
  Wishes wishes;
  if (!read_wishes(exchange, wishes)) return;
  if (wishes.status != 0 || !wishes.content_type.empty()) {
    exchange.force(wishes.status, wishes.content_type);
  }
  if (wishes.delay.count() == 0) return router_.on_request(exchange);
  exchange.keep();
  auto& delay = delayed_[&exchange] = std::make_unique<Delay>(*this, exchange);
  site_.alarms().set(*delay, wishes.delay);
}

void Front::on_writable(Exchange& exchange) {
  router_.on_writable(exchange);
}

void Front::on_abort(Exchange& exchange) {
  delayed_.erase(&exchange);
  router_.on_abort(exchange);
}

}  // namespace polyport::services::http

#include "core/http/router.h"

#include <algorithm>
#include <limits>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/http/task.h"
#include "core/http/url.h"

namespace polyport::http {
namespace {

// Adds the methods that `list` lacks, and those that come with them.
void add_methods(std::string& list, const std::vector<std::string>& methods) {
  const auto add = [&](std::string_view method) {
    bool known = false;
    for_each_element(list, [&](Bytes element) { known = known || element == method; });
    if (known) return;
    if (!list.empty()) list += ", ";
    list += method;
  };
  for (const std::string& method : methods) {
    add(method);
    if (method == "GET") add("HEAD");
  }
}

// The path as routes see it: %XX of letters, digits and "-._~" mean those characters (RFC 3986
// section 6.2.2.2), and any other stays as it is.
std::string normalised(Bytes path) {
  std::string result;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size()) {
      const std::string character = percent_decode(path.substr(i, 3));
      if (character.size() == 1 && is(kHostCharacter, character[0]) &&
          std::string_view("!$&'()*+;=").find(character[0]) == std::string_view::npos) {
        result += character;
        i += 2;
        continue;
      }
    }
    result += path[i];
  }
  return result;
}

}  // namespace

// --- parameters ----------------------------------------------------------------------------------

Bytes Parameters::raw(std::string_view name) const {
  const auto* const end = items_.begin() + count_;
  const auto* const item =
      std::find_if(items_.begin(), end, [&](const Item& each) { return each.name == name; });
  POLYPORT_ASSERT(item != end);
  return item->value;
}

std::string Parameters::text(std::string_view name) const {
  return percent_decode(raw(name));
}

std::int64_t Parameters::number(std::string_view name) const {
  return parse_number<std::int64_t>(raw(name), 0)
      .value_or(std::numeric_limits<std::int64_t>::max());
}

// --- the table -----------------------------------------------------------------------------------

Router::Route& Router::insert(std::string_view methods, std::string_view pattern) {
  Route route;
  route.pattern = pattern;
  if (methods != "*") {
    for (const std::string_view method : split(methods, ','))
      route.methods.emplace_back(trim(method));
  }
  if (pattern.find('{') != std::string_view::npos) {
    std::size_t parameters = 0;
    for (const std::string_view part : split(pattern.substr(1), '/')) {
      if (!part.starts_with('{')) {
        route.segments.push_back({Kind::kLiteral, std::string(part)});
        continue;
      }
      POLYPORT_ASSERT(part.ends_with('}') && ++parameters <= Parameters::kMost);
      const std::size_t colon = part.find(':');
      const std::string_view name = part.substr(1, std::min(colon, part.size() - 1) - 1);
      const std::string_view type =
          colon == std::string_view::npos ? "" : part.substr(colon + 1, part.size() - colon - 2);
      POLYPORT_ASSERT(type.empty() || type == "int" || type == "path");
      const Kind kind = type == "int" ? Kind::kInt : type == "path" ? Kind::kPath : Kind::kText;
      route.segments.push_back({kind, std::string(name)});
    }
  }
  routes_.push_back(std::move(route));
  const Route& added = routes_.back();
  if (pattern.starts_with("/{")) {
    for (auto& bucket : buckets_)
      bucket.push_back(&added);
  } else {
    buckets_[bucket_of(pattern)].push_back(&added);
  }
  return routes_.back();
}

// What tells first segments apart at a glance: their length, first and last byte.
std::size_t Router::bucket_of(Bytes path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const Bytes segment = path.substr(0, path.find('/'));
  if (segment.empty()) return 0;
  const auto first = static_cast<unsigned char>(segment.front());
  const auto last = static_cast<unsigned char>(segment.back());
  return (segment.size() + first * 5u + last * 11u) % 64;
}

void Router::add(std::string_view methods, std::string_view pattern, Action action, Body body) {
  Route& route = insert(methods, pattern);
  route.action = std::move(action);
  route.body = body;
}

void Router::add(std::string_view methods, std::string_view pattern, Handler& handler) {
  insert(methods, pattern).handler = &handler;
}

bool Router::takes_method(const Route& route, Bytes method) {
  if (route.methods.empty()) return true;
  for (const std::string& taken : route.methods) {
    if (taken == method || (method == "HEAD" && taken == "GET")) return true;
  }
  return false;
}

bool Router::matches_path(const Route& route, Bytes path, Parameters& parameters) {
  if (route.segments.empty()) return path == route.pattern;
  if (path.empty() || path[0] != '/') return false;
  Bytes rest = path.substr(1);
  bool more = true;  // a segment begins at `rest`
  for (const Segment& segment : route.segments) {
    if (!more) return false;
    const std::size_t slash = segment.kind == Kind::kPath ? Bytes::npos : rest.find('/');
    const Bytes part = rest.substr(0, slash);
    more = slash != Bytes::npos;
    rest = more ? rest.substr(slash + 1) : Bytes{};
    if (segment.kind == Kind::kLiteral) {
      if (part != segment.text) return false;
      continue;
    }
    if (part.empty() && segment.kind != Kind::kPath) return false;
    if (segment.kind == Kind::kInt && !all(kDigit, part)) return false;
    parameters.items_[parameters.count_++] = {segment.text, part};
  }
  return !more;
}

const Router::Route* Router::find(const Request& request, Parameters& parameters,
                                  std::string& allow) const {
  const auto path = path_of(request, parameters);
  if (!path) return nullptr;
  for (const Route* route : buckets_[bucket_of(*path)]) {
    parameters.count_ = 0;
    if (!matches_path(*route, *path, parameters)) continue;
    if (takes_method(*route, request.method)) return route;
    add_methods(allow, route->methods);
  }
  return nullptr;
}

const Router::Route* Router::route_of(const Exchange& exchange, Parameters& parameters,
                                      std::string& allow) const {
  const auto* const route = static_cast<const Route*>(exchange.noted(*this));
  if (route == nullptr) return find(exchange.request(), parameters, allow);
  if (!route->segments.empty()) {
    if (const auto path = path_of(exchange.request(), parameters)) {
      matches_path(*route, *path, parameters);  // it does, as in on_head: for the parameters
    }
  }
  return route;
}

std::optional<Bytes> Router::path_of(const Request& request, Parameters& parameters) const {
  Bytes path = request.path;
  if (path.find('%') != Bytes::npos) path = parameters.path_ = normalised(path);
  return below_prefix(path);
}

std::optional<Bytes> Router::below_prefix(Bytes path) const {
  if (prefix_.empty()) return path;
  if (!path.starts_with(prefix_)) return std::nullopt;
  path.remove_prefix(prefix_.size());
  if (path.empty()) return Bytes("/");
  if (path.front() != '/') return std::nullopt;
  return path;
}

std::string Router::allowed_methods(const Request& request) const {
  Parameters parameters;
  std::string allow;
  Request asked = request;
  asked.method = "";  // no route has it, so that all of the path are seen
  if (find(asked, parameters, allow) != nullptr || allow.empty()) return {};
  return allow + ", OPTIONS";
}

// --- answering -----------------------------------------------------------------------------------

Router::Body Router::on_head(Exchange& exchange) {
  const auto* route = static_cast<const Route*>(exchange.noted(*this));
  if (route == nullptr) {
    const Request& request = exchange.request();
    Parameters parameters;
    std::string allow;
    route = find(request, parameters, allow);
    if (route == nullptr) {
      if (request.has_body) refuse(exchange, allow);  // before the body is on its way
      return Body::kDiscard;
    }
    exchange.note(*this, route);
  }
  return route->handler != nullptr ? route->handler->on_head(exchange) : route->body;
}

void Router::on_request(Exchange& exchange) {
  const auto* const noted = static_cast<const Route*>(exchange.noted(*this));
  if (noted != nullptr && noted->segments.empty()) {
    static const Parameters kNone;
    return ask(*noted, exchange, kNone);
  }
  Parameters parameters;
  std::string allow;
  const Route* const route = route_of(exchange, parameters, allow);
  if (route == nullptr) {
    refuse(exchange, allow);
  } else {
    ask(*route, exchange, parameters);
  }
}

void Router::ask(const Route& route, Exchange& exchange, const Parameters& parameters) {
  if (route.handler != nullptr) {
    route.handler->on_request(exchange);
  } else {
    route.action(exchange, parameters);
  }
}

void Router::refuse(Exchange& exchange, const std::string& allow) const {
  const Request& request = exchange.request();
  if (request.method == "OPTIONS" && (!allow.empty() || request.path == "*")) {
    answer_options(exchange, request.path == "*" ? all_methods() : allow);
  } else if (allow.empty()) {
    exchange.respond_error(404, "there is nothing at this path");
  } else {
    const std::string value = allow + ", OPTIONS";
    const Header header{"Allow", value};
    exchange.respond_error(405, "this path takes other methods, see Allow", {&header, 1});
  }
}

void Router::answer_options(Exchange& exchange, const std::string& allow) const {
  const std::string value = allow + ", OPTIONS";
  const Header header{"Allow", value};
  exchange.respond(204, {&header, 1}, {});
}

std::string Router::all_methods() const {
  std::string methods;
  for (const Route& route : routes_)
    add_methods(methods, route.methods);
  return methods.empty() ? "GET, HEAD" : methods;
}

Handler* Router::handler_of(Exchange& exchange) const {
  Parameters parameters;
  std::string allow;
  const Route* route = route_of(exchange, parameters, allow);
  return route == nullptr ? nullptr : route->handler;
}

void Router::on_body(Exchange& exchange, Bytes piece) {
  if (Handler* handler = handler_of(exchange)) handler->on_body(exchange, piece);
}

void Router::on_writable(Exchange& exchange) {
  if (Handler* handler = handler_of(exchange)) {
    handler->on_writable(exchange);
  } else if (exchange.state() != nullptr) {
    static_cast<Task*>(exchange.state())->on_writable();
  }
}

void Router::on_abort(Exchange& exchange) {
  if (Handler* handler = handler_of(exchange)) {
    handler->on_abort(exchange);
  } else if (exchange.state() != nullptr) {
    const std::unique_ptr<Task> task(static_cast<Task*>(exchange.state()));
    exchange.set_state(nullptr);
  }
}

}  // namespace polyport::http

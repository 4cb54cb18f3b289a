// Router: finds what answers a request by its path and method.
//
// A pattern is literal segments and parameters: "/status/{code:int}",
// "/links/{n:int}/{offset:int}",
// "/files/{rest:path}". A {name} is one segment that is not empty, {name:int} one of decimal
// digits, {name:path} all that is left, slashes and all. Among several patterns that match, the one
// added first answers. No route: 404. No route for the method: 405 with Allow. HEAD goes to GET,
// and OPTIONS is answered from the table where no route takes it. An action may leave a Task behind
// that answers later.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/handler.h"

namespace polyport::http {

// What the parameters of a pattern stood for in one path.
class Parameters {
 public:
  static constexpr std::size_t kMost = 8;

  // Still percent-encoded; a view that lives as long as the parameters and the request. Asking for
  // one that the pattern lacks is a bug.
  Bytes raw(std::string_view name) const;
  std::string text(std::string_view name) const;     // decoded
  std::int64_t number(std::string_view name) const;  // of an {int}; the largest where it is larger

 private:
  friend class Router;
  struct Item {
    std::string_view name;
    Bytes value;
  };
  std::string path_;  // where the path had to be normalised
  std::array<Item, kMost> items_;
  std::size_t count_ = 0;
};

class Router final : public Handler {
 public:
  using Action = std::function<void(Exchange&, const Parameters&)>;

  // All patterns stand below `prefix`, "" or "/a/b"; any other path is 404.
  void set_prefix(std::string_view prefix) { prefix_ = prefix; }

  // `methods` is a list, "GET" or "GET,POST", or "*" for every method, known or not. `body` says
  // what happens to the body of a request before `action` is called.
  void add(std::string_view methods, std::string_view pattern, Action action,
           Body body = Body::kBuffer);
  // A handler of its own, which gets every call of its exchanges; for routes that stream or answer
  // late.
  void add(std::string_view methods, std::string_view pattern, Handler& handler);

  // The value of an Allow header for the path: "GET, HEAD, POST, OPTIONS". Empty where there is
  // nothing, and where a route takes every method.
  std::string allowed_methods(const Request& request) const;

  Body on_head(Exchange& exchange) override;
  void on_body(Exchange& exchange, Bytes piece) override;
  void on_request(Exchange& exchange) override;
  void on_writable(Exchange& exchange) override;
  void on_abort(Exchange& exchange) override;

 private:
  enum class Kind : std::uint8_t { kLiteral, kText, kInt, kPath };
  struct Segment {
    Kind kind;
    std::string text;  // the literal, or the parameter's name
  };
  struct Route {
    std::vector<std::string> methods;  // empty: every one
    std::string pattern;
    std::vector<Segment> segments;  // empty: the pattern is literal as a whole
    Action action;
    Handler* handler = nullptr;
    Body body = Body::kBuffer;
  };

  Route& insert(std::string_view methods, std::string_view pattern);
  // The routes whose first segment may be that of `path`, in their order.
  static std::size_t bucket_of(Bytes path);
  // The route for the request, or null; then `allow` lists the methods of the path's routes, if
  // any.
  const Route* find(const Request& request, Parameters& parameters, std::string& allow) const;
  // The same, from what on_head has noted where there is something.
  const Route* route_of(const Exchange& exchange, Parameters& parameters, std::string& allow) const;
  // The path as patterns see it, or nothing where it is not below the prefix.
  std::optional<Bytes> path_of(const Request& request, Parameters& parameters) const;
  static bool matches_path(const Route& route, Bytes path, Parameters& parameters);
  static bool takes_method(const Route& route, Bytes method);
  // The path below the prefix, or nothing where it is not below it.
  std::optional<Bytes> below_prefix(Bytes path) const;
  static void ask(const Route& route, Exchange& exchange, const Parameters& parameters);
  Handler* handler_of(Exchange& exchange) const;
  void refuse(Exchange& exchange, const std::string& allow) const;
  void answer_options(Exchange& exchange, const std::string& allow) const;
  std::string all_methods() const;

  std::string prefix_;
  std::deque<Route> routes_;  // none of them ever moves
  // By first segment; a route that begins with a parameter is in each.
  std::array<std::vector<const Route*>, 64> buckets_;
};

}  // namespace polyport::http

// Route: one endpoint as data. From the table of them come the router, 405 with Allow, the index
// page, the OpenAPI document and the reference in the docs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/http/handler.h"

namespace polyport::services::http {

class Call;
class Site;

// One thing a client may say to an endpoint.
struct RouteParameter {
  enum class In : std::uint8_t { kPath, kQuery, kHeader };

  std::string_view name;
  In in = In::kQuery;
  std::string_view type = "string";  // as OpenAPI names it
  std::string_view fallback = {};    // the default as one would write it; empty: none
  std::string_view help;             // what it does, and its bounds
};

struct Route {
  enum class When : std::uint8_t {
    kAlways,
    kTeaching,
    kUnsafe,
    kFiles,  // where a folder is served; "/files" in its pattern stands for root_path
  };
  using Body = polyport::http::Handler::Body;

  std::string_view methods;  // "GET", "GET,POST", "*": see Router::add
  std::string_view pattern;
  std::string_view summary;  // one line, no full stop
  void (*action)(Call&) = nullptr;
  std::span<const RouteParameter> parameters = {};
  std::string_view try_it = {};  // a path with its parameters filled in; empty: the pattern
  Body body = Body::kDiscard;
  When when = When::kAlways;
  // For a route that wants more of the engine than an action has: makes its handler, which must
  // not be asked for while there is an action.
  polyport::http::Handler* (*handler)(Site&) = nullptr;
};

struct RouteGroup {
  std::string_view name;
  std::span<const Route> routes;
};

// All of them, in the order of the docs; within it the first pattern that matches answers.
std::span<const RouteGroup> route_groups();

}  // namespace polyport::services::http

// The table of routes as other people's documents: Markdown for the docs, OpenAPI for tools.
#pragma once

#include <string>

#include "services/http/options.h"

namespace polyport::services::http {

// A section a group, a row a route.
std::string reference_markdown();

// An OpenAPI 3.0 document of the routes that `options` leaves on; `server` is the URL that paths
// are relative to.
std::string openapi_json(const SiteOptions& options, std::string_view server);

// Whether the options leave the route on.
struct Route;
bool is_there(const Route& route, const SiteOptions& options);

// The route's pattern, where the options put it.
std::string pattern_of(const Route& route, const SiteOptions& options);

// A path of the route with its parameters filled in, for a link or an example.
std::string_view example_of(const Route& route);
// "/anything/{rest}" of "/anything/{rest:path}": without the types.
std::string plain_pattern(std::string_view pattern);

}  // namespace polyport::services::http

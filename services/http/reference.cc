#include "services/http/reference.h"

#include <algorithm>
#include <vector>

#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "services/http/route.h"

namespace polyport::services::http {
namespace {

using In = RouteParameter::In;

// --- Markdown ------------------------------------------------------------------------------------

std::string cell(std::string_view text) {
  std::string out;
  for (const char character : text)
    out += character == '|' ? "\\|" : std::string(1, character);
  return out;
}

std::string parameter_markdown(const RouteParameter& parameter) {
  const std::string_view kind = parameter.in == In::kQuery    ? "?"
                                : parameter.in == In::kHeader ? "header "
                                                              : "";
  std::string text = "`";
  text.append(kind).append(parameter.name);
  if (!parameter.fallback.empty()) text.append("=").append(parameter.fallback);
  return text.append("` ").append(cell(parameter.help));
}

std::string_view when_markdown(Route::When when) {
  switch (when) {
    case Route::When::kTeaching:
      return " (only with `teaching = true`)";
    case Route::When::kUnsafe:
      return " (only with `unsafe = true`)";
    case Route::When::kFiles:
      return " (only with `root`; the path is `root_path`)";
    case Route::When::kAlways:
      break;
  }
  return "";
}

std::string route_markdown(const Route& route) {
  std::string row = "| `" + plain_pattern(route.pattern) + "` | ";
  row += route.methods == "*" ? "any" : std::string(route.methods);
  row.append(" | ").append(cell(route.summary)).append(when_markdown(route.when)).append(" |");
  for (const RouteParameter& parameter : route.parameters) {
    row += &parameter == route.parameters.data() ? " " : "; ";
    row += parameter_markdown(parameter);
  }
  return row + " |\n";
}

// --- OpenAPI -------------------------------------------------------------------------------------

constexpr std::string_view kMethods[] = {"get", "head", "post", "put", "patch", "delete"};

bool takes(const Route& route, std::string_view method) {
  if (route.methods == "*") return true;
  for (const std::string_view one : split(route.methods, ',')) {
    if (equals_ignoring_case(trim(one), method)) return true;
  }
  return false;
}

std::string_view place_of(In in) {
  switch (in) {
    case In::kPath:
      return "path";
    case In::kQuery:
      return "query";
    case In::kHeader:
      return "header";
  }
  return "query";
}

void write_schema(JsonWriter& json, const RouteParameter& parameter) {
  json.key("schema");
  json.begin_object();
  json.field("type", parameter.type);
  if (!parameter.fallback.empty()) {
    json.key("default");
    const bool bare = parameter.type != "string";
    bare ? json.raw(parameter.fallback) : json.value(parameter.fallback);
  }
  json.end_object();
}

// What the route's example has in the place of a parameter of its path; empty where it has none.
std::string_view example_value(const Route& route, std::string_view name) {
  const std::vector<std::string_view> pattern = split(route.pattern, '/');
  const std::vector<std::string_view> example =
      split(route.try_it.substr(0, route.try_it.find('?')), '/');
  for (std::size_t i = 0; i < std::min(pattern.size(), example.size()); ++i) {
    if (!pattern[i].starts_with('{')) continue;
    if (pattern[i].substr(1, pattern[i].find_first_of(":}") - 1) == name) return example[i];
  }
  return {};
}

void write_parameter(JsonWriter& json, const Route& route, const RouteParameter& parameter) {
  json.begin_object();
  json.field("name", parameter.name);
  json.field("in", place_of(parameter.in));
  if (parameter.in == In::kPath) json.field("required", true);
  json.field("description", parameter.help);
  const std::string_view example = example_value(route, parameter.name);
  if (parameter.in == In::kPath && !example.empty()) json.field("example", example);
  write_schema(json, parameter);
  json.end_object();
}

// A parameter named "…" stands for any.
void write_any_parameter(JsonWriter& json, const RouteParameter& parameter) {
  json.begin_object();
  json.field("name", "arguments");
  json.field("in", "query");
  json.field("description", parameter.help);
  json.field("style", "form");
  json.field("explode", true);
  json.key("schema");
  json.begin_object();
  json.field("type", "object");
  json.key("additionalProperties");
  json.begin_object();
  json.field("type", "string");
  json.end_object();
  json.end_object();
  json.end_object();
}

// Path parameters that the table does not describe, "{rest:path}", must stand in the document too.
void write_undescribed(JsonWriter& json, const Route& route) {
  for (const std::string_view part : split(route.pattern, '/')) {
    if (!part.starts_with('{')) continue;
    const std::string_view name = part.substr(1, part.find_first_of(":}") - 1);
    bool known = false;
    for (const RouteParameter& parameter : route.parameters)
      known = known || parameter.name == name;
    if (!known) {
      write_parameter(json, route, {.name = name, .in = In::kPath, .help = "any further path"});
    }
  }
}

void write_operation(JsonWriter& json, const Route& route, std::string_view group,
                     std::string_view method) {
  json.key(method);
  json.begin_object();
  json.key("tags");
  json.begin_array();
  json.value(group);
  json.end_array();
  json.field("summary", route.summary);
  json.key("parameters");
  json.begin_array();
  for (const RouteParameter& parameter : route.parameters) {
    parameter.name == "…" ? write_any_parameter(json, parameter)
                          : write_parameter(json, route, parameter);
  }
  write_undescribed(json, route);
  json.end_array();
  const bool has_body = route.body != Route::Body::kDiscard;
  if (has_body && method != "get" && method != "head" && method != "delete") {
    json.key("requestBody");
    json.begin_object();
    json.key("content");
    json.begin_object();
    json.key("*/*");
    json.begin_object();
    json.end_object();
    json.end_object();
    json.end_object();
  }
  json.key("responses");
  json.begin_object();
  json.key("default");
  json.begin_object();
  json.field("description", route.summary);
  json.end_object();
  json.end_object();
  json.end_object();
}

// The routes of one pattern become one path with an operation for each of their methods.
void write_path(JsonWriter& json, std::string_view pattern, std::string_view shown,
                const SiteOptions& options) {
  json.key(plain_pattern(shown));
  json.begin_object();
  for (const std::string_view method : kMethods) {
    bool written = false;
    for (const RouteGroup& group : route_groups()) {
      for (const Route& route : group.routes) {
        if (written || route.pattern != pattern || !is_there(route, options)) continue;
        if (!takes(route, method)) continue;
        write_operation(json, route, group.name, method);
        written = true;
      }
    }
  }
  json.end_object();
}

}  // namespace

bool is_there(const Route& route, const SiteOptions& options) {
  switch (route.when) {
    case Route::When::kAlways:
      return true;
    case Route::When::kTeaching:
      return options.teaching;
    case Route::When::kUnsafe:
      return options.unsafe;
    case Route::When::kFiles:
      return !options.root.empty();
  }
  return false;
}

std::string pattern_of(const Route& route, const SiteOptions& options) {
  constexpr std::string_view kFiles = "/files";
  if (route.when != Route::When::kFiles) return std::string(route.pattern);
  return options.root_path + std::string(route.pattern.substr(kFiles.size()));
}

std::string_view example_of(const Route& route) {
  return route.try_it.empty() ? route.pattern : route.try_it;
}

std::string plain_pattern(std::string_view pattern) {
  std::string out;
  bool in_type = false;
  for (const char character : pattern) {
    if (character == ':') in_type = true;
    if (character == '}') in_type = false;
    if (!in_type) out += character;
  }
  return out;
}

std::string reference_markdown() {
  std::string out;
  for (const RouteGroup& group : route_groups()) {
    out.append(out.empty() ? "" : "\n").append("### ").append(group.name);
    out += "\n\n| path | method | what it does | parameters |\n|---|---|---|---|\n";
    for (const Route& route : group.routes)
      out += route_markdown(route);
  }
  return out;
}

std::string openapi_json(const SiteOptions& options, std::string_view server) {
  std::string out;
  JsonWriter json(out, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("openapi", "3.0.3");
  json.key("info");
  json.begin_object();
  json.field("title", "polyport http");
  json.field("version", POLYPORT_VERSION);
  json.field("description",
             "A web server for testing clients: everything it can be asked for. Durations are "
             "written 1.5s, 250ms, or as seconds.");
  json.end_object();
  json.key("servers");
  json.begin_array();
  json.begin_object();
  json.field("url", server);
  json.end_object();
  json.end_array();
  json.key("paths");
  json.begin_object();
  std::vector<std::string_view> written;
  for (const RouteGroup& group : route_groups()) {
    for (const Route& route : group.routes) {
      const bool again = std::find(written.begin(), written.end(), route.pattern) != written.end();
      if (again || !is_there(route, options)) continue;
      written.push_back(route.pattern);
      write_path(json, route.pattern, pattern_of(route, options), options);
    }
  }
  json.end_object();
  json.end_object();
  out += '\n';
  return out;
}

}  // namespace polyport::services::http

// Call: one request to one endpoint, with what an action needs to read it and to answer it.
//
// It lives as long as the action runs. An action that answers later keeps the exchange (a Task) and
// makes a new Call from it.
#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json_writer.h"
#include "core/http/router.h"
#include "services/http/arguments.h"
#include "services/http/route.h"
#include "services/http/site.h"

namespace polyport::services::http {

using polyport::http::Exchange;
using polyport::http::Header;
using polyport::http::Parameters;
using polyport::http::Request;

inline constexpr Bytes kJson = "application/json";
inline constexpr Bytes kHtml = "text/html; charset=utf-8";
inline constexpr Bytes kText = "text/plain; charset=utf-8";
inline constexpr Bytes kOctets = "application/octet-stream";

class Call {
 public:
  using Headers = std::span<const Header>;
  using HeaderList = std::initializer_list<Header>;

  Call(Site& site, Exchange& exchange, const Parameters& path)
      : site_(site), exchange_(exchange), path_(path) {}

  Site& site() { return site_; }
  const SiteOptions& options() const { return site_.options(); }
  Exchange& exchange() { return exchange_; }
  const Request& request() const { return exchange_.request(); }
  Client client() { return client_of(exchange_, site_.options().trusted_proxies); }
  // "http://host/path?query", as the client asked for it.
  std::string url();
  // The same for another path of this site: absolute, or from the root of the host on.
  std::string absolute(std::string_view path);
  std::string local(std::string_view path) const {
    return site_.options().prefix + std::string(path);
  }

  // --- what was asked ----------------------------------------------------------------------------
  // Each reading of a number or a time answers 400 and gives nothing where it cannot be read, or is
  // out of its bounds.
  const Arguments& arguments();
  std::string path(std::string_view name) const { return path_.text(name); }
  std::string raw_path(std::string_view name) const { return std::string(path_.raw(name)); }
  std::optional<std::int64_t> path_number(std::string_view name, std::int64_t min,
                                          std::int64_t max);
  std::optional<std::int64_t> number(std::string_view name, std::int64_t fallback, std::int64_t min,
                                     std::int64_t max);
  std::optional<double> fraction(std::string_view name, double fallback);  // 0 to 1
  // From `min` to max_duration.
  std::optional<std::chrono::nanoseconds> duration(std::string_view name,
                                                   std::chrono::nanoseconds fallback,
                                                   std::chrono::nanoseconds min = {});
  std::optional<std::chrono::nanoseconds> read_duration(std::string_view name,
                                                        std::string_view text,
                                                        std::chrono::nanoseconds min = {});
  std::optional<std::int64_t> read_number(std::string_view name, std::string_view text,
                                          std::int64_t min, std::int64_t max);
  // Dice of one's own where ?seed= is given, else those of the site.
  std::optional<std::mt19937_64> dice();

  // --- the answer --------------------------------------------------------------------------------
  // A whole one; compressed where the service is to do that and the client likes it.
  void respond(int status, Bytes content_type, Bytes body, Headers more = {});
  void respond(int status, Bytes content_type, Bytes body, HeaderList more) {
    respond(status, content_type, body, Headers(more.begin(), more.size()));
  }
  void json(Bytes body, int status = 200, HeaderList more = {}) {
    respond(status, kJson, body, more);
  }
  void text(Bytes body, int status = 200, HeaderList more = {}) {
    respond(status, kText, body, more);
  }
  void error(int status, Bytes detail, HeaderList more = {}) {
    exchange_.respond_error(status, detail, Headers(more.begin(), more.size()));
  }
  void bad(std::string_view name, std::string_view what) {
    error(400, std::string(name).append(": ").append(what));
  }
  void redirect(int status, Bytes location);
  // Whether a browser could take an answer of that type for a page and run what stands in it.
  bool is_risky(Bytes content_type) const;

 private:
  Site& site_;
  Exchange& exchange_;
  const Parameters& path_;
  std::optional<Arguments> arguments_;
};

// One indented JSON object, filled by `fill(json)`, with a line end.
template <class Fill>
std::string json_object(Fill fill) {
  std::string out;
  JsonWriter json(out, JsonWriter::Style::kIndented);
  json.begin_object();
  fill(json);
  json.end_object();
  out += '\n';
  return out;
}

// &, <, > and quotes as HTML names them.
std::string html_escaped(std::string_view text);

}  // namespace polyport::services::http

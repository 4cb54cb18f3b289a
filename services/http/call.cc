#include "services/http/call.h"

#include "core/base/text.h"
#include "core/http/compress.h"
#include "core/http/parameters.h"

namespace polyport::services::http {
namespace {

constexpr std::size_t kWorthCompressing = 256;

bool is_textual(Bytes content_type) {
  const Bytes type = polyport::http::without_parameters(content_type);
  return type.starts_with("text/") || type == kJson || type == "image/svg+xml" ||
         type == "application/xml";
}

bool has(Call::Headers headers, Bytes name) {
  for (const Header& header : headers) {
    if (equals_ignoring_case(header.name, name)) return true;
  }
  return false;
}

std::string authority_of(const Request& request) {
  return request.authority.empty() ? "localhost" : std::string(request.authority);
}

}  // namespace

// --- what was asked ------------------------------------------------------------------------------

std::string Call::url() {
  const Request& asked = request();
  if (!asked.target.starts_with('/')) return std::string(asked.target);
  return absolute(asked.target);
}

std::string Call::absolute(std::string_view path) {
  return std::string(client().scheme) + "://" + authority_of(request()) + std::string(path);
}

const Arguments& Call::arguments() {
  if (!arguments_) arguments_.emplace(request().query);
  return *arguments_;
}

std::optional<std::int64_t> Call::read_number(std::string_view name, std::string_view text,
                                              std::int64_t min, std::int64_t max) {
  const std::string bounds = "from " + std::to_string(min) + " to " + std::to_string(max);
  const auto number = parse_number<std::int64_t>(text);
  if (number && *number >= min && *number <= max) return number;
  bad(name, quoted(text, 60) + " is no whole number " + bounds);
  return std::nullopt;
}

std::optional<std::int64_t> Call::path_number(std::string_view name, std::int64_t min,
                                              std::int64_t max) {
  return read_number(name, path(name), min, max);
}

std::optional<std::int64_t> Call::number(std::string_view name, std::int64_t fallback,
                                         std::int64_t min, std::int64_t max) {
  const std::string_view text = arguments().value(name);
  return text.empty() ? fallback : read_number(name, text, min, max);
}

std::optional<double> Call::fraction(std::string_view name, double fallback) {
  const std::string_view text = arguments().value(name);
  if (text.empty()) return fallback;
  const auto number = parse_decimal(text);
  if (number && *number <= 1) return number;
  bad(name, quoted(text, 60) + " is no number from 0 to 1");
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> Call::read_duration(std::string_view name,
                                                            std::string_view text,
                                                            std::chrono::nanoseconds min) {
  const std::chrono::nanoseconds max = options().max_duration;
  const auto duration = parse_go_duration(text);
  if (!duration) {
    bad(name, quoted(text, 60) + " is no duration such as 1.5s, 250ms or 2 (seconds)");
  } else if (*duration > max) {
    bad(name,
        go_duration_text(*duration) + " is longer than max_duration, " + go_duration_text(max));
  } else if (*duration < min) {
    bad(name, go_duration_text(*duration) + " is shorter than " + go_duration_text(min));
  } else {
    return duration;
  }
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> Call::duration(std::string_view name,
                                                       std::chrono::nanoseconds fallback,
                                                       std::chrono::nanoseconds min) {
  const std::string_view text = arguments().value(name);
  if (!text.empty()) return read_duration(name, text, min);
  return std::min<std::chrono::nanoseconds>(fallback, options().max_duration);
}

std::optional<std::mt19937_64> Call::dice() {
  const std::string_view text = arguments().value("seed");
  if (text.empty()) return std::mt19937_64(site_.random()());
  const auto seed = parse_number<std::int64_t>(text);
  if (seed) return std::mt19937_64(static_cast<std::uint64_t>(*seed));
  bad("seed", quoted(text, 60) + " is no whole number");
  return std::nullopt;
}

// --- the answer ----------------------------------------------------------------------------------

void Call::respond(int status, Bytes content_type, Bytes body, Headers more) {
  std::vector<Header> headers;
  headers.reserve(more.size() + 5);
  if (!has(more, "Content-Type") && !content_type.empty()) {
    headers.push_back({"Content-Type", content_type});
  }
  headers.insert(headers.end(), more.begin(), more.end());
  // What a client sent comes back in most answers: a browser must not take it for a page.
  if (!has(more, "X-Content-Type-Options"))
    headers.push_back({"X-Content-Type-Options", "nosniff"});
  std::optional<std::string> compressed;
  const bool may_compress = options().compress && body.size() >= kWorthCompressing &&
                            is_textual(content_type) && !has(more, "Content-Encoding");
  if (may_compress) {
    headers.push_back({"Vary", "Accept-Encoding"});
    const auto coding = polyport::http::preferred_coding(request().value("Accept-Encoding"));
    if (coding) compressed = polyport::http::compress(*coding, body);
    if (compressed) headers.push_back({"Content-Encoding", name(*coding)});
  }
  exchange_.respond(status, headers, compressed ? Bytes(*compressed) : body);
}

void Call::redirect(int status, Bytes location) {
  respond(status, {}, {}, {{"Location", location}});
}

bool Call::is_risky(Bytes content_type) const {
  if (options().unsafe) return false;
  const Bytes type = polyport::http::without_parameters(content_type);
  for (const Bytes plain : {Bytes("text/plain"), kJson, kOctets}) {
    if (equals_ignoring_case(type, plain)) return false;
  }
  return true;
}

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char character : text) {
    switch (character) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += character;
    }
  }
  return out;
}

}  // namespace polyport::services::http

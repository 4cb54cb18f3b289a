#include "services/http/options.h"

#include <unistd.h>

#include <array>

#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/http/options.h"

namespace polyport::services::http {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

constexpr OptionSpec kRows[] = {
    {.name = "prefix",
     .type = OptionType::kString,
     .fallback = "",
     .help = "a path all endpoints stand below, such as /http; it does not end in a slash"},
    {.name = "max_duration",
     .type = OptionType::kDuration,
     .fallback = "10s",
     .help =
         "the longest time a client may ask an answer to take (/delay, /drip, /sse); 400 beyond",
     .max = 3'600'000},
    {.name = "max_upload",
     .type = OptionType::kSize,
     .fallback = "0B",
     .help = "largest body of /upload, which keeps none of it; 413 beyond; 0B is no limit",
     .max = kGiB * 1024 * 1024},
    {.name = "cors",
     .type = OptionType::kBool,
     .fallback = "true",
     .help = "pages of every site may read the answers (Access-Control-Allow-Origin)"},
    {.name = "compress",
     .type = OptionType::kBool,
     .fallback = "false",
     .help = "compress answers in text or JSON as the client's Accept-Encoding likes it"},
    {.name = "trusted_proxies",
     .type = OptionType::kStrings,
     .fallback = "",
     .help = "networks whose X-Forwarded-For and -Proto are believed: [\"10.0.0.0/8\", \"unix\"]"},
    {.name = "allowed_redirects",
     .type = OptionType::kStrings,
     .fallback = "",
     .help = "hosts /redirect-to may send a client to; empty: every host"},
    {.name = "hostname",
     .type = OptionType::kString,
     .fallback = "",
     .help = "what /hostname and /whoami say; empty: the name of this machine"},
    {.name = "access_log",
     .type = OptionType::kEnum,
     .fallback = "false",
     .help = "a line for each answer: false, or as Apache writes it, or as JSON",
     .choices = "false|common|combined|json"},
    {.name = "access_log_target",
     .type = OptionType::kString,
     .fallback = "stdout",
     .help = "where to: stdout, stderr or a file"},
    {.name = "root",
     .type = OptionType::kPath,
     .fallback = "",
     .help = "a folder whose files are served; empty: none"},
    {.name = "root_path",
     .type = OptionType::kString,
     .fallback = "/files",
     .help = "the path they are served below; \"/\": wherever no endpoint stands"},
    {.name = "listing",
     .type = OptionType::kBool,
     .fallback = "false",
     .help = "a folder without an index.html is listed"},
    {.name = "teaching",
     .type = OptionType::kBool,
     .fallback = "false",
     .help = "/block, which stops the loop and every service on it for up to 5 s on purpose"},
    {.name = "unsafe",
     .type = OptionType::kBool,
     .fallback = "false",
     .help =
         "/exit, which ends this process, /dial, which asks others, and answers a browser may run"},
};

Error bad(const OptionValues& values, std::string_view name, std::string what, std::string hint) {
  return {ErrorCode::kBadValue, std::string(name) + ": " + std::move(what),
          values.value(name).where, std::move(hint)};
}

bool is_good_prefix(std::string_view prefix) {
  if (prefix.empty()) return true;
  if (prefix.front() != '/' || prefix.back() == '/') return false;
  for (const char character : prefix) {
    const bool plain = polyport::http::is(polyport::http::kHostCharacter, character);
    if (!plain && character != '/' && character != ':' && character != '@') return false;
  }
  return prefix.find("//") == std::string_view::npos;
}

AccessFormat access_format(std::string_view name) {
  if (name == "common") return AccessFormat::kCommon;
  if (name == "combined") return AccessFormat::kCombined;
  return name == "json" ? AccessFormat::kJson : AccessFormat::kOff;
}

std::string machine_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace

std::span<const OptionSpec> option_rows() {
  static const std::vector<OptionSpec> rows = [] {
    const auto engine = polyport::http::option_rows();
    std::vector<OptionSpec> all(engine.begin(), engine.end());
    all.insert(all.end(), std::begin(kRows), std::end(kRows));
    return all;
  }();
  return rows;
}

Result<SiteOptions> site_options(const OptionValues& values) {
  SiteOptions options;
  options.prefix = values.text("prefix");
  if (!is_good_prefix(options.prefix)) {
    return tl::unexpected(bad(values, "prefix", quoted(options.prefix, 60) + " is no such path",
                              "it begins with a slash, ends without one, and has letters, digits "
                              "and -._~ between: \"/http\""));
  }
  options.max_duration = values.duration("max_duration");
  options.max_body = values.bytes("max_body");
  options.max_upload = values.bytes("max_upload");
  options.cors = values.boolean("cors");
  options.compress = values.boolean("compress");
  options.teaching = values.boolean("teaching");
  options.unsafe = values.boolean("unsafe");
  options.hostname = values.text("hostname");
  if (options.hostname.empty()) options.hostname = machine_name();
  options.access_format = access_format(values.text("access_log"));
  options.access_target = values.text("access_log_target");
  options.access_where = values.value("access_log_target").where;
  options.root = values.text("root");
  options.root_where = values.value("root").where;
  options.listing = values.boolean("listing");
  options.root_path = values.text("root_path");
  if (options.root_path == "/") options.root_path.clear();
  if (!is_good_prefix(options.root_path)) {
    return tl::unexpected(bad(values, "root_path",
                              quoted(options.root_path, 60) + " is no such path",
                              "write it as \"/files\", or \"/\""));
  }
  auto proxies = Networks::parse(values.texts("trusted_proxies"));
  if (!proxies) {
    return tl::unexpected(
        bad(values, "trusted_proxies", proxies.error().what, proxies.error().hint));
  }
  options.trusted_proxies = std::move(*proxies);
  for (const std::string& host : values.texts("allowed_redirects"))
    options.allowed_redirects.push_back(to_lower(host));
  return options;
}

}  // namespace polyport::services::http

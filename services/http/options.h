// The options of the http service: their rows, and the values as its endpoints take them.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/settings/option.h"
#include "services/http/access_log.h"
#include "services/http/client.h"

namespace polyport::services::http {

struct SiteOptions {
  std::string prefix;
  std::chrono::milliseconds max_duration{10'000};
  std::uint64_t max_body = 1024 * 1024;
  std::uint64_t max_upload = 0;
  bool cors = true;
  bool compress = false;
  bool teaching = false;
  bool unsafe = false;
  std::string hostname;
  Networks trusted_proxies;
  std::vector<std::string> allowed_redirects;
  AccessFormat access_format = AccessFormat::kOff;
  std::string access_target;
  std::string access_where;  // the place of the option in the configuration
  std::string root;          // a folder to serve; empty: none
  std::string root_path;     // where it stands; without a slash at its end
  std::string root_where;
  bool listing = false;
};

// Those of the engine, and our own behind them.
std::span<const OptionSpec> option_rows();

Result<SiteOptions> site_options(const OptionValues& values);

}  // namespace polyport::services::http

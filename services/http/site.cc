#include "services/http/site.h"

#include <cstring>

#include "core/base/digest.h"
#include "core/base/text.h"

namespace polyport::services::http {
namespace {

std::uint64_t seed() {
  std::uint64_t number = 0;
  std::memcpy(&number, random_bytes(sizeof number).data(), sizeof number);
  return number;
}

}  // namespace

Site::Site(SiteOptions options) : options_(std::move(options)), random_(seed()) {}

Result<void> Site::start(ServiceContext& context) {
  context_ = &context;
  instance_ = context.instance;
  alarms_ = std::make_unique<Alarms>(context.loop);
  const auto failed = [](const std::string& option, const std::string& where, Error error) {
    error.what = option + ": " + quoted(error.where) + " " + error.what;
    error.where = where;
    return tl::unexpected(std::move(error));
  };
  if (options_.unsafe) outbound_ = std::make_unique<Outbound>(context);
  if (options_.access_format != AccessFormat::kOff) {
    auto opened =
        AccessLog::open(options_.access_format, options_.access_target, context.loop, context.log);
    if (!opened) return failed("access_log_target", options_.access_where, opened.error());
    access_log_ = std::move(*opened);
  }
  if (!options_.root.empty()) {
    auto opened = Folder::open(options_.root);
    if (!opened) return failed("root", options_.root_where, opened.error());
    folder_ = std::move(*opened);
  }
  return {};
}

}  // namespace polyport::services::http

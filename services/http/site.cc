#include "services/http/site.h"

#include <cstring>

#include "core/base/digest.h"

namespace polyport::services::http {
namespace {

std::uint64_t seed() {
  std::uint64_t number = 0;
  std::memcpy(&number, random_bytes(sizeof number).data(), sizeof number);
  return number;
}

}  // namespace

Site::Site(SiteOptions options) : options_(std::move(options)), random_(seed()) {}

void Site::start(ServiceContext& context) {
  context_ = &context;
  instance_ = context.instance;
  alarms_ = std::make_unique<Alarms>(context.loop);
}

}  // namespace polyport::services::http

// The http service: a web server that does what its visitors ask it for, and tells them what they
// sent and where they are.
//
// What it can be asked for is the table of routes (route.h); the engine is core/http.
#include "core/service.h"
#include "services/http/front.h"
#include "services/http/options.h"
#include "services/http/reference.h"

namespace polyport::services::http {
namespace {

class HttpService final : public Service {
 public:
  explicit HttpService(const OptionValues& values) {
    auto options = site_options(values);
    if (!options) error_ = options.error();
    site_ = std::make_unique<Site>(options ? std::move(*options) : SiteOptions());
    front_ = std::make_unique<Front>(*site_);
  }

  Result<void> start(ServiceContext& context) override {
    if (error_) return tl::unexpected(*error_);
    return site_->start(context);
  }
  polyport::http::Handler* http_handler(const Door&) override { return front_.get(); }

 private:
  std::optional<Error> error_;
  std::unique_ptr<Site> site_;
  std::unique_ptr<Front> front_;
};

Errors check(const OptionValues& values) {
  const auto options = site_options(values);
  return options ? Errors{} : Errors{options.error()};
}

constexpr Door kDoors[] = {
    {.name = "main",
     .option = "listen",
     .transports = transports(Transport::kTcp, Transport::kUnix, Transport::kTls),
     .kind = Door::Kind::kHttp}};

}  // namespace

extern const ServiceType service_type;
const ServiceType service_type{
    .name = "http",
    .summary = "web server for testing clients: everything httpbin does, and the wire underneath",
    .default_port = 8080,
    .doors = kDoors,
    .options = option_rows(),
    .try_it = "curl http://{host}:{port}/",
    .client_speaks_first = true,
    .check = check,
    .reference = reference_markdown,
    .create = make_service<HttpService>,
};

}  // namespace polyport::services::http

#include "app/admin/health.h"

#include "app/admin/pages.h"
#include "app/build_info.h"
#include "core/base/json_writer.h"

namespace polyport {
namespace {

class Health final : public Service {
 public:
  Result<void> start(ServiceContext& context) override {
    const HostView& host = context.host;
    pages_.add("/healthz", [] { return Pages::Answer{.body = "ok\n"}; });
    pages_.add("/readyz", [&host] {
      return host.draining() ? Pages::Answer{.status = 503, .body = "draining\n"}
                             : Pages::Answer{.body = "ready\n"};
    });
    pages_.add("/metrics", [&host] {
      Pages::Answer answer{.content_type = "text/plain; version=0.0.4; charset=utf-8"};
      host.write_metrics(answer.body);
      return answer;
    });
    pages_.add("/version", [&host] { return version_page(host); });
    return {};
  }

  http::Handler* http_handler(const Door&) override { return &pages_; }

 private:
  static Pages::Answer version_page(const HostView& host) {
    Pages::Answer answer{.content_type = kJson};
    JsonWriter json(answer.body);
    json.begin_object();
    json.field("name", host.server_name());
    json.field("version", version());
    json.end_object();
    answer.body += '\n';
    return answer;
  }

  Pages pages_;
};

constexpr Door kDoors[] = {
    {.transports = transports(Transport::kTcp, Transport::kTls, Transport::kUnix),
     .kind = Door::Kind::kHttp}};

}  // namespace

extern const ServiceType health_type = {
    .name = "health",
    .summary = "/healthz, /readyz, /metrics for Prometheus, /version",
    .default_port = 9901,
    .doors = kDoors,
    .try_it = "curl http://{host}:{port}/healthz",
    .client_speaks_first = true,
    .internal = true,
    .create = [](const OptionValues&) -> std::unique_ptr<Service> {
      return std::make_unique<Health>();
    },
};

}  // namespace polyport

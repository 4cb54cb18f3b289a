// A browser is a stranger's program on this machine: any page it shows may send requests to
// 127.0.0.1. Two kinds are refused. One comes under a name that the stranger's DNS points here (DNS
// rebinding): its Host header is that name. The other comes straight from a foreign page: browsers
// say so in Sec-Fetch-Site, older ones in Origin.
#include "app/admin/admin.h"

#include <unistd.h>

#include "app/admin/pages.h"
#include "app/status_json.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"

namespace polyport {
namespace {

// "localhost:9900" -> "localhost", "[::1]:9900" -> "::1".
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

bool names_this_machine(std::string_view authority) {
  const std::string_view host = host_of(authority);
  return equals_ignoring_case(host, "localhost") || Address::parse_ip(host).has_value();
}

bool from_foreign_page(const http::Request& request) {
  if (const http::Header* site = request.find("Sec-Fetch-Site")) {
    return site->value != "same-origin" && site->value != "none";
  }
  const http::Header* origin = request.find("Origin");
  return origin != nullptr && origin->value != "http://" + std::string(request.authority);
}

std::string_view objection(const http::Request& request) {
  if (!request.authority.empty() && !names_this_machine(request.authority)) {
    return "ask for this page by an IP address or as localhost";
  }
  if (from_foreign_page(request)) return "requests from pages of other sites are refused";
  return {};
}

class Admin final : public Service {
 public:
  Result<void> start(ServiceContext& context) override {
    HostView& host = context.host;
    pages_.set_guard(objection);
    const auto services = [&host] {
      Pages::Answer answer{.content_type = kJson};
      JsonWriter json(answer.body, JsonWriter::Style::kIndented);
      json.begin_object();
      json.key("process");
      write_process(json, host.process());
      json.key("services");
      write_services(json, host.services());
      write_workers(json, host.workers());
      json.end_object();
      answer.body += '\n';
      return answer;
    };
    pages_.add("/api/v1/services", services, &host);
    const auto load = [&host] {
      Pages::Answer answer{.content_type = kJson};
      JsonWriter json(answer.body);
      json.begin_object();
      json.field("pid", ::getpid());
      write_load(json, host.load(), host.services());
      json.end_object();
      answer.body += '\n';
      return answer;
    };
    pages_.add("/api/v1/load", load, &host);
    return {};
  }

  http::Handler* http_handler(const Door&) override { return &pages_; }

 private:
  Pages pages_;
};

constexpr Door kDoors[] = {
    {.transports = transports(Transport::kTcp, Transport::kTls, Transport::kUnix),
     .kind = Door::Kind::kHttp}};

}  // namespace

extern const ServiceType admin_type = {
    .name = "admin",
    .summary = "the services, their listeners and counters as JSON: /api/v1/services, /api/v1/load",
    .default_port = 9900,
    .doors = kDoors,
    .try_it = "curl http://{host}:{port}/api/v1/services",
    .client_speaks_first = true,
    .internal = true,
    .create = [](const OptionValues&) -> std::unique_ptr<Service> {
      return std::make_unique<Admin>();
    },
};

}  // namespace polyport

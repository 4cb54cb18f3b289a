// forward: passes what clients send on to other servers, and what those answer back.
//
// TCP, unix sockets and UDP; one upstream or several in turn, under addresses or names. It changes
// no byte and knows no protocol: no TLS is ended here, no header is added, and an upstream sees our
// address as its client's. This file is the service; streams are passed on by stream_forwarder,
// datagrams by datagram_forwarder.
#include "core/service.h"

#include <memory>

#include "services/forward/options.h"
#include "services/forward/stream_forwarder.h"
#include "services/forward/upstreams.h"

namespace polyport::services::forward {
namespace {

class Forward final : public Service {
 public:
  explicit Forward(const OptionValues& values)
      : streams_(values.duration("fail_timeout")),
        written_streams_(written_upstreams(values, Kind::kStream)),
        stream_forwarder_(streams_, {.connect = values.duration("connect_timeout"),
                                     .resolve_every = values.duration("resolve_every")}) {}

  Result<void> start(ServiceContext& context) override {
    fill(streams_, written_streams_, context.instance + ".upstream.");
    return stream_forwarder_.start(context);
  }
  void stop() override { stream_forwarder_.stop(); }
  void report(ServiceStatus& status, const std::vector<Network::Totals>& totals) const override {
    stream_forwarder_.report(status, totals);
  }

  StreamHandler& stream_handler(const Door&) override { return stream_forwarder_; }

 private:
  static void fill(Upstreams& upstreams, std::vector<WrittenUpstream>& written,
                   const std::string& prefix) {
    for (WrittenUpstream& each : written) {
      upstreams.add({.id = prefix + std::to_string(upstreams.size()),
                     .endpoint = std::move(each.endpoint),
                     .where = std::move(each.where)});
    }
  }

  Upstreams streams_;
  std::vector<WrittenUpstream> written_streams_;
  StreamForwarder stream_forwarder_;
};

}  // namespace

extern const ServiceType service_type = {
    .name = "forward",
    .summary = "passes connections and datagrams on to other servers",
    .doors = kEveryTransport,
    .options = option_rows(),
    .dials = true,
    .check = check,
    .create = make_service<Forward>,
};

}  // namespace polyport::services::forward

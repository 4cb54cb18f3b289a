// forward: passes what clients send on to other servers, and what those answer back.
//
// TCP, unix sockets and UDP; one upstream or several in turn, under addresses or names. It changes
// no byte and knows no protocol: no TLS is ended here, no header is added, and an upstream sees our
// address as its client's. This file is the service; streams are passed on by stream_forwarder,
// datagrams by datagram_forwarder.
#include "core/service.h"

#include <memory>

#include "services/forward/datagram_forwarder.h"
#include "services/forward/options.h"
#include "services/forward/stream_forwarder.h"
#include "services/forward/upstreams.h"

namespace polyport::services::forward {
namespace {

class Forward final : public Service {
 public:
  explicit Forward(const OptionValues& values)
      : streams_(values.duration("fail_timeout")),
        datagrams_(values.duration("fail_timeout")),
        written_streams_(written_upstreams(values, Kind::kStream)),
        written_datagrams_(written_upstreams(values, Kind::kDatagram)),
        stream_forwarder_(streams_, {.connect = values.duration("connect_timeout"),
                                     .resolve_every = values.duration("resolve_every")}),
        datagram_forwarder_(
            datagrams_, {.session_timeout = values.duration("udp_session_timeout"),
                         .sessions = static_cast<std::size_t>(values.integer("max_udp_sessions")),
                         .resolve_every = values.duration("resolve_every")}) {}

  Result<void> start(ServiceContext& context) override {
    fill(streams_, written_streams_, context.instance + ".upstream.", 0);
    fill(datagrams_, written_datagrams_, context.instance + ".upstream.", streams_.size());
    if (auto started = stream_forwarder_.start(context); !started) return started;
    return datagram_forwarder_.start(context);
  }
  void stop() override {
    stream_forwarder_.stop();
    datagram_forwarder_.stop();
  }
  void report(ServiceStatus& status, const std::vector<Network::Totals>& totals) const override {
    stream_forwarder_.report(status, totals);
    datagram_forwarder_.report(status);
  }

  StreamHandler& stream_handler(const Door&) override { return stream_forwarder_; }
  void on_datagram(Datagram& datagram) override { datagram_forwarder_.forward(datagram); }

 private:
  // Numbered through, streams first.
  static void fill(Upstreams& upstreams, std::vector<WrittenUpstream>& written,
                   const std::string& prefix, std::size_t first) {
    for (WrittenUpstream& each : written) {
      upstreams.add({.id = prefix + std::to_string(first + upstreams.size()),
                     .endpoint = std::move(each.endpoint),
                     .where = std::move(each.where)});
    }
  }

  Upstreams streams_;
  Upstreams datagrams_;
  std::vector<WrittenUpstream> written_streams_;
  std::vector<WrittenUpstream> written_datagrams_;
  StreamForwarder stream_forwarder_;
  DatagramForwarder datagram_forwarder_;
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

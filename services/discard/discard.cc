// discard (RFC 863): reads everything, says nothing.
//
// The callbacks that Service has by itself are the whole protocol: bytes and datagrams are dropped,
// and the connection ends with the peer's FIN.
#include "core/service.h"

namespace polyport::services::discard {

namespace {

class Discard final : public Service {};

}  // namespace

extern const ServiceType service_type = {
    .name = "discard",
    .summary = "reads everything and answers nothing (RFC 863)",
    .default_port = 10009,
    .doors = kEveryTransport,
    .answers_any_byte = true,
    .create = make_service<Discard>,
};

}  // namespace polyport::services::discard

// What a worker process must know of the start beside its services: the configuration as it was
// given. Read from a file once, by the supervisor, so that a file that changes changes nothing.
#pragma once

#include <optional>
#include <string>

#include "app/configuration.h"
#include "core/base/json_value.h"

namespace polyport {

struct WorkerSetup {
  ConfigurationOptions configuration;  // with its source
  std::optional<TlsFiles> development_certificate;
};

std::string worker_setup_text(const WorkerSetup& setup);
// Nothing where it is none.
std::optional<WorkerSetup> read_worker_setup(const JsonValue& json);

}  // namespace polyport

// The services as JSON. One form, for GET /api/v1/services and for the ready line: fields are added
// over time, never changed.
#pragma once

#include <span>

#include "core/base/json_writer.h"
#include "core/service.h"

namespace polyport {

// An array with one object a service.
void write_services(JsonWriter& json, std::span<const ServiceStatus> services);
// "workers": one object a worker, in an object that has been begun; nothing where there are none.
void write_workers(JsonWriter& json, std::span<const WorkerStatus> workers);

void write_process(JsonWriter& json, const ProcessStatus& process);

}  // namespace polyport

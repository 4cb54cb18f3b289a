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

// What `polyport measure` reads before and after a load: members of an object that is begun.
// Histograms are arrays of [highest nanosecond, count]; all counters are since the start.
void write_load(JsonWriter& json, const LoadStatus& load, std::span<const ServiceStatus> services);

}  // namespace polyport

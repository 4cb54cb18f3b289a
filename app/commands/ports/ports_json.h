// The sockets as JSON: fields are added over time, never changed.
#pragma once

#include <string>

#include "app/commands/ports/snapshot.h"
#include "core/base/json_writer.h"

namespace polyport {

// One object, without a line feed behind it. Servers come before connections.
std::string ports_json(const Snapshot& snapshot, JsonWriter::Style style);

}  // namespace polyport

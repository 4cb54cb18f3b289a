// A histogram as JSON: the pairs [highest value, count] of its buckets, from small to large. Read
// back it has the same buckets, so it can be added to others.
#pragma once

#include <string_view>

#include "core/base/histogram.h"
#include "core/base/json_value.h"
#include "core/base/json_writer.h"

namespace polyport {

// The next value of `json`. It stands in one line, whatever the style of the rest.
void write_histogram(JsonWriter& json, const Histogram& histogram);
// What is no pair of numbers, or below zero, is passed over; null, or no array: an empty one.
Histogram read_histogram(const JsonValue* pairs);

}  // namespace polyport

// What measure says, as text and as JSON.
#pragma once

#include <string>

#include "app/commands/measure.h"
#include "app/commands/measure/verdict.h"

namespace polyport::measure {

std::string report_text(const MeasureOptions& options, const Figures& figures);
std::string report_json(const MeasureOptions& options, const Figures& figures);

}  // namespace polyport::measure

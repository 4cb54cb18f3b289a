// Figures as a report for people writes them: those of swarm, measure.
#pragma once

#include <cstdint>
#include <string>

namespace polyport {

// "28,232".
std::string grouped(std::uint64_t number);
// Nanoseconds as "0.083 ms", "12.4 ms", "1.25 s": three figures that count.
std::string time_text(std::uint64_t nanoseconds);
// "12.3 %"; of nothing it is 0.
std::string percent_text(double share);

}  // namespace polyport

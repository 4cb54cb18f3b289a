#include "core/host/share.h"

#include "core/base/units.h"

namespace polyport {

namespace {

void share_limit(OptionValues& values, std::string_view name, int workers) {
  OptionValues::Value limit = values.value(name);
  const std::uint64_t share = share_of(static_cast<std::uint64_t>(limit.number), workers);
  limit.number = static_cast<std::int64_t>(share);
  values.set(std::string(name), std::move(limit));
}

}  // namespace

void share_limits(ServicePlan& plan, int workers) {
  for (const char* const name :
       {"max_connections", "max_new_connections_per_second", "max_queued", "memory_limit"}) {
    share_limit(plan.values, name, workers);
  }
  for (const OptionSpec& option : plan.type->options) {
    if (option.divided) share_limit(plan.values, option.name, workers);
  }
}

std::string too_little(std::uint64_t at_rest) {
  return " is too little: the process has " + human_size(at_rest) +
         " without any client, and takes none above seven eighths of the limit";
}

Error share_too_small(std::uint64_t share, std::uint64_t at_rest, int workers) {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  // As much again for clients, in whole MiB.
  const std::uint64_t good = (at_rest * 2 / kMiB + 1) * static_cast<std::uint64_t>(workers);
  return {ErrorCode::kBadValue,
          "memory_limit is " + human_size(share) + " for each of " + std::to_string(workers) +
              " workers, and that" + too_little(at_rest),
          "server.memory_limit",
          "set it to " + format_size(good * kMiB) + " or more, or have fewer workers"};
}

}  // namespace polyport

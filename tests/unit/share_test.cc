// What each worker may have of a limit.
#include "core/host/share.h"

#include <array>
#include <limits>

#include "tests/support/catch.h"

using namespace polyport;

TEST_CASE("a limit is divided among the workers, rounded up") {
  CHECK(share_of(100, 1) == 100);
  CHECK(share_of(100, 4) == 25);
  CHECK(share_of(101, 4) == 26);
  CHECK(share_of(1, 64) == 1);  // nobody has nothing, which would be no limit
  CHECK(share_of(0, 4) == 0);   // no limit stays none
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  CHECK(share_of(kMost, 1) == kMost);
  CHECK(share_of(kMost, 2) == kMost / 2 + 1);
}

namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "max_sessions", .type = OptionType::kInt, .divided = true},
    OptionSpec{.name = "max_upload", .type = OptionType::kSize},
};

void set(OptionValues& values, const char* name, OptionType type, std::int64_t number) {
  values.set(name, {.type = type, .number = number});
}

}  // namespace

TEST_CASE("of a service's limits those are divided that bound the program") {
  ServiceType type{.name = "type"};
  type.options = kOptions;
  ServicePlan plan{.name = "service", .type = &type};
  set(plan.values, "max_connections", OptionType::kInt, 10);
  set(plan.values, "max_connections_per_address", OptionType::kInt, 10);
  set(plan.values, "max_new_connections_per_second", OptionType::kInt, 0);
  set(plan.values, "max_queued", OptionType::kSize, 4000);
  set(plan.values, "memory_limit", OptionType::kSize, 64);
  set(plan.values, "max_sessions", OptionType::kInt, 1024);
  set(plan.values, "max_upload", OptionType::kSize, 4000);
  share_limits(plan, 4);
  CHECK(plan.values.integer("max_connections") == 3);
  CHECK(plan.values.integer("max_connections_per_address") == 10);
  CHECK(plan.values.integer("max_new_connections_per_second") == 0);
  CHECK(plan.values.bytes("max_queued") == 1000);
  CHECK(plan.values.bytes("memory_limit") == 16);
  CHECK(plan.values.integer("max_sessions") == 256);
  CHECK(plan.values.bytes("max_upload") == 4000);
}

TEST_CASE("a share of memory_limit that leaves no room for clients is an error with a way out") {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  CHECK(is_memory_for_clients(8 * kMiB, 7 * kMiB));
  CHECK_FALSE(is_memory_for_clients(8 * kMiB, 7 * kMiB + 1));
  const Error error = share_too_small(8 * kMiB, 7 * kMiB + 1, 4);
  CHECK(error.where == "server.memory_limit");
  CHECK(error.what.starts_with("memory_limit is 8.0 MiB for each of 4 workers"));
  CHECK(error.hint == "set it to 60MiB or more, or have fewer workers");
  CHECK(is_memory_for_clients(share_of(60 * kMiB, 4), 7 * kMiB + 1));
}

// Port ranges: the borders of RFC 6335, and the live ones of this kernel.
#include "core/ports/ranges.h"

#include <fstream>

#include "tests/support/catch.h"

using polyport::ephemeral_range;
using polyport::EphemeralRange;
using polyport::port_range;
using polyport::PortRange;

TEST_CASE("the ranges of RFC 6335 begin where it says", "[ranges]") {
  CHECK(port_range(0) == PortRange::kSystem);
  CHECK(port_range(1023) == PortRange::kSystem);
  CHECK(port_range(1024) == PortRange::kUser);
  CHECK(port_range(49151) == PortRange::kUser);
  CHECK(port_range(49152) == PortRange::kDynamic);
  CHECK(port_range(65535) == PortRange::kDynamic);
  CHECK(name(port_range(80)) == "system");
  CHECK(name(port_range(8080)) == "user");
  CHECK(name(port_range(50000)) == "dynamic");
}

TEST_CASE("both ends of the lent range belong to it", "[ranges]") {
  const EphemeralRange range{1000, 2000};
  CHECK_FALSE(range.contains(999));
  CHECK(range.contains(1000));
  CHECK(range.contains(2000));
  CHECK_FALSE(range.contains(2001));
}

TEST_CASE("the lent range is the one this kernel has now", "[ranges]") {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  unsigned low = 32768;
  unsigned high = 60999;
  file >> low >> high;
  CHECK(ephemeral_range().low == low);
  CHECK(ephemeral_range().high == high);
}

TEST_CASE("the first unprivileged port is the one this kernel has now", "[ranges]") {
  std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  unsigned start = 1024;
  file >> start;
  CHECK(polyport::unprivileged_port_start() == start);
}

TEST_CASE("sets of ports are read and written as the kernel does", "[ranges]") {
  using polyport::parse_port_set, polyport::port_set_text;
  CHECK(port_set_text(parse_port_set("8080,9000-9009,9010\n")) == "8080,9000-9010");
  CHECK(port_set_text(parse_port_set("")).empty());
  CHECK(port_set_text(parse_port_set("0,65535")) == "0,65535");
  CHECK(parse_port_set("0-65535").all());
  CHECK(port_set_text(parse_port_set("x,1-y,70000,9-3,5-")).empty());
}

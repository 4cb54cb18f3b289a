// The metrics page: what a scraper relies on in the text format.
#include "core/observe/prometheus.h"

#include <unistd.h>

#include <ctime>
#include <string>

#include "tests/support/catch.h"

using polyport::PrometheusWriter;
using Kind = PrometheusWriter::Kind;

namespace {

double value_of(const std::string& page, const std::string& name) {
  const std::size_t at = page.find("\n" + name + " ");
  REQUIRE(at != std::string::npos);
  return std::stod(page.substr(at + name.size() + 2));
}

}  // namespace

TEST_CASE("a family has one HELP and one TYPE before all its samples") {
  std::string page = "before\n";
  PrometheusWriter writer(page);
  writer.begin("a_total", Kind::kCounter, "Counts a.");
  writer.sample({{"service", "web"}, {"reason", "drain"}}, 18446744073709551615u);
  writer.sample({{"service", "echo"}, {"reason", "drain"}}, 0);
  writer.begin("b", Kind::kGauge, "Shows b.");
  writer.sample(7);
  CHECK(page ==
        "before\n"
        "# HELP a_total Counts a.\n"
        "# TYPE a_total counter\n"
        "a_total{service=\"web\",reason=\"drain\"} 18446744073709551615\n"
        "a_total{service=\"echo\",reason=\"drain\"} 0\n"
        "# HELP b Shows b.\n"
        "# TYPE b gauge\n"
        "b 7\n");
}

TEST_CASE("a label's value cannot break out of its quotes, nor a help text out of its line") {
  std::string page;
  PrometheusWriter writer(page);
  writer.begin("a", Kind::kGauge, "one \\ two\nthree \"four\"");
  writer.sample({{"service", "x\"} 9\na\\b"}}, 1);
  CHECK(page ==
        "# HELP a one \\\\ two\\nthree \"four\"\n"
        "# TYPE a gauge\n"
        "a{service=\"x\\\"} 9\\na\\\\b\"} 1\n");
}

TEST_CASE("fractions are written without loss and without a locale") {
  std::string page;
  PrometheusWriter writer(page);
  writer.begin("a", Kind::kGauge, "A.");
  writer.sample_real({}, 0.1);
  writer.sample_real({{"x", "y"}}, 1753500000.25);
  CHECK(page.find("a 0.1\n") != std::string::npos);
  CHECK(std::stod(page.substr(page.find("a{x=\"y\"} ") + 9)) == 1753500000.25);
}

TEST_CASE("the process describes itself as every Prometheus client does") {
  std::string page = "\n";
  PrometheusWriter writer(page);
  polyport::write_process_metrics(writer);
  polyport::write_build_info(writer, "1.2.3");

  const double now = static_cast<double>(std::time(nullptr));
  const double started = value_of(page, "process_start_time_seconds");
  CHECK(started <= now + 2);
  CHECK(started > now - 3600);
  CHECK(value_of(page, "process_resident_memory_bytes") > 100 * 1024);
  CHECK(value_of(page, "process_max_fds") >= value_of(page, "process_open_fds"));
  CHECK(page.find("polyport_build_info{version=\"1.2.3\"} 1\n") != std::string::npos);
}

TEST_CASE("an open descriptor is counted, a closed one no longer") {
  const auto open_now = [] {
    std::string page = "\n";
    PrometheusWriter writer(page);
    polyport::write_process_metrics(writer);
    return value_of(page, "process_open_fds");
  };
  const double before = open_now();
  const int extra = dup(0);
  REQUIRE(extra >= 0);
  CHECK(open_now() == before + 1);
  close(extra);
  CHECK(open_now() == before);
}

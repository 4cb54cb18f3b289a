// PrometheusWriter: the Prometheus text format 0.0.4, appended family by family to a string.
//
// It knows how to write the page, not what stands on it: the host, the log and the HTTP engine each
// write their own families. Nothing is stored between two pages.
// https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace polyport {

class PrometheusWriter {
 public:
  enum class Kind : std::uint8_t { kCounter, kGauge };
  struct Label {
    std::string_view name;
    std::string_view value;  // any bytes; escaped here
  };
  using Labels = std::initializer_list<Label>;

  // `out` must outlive the writer and keeps what it already holds.
  explicit PrometheusWriter(std::string& out) : out_(out) {}
  PrometheusWriter(const PrometheusWriter&) = delete;
  PrometheusWriter& operator=(const PrometheusWriter&) = delete;

  // Starts a family; the samples that follow belong to it. `name` must be text that outlives the
  // writer. HELP and TYPE are written once: a second start of one family is a bug and aborts,
  // because a family's samples must stand together. A family without samples still shows that it
  // exists.
  void begin(std::string_view name, Kind kind, std::string_view help);
  void sample(Labels labels, std::uint64_t value);
  void sample(std::uint64_t value) { sample(Labels{}, value); }
  // Seconds and other fractions.
  void sample_real(Labels labels, double value);

 private:
  void begin_sample(Labels labels);

  std::string& out_;
  std::vector<std::string_view> families_;
};

// process_start_time_seconds, process_resident_memory_bytes, process_open_fds and process_max_fds
// of this process, as every Prometheus client names them. What /proc does not tell is left out.
void write_process_metrics(PrometheusWriter& writer);

// Resident memory of this process; nothing where /proc does not tell.
std::optional<std::uint64_t> resident_bytes();

// polyport_build_info{version} 1.
void write_build_info(PrometheusWriter& writer, std::string_view version);

}  // namespace polyport

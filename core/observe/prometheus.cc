#include "core/observe/prometheus.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

#include "core/base/assert.h"

namespace polyport {
namespace {

enum class Quotes : std::uint8_t { kKeep, kEscape };

void append_escaped(std::string& out, std::string_view text, Quotes quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes == Quotes::kEscape) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string read_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Seconds since 1970 at which the machine started, from /proc/stat.
std::optional<double> boot_time() {
  std::istringstream lines(read_file("/proc/stat"));
  for (std::string word; lines >> word;) {
    double seconds = 0;
    if (word == "btime" && lines >> seconds) return seconds;
  }
  return std::nullopt;
}

// Field 22 of /proc/self/stat counts clock ticks since boot. The second field, the program's name,
// may hold spaces and parentheses, so counting starts behind its last parenthesis.
std::optional<double> start_time() {
  const std::string stat = read_file("/proc/self/stat");
  const std::size_t name_end = stat.rfind(')');
  const std::optional<double> boot = boot_time();
  if (name_end == std::string::npos || !boot) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field)
    fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return std::nullopt;
  return *boot + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::optional<std::uint64_t> open_descriptors() {
  // Linux 6.2 and later tell the number as the directory's size; older ones say 0 and are counted.
  struct stat status {};
  if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
    return static_cast<std::uint64_t>(status.st_size);
  }
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return std::nullopt;
  std::uint64_t entries = 0;
  while (readdir(directory) != nullptr)
    ++entries;
  closedir(directory);
  constexpr std::uint64_t kNotOurs = 3;  // ".", ".." and the descriptor that was reading
  return entries < kNotOurs ? 0 : entries - kNotOurs;
}

}  // namespace

std::optional<std::uint64_t> resident_bytes() {
  std::istringstream fields(read_file("/proc/self/statm"));
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  if (!(fields >> size >> resident)) return std::nullopt;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void PrometheusWriter::begin(std::string_view name, Kind kind, std::string_view help) {
  POLYPORT_ASSERT(std::find(families_.begin(), families_.end(), name) == families_.end());
  families_.push_back(name);
  out_.append("# HELP ").append(name).append(" ");
  append_escaped(out_, help, Quotes::kKeep);
  out_.append("\n# TYPE ").append(name);
  out_.append(kind == Kind::kCounter ? " counter\n" : " gauge\n");
}

void PrometheusWriter::begin_sample(Labels labels) {
  POLYPORT_ASSERT(!families_.empty());
  out_.append(families_.back());
  char before = '{';
  for (const Label& label : labels) {
    out_ += before;
    out_.append(label.name).append("=\"");
    append_escaped(out_, label.value, Quotes::kEscape);
    out_ += '"';
    before = ',';
  }
  if (labels.size() != 0) out_ += '}';
  out_ += ' ';
}

void PrometheusWriter::sample(Labels labels, std::uint64_t value) {
  begin_sample(labels);
  out_.append(std::to_string(value)).append("\n");
}

void PrometheusWriter::sample_real(Labels labels, double value) {
  begin_sample(labels);
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.begin(), digits.end(), value);
  POLYPORT_ASSERT(error == std::errc());
  out_.append(digits.begin(), end).append("\n");
}

void write_process_metrics(PrometheusWriter& writer) {
  using Kind = PrometheusWriter::Kind;
  if (const auto seconds = start_time()) {
    writer.begin("process_start_time_seconds", Kind::kGauge,
                 "Start of the process, in seconds since 1970 UTC.");
    writer.sample_real({}, *seconds);
  }
  if (const auto bytes = resident_bytes()) {
    writer.begin("process_resident_memory_bytes", Kind::kGauge, "Resident memory.");
    writer.sample(*bytes);
  }
  if (const auto count = open_descriptors()) {
    writer.begin("process_open_fds", Kind::kGauge, "Open file descriptors.");
    writer.sample(*count);
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    writer.begin("process_max_fds", Kind::kGauge, "The most file descriptors that may be open.");
    writer.sample(limit.rlim_cur);
  }
}

void write_build_info(PrometheusWriter& writer, std::string_view version) {
  writer.begin("polyport_build_info", PrometheusWriter::Kind::kGauge,
               "Always 1; the label tells the version that runs.");
  writer.sample({{"version", version}}, 1);
}

}  // namespace polyport

#include "app/table.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "app/table_rows.h"
#include "core/base/text.h"

namespace polyport {
namespace {

constexpr std::size_t kColumns = 5;
using Cells = std::array<std::string, kColumns>;

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kNormal = "\x1b[0m";

// The number of columns a text takes on a terminal, near enough: bytes that begin a character.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string counted(std::size_t count, std::string_view word) {
  return std::to_string(count) + " " + std::string(word) + (count == 1 ? "" : "s");
}

class TableText {
 public:
  TableText(const StartFacts& facts, Paint paint) : facts_(facts), paint_(paint) {}

  std::string text() {
    header();
    std::vector<Cells> lines = {{"service", "listens on", "range", "reach", "try it"}};
    for (const ServiceStatus& service : facts_.services)
      add_service(service, lines);
    if (lines.size() > 1) add_lines(lines);
    for (const std::string& note : facts_.notes)
      add_note(note);
    for (const ServiceStatus& service : facts_.services) {
      if (!service.reason.empty()) {
        add_note(service.name + " is " + std::string(name(service.state)) + ": " + service.reason);
      }
    }
    return std::move(out_);
  }

 private:
  void header() {
    out_ += painted(kBold, "polyport " + std::string(facts_.version));
    const std::string pid = "(pid " + std::to_string(facts_.pid);
    if (facts_.workers == 0) {
      out_ += "   one process " + pid + "), one event loop, ";
    } else {
      out_ += "   one supervisor " + pid + "), " + counted(facts_.workers, "worker") +
              " with an event loop each, ";
    }
    out_ += count_open(facts_.services) + "\n\n";
  }

  void add_service(const ServiceStatus& service, std::vector<Cells>& lines) const {
    std::string title = service.name;
    for (const TableRow& row : table_rows(service, facts_.types, facts_.networks)) {
      lines.push_back({std::move(title), row.listens_on, row.range, row.reach, row.try_it});
      title.clear();
    }
  }

  void add_lines(const std::vector<Cells>& lines) {
    std::array<std::size_t, kColumns> widths{};
    for (const Cells& line : lines) {
      for (std::size_t i = 0; i < kColumns; ++i)
        widths[i] = std::max(widths[i], width(line[i]));
    }
    for (const Cells& line : lines) {
      const bool is_head = &line == &lines.front();
      std::string text = "  ";
      for (std::size_t i = 0; i < kColumns; ++i) {
        std::string cell = line[i];
        if (i + 1 < kColumns) cell.append(widths[i] - width(line[i]) + 2, ' ');
        text += is_head ? painted(kDim, cell) : i == 0 ? painted(kBold, cell) : cell;
      }
      text.erase(text.find_last_not_of(' ') + 1);
      out_ += text + "\n";
    }
  }

  void add_note(std::string_view note) {
    out_ += "  " + painted(kDim, "note") + "  " + printable(note) + "\n";
  }

  std::string painted(std::string_view code, const std::string& text) const {
    if (paint_ == Paint::kPlain || text.empty()) return text;
    return std::string(code) + text + std::string(kNormal);
  }

  const StartFacts& facts_;
  const Paint paint_;
  std::string out_;
};

}  // namespace

std::string count_open(std::span<const ServiceStatus> services) {
  std::size_t open_services = 0;
  std::set<std::pair<Transport, std::uint16_t>> ports;
  for (const ServiceStatus& service : services) {
    bool any = false;
    for (const ListenerStatus& listener : service.listeners) {
      if (!listener.is_open()) continue;
      any = true;
      if (listener.address.is_ip()) ports.emplace(listener.transport, listener.address.port);
    }
    if (any) ++open_services;
  }
  return counted(open_services, "service") + ", " + counted(ports.size(), "port");
}

std::string start_table(const StartFacts& facts, Paint paint) {
  return TableText(facts, paint).text();
}

}  // namespace polyport

#include "app/commands/explain/words.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <map>

#include "core/base/layout.h"
#include "core/ports/judge_words.h"
#include "core/ports/kernel_sockets.h"
#include "core/ports/port_facts.h"
#include "core/ports/port_names.h"

namespace polyport {
namespace {

constexpr std::size_t kTextColumn = 9;

std::string number_line(std::uint16_t port) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%u = 0x%04x: the two bytes %02x %02x in every packet",
                unsigned{port}, unsigned{port}, port >> 8u, port & 0xffu);
  return text.data();
}

std::string range_line(std::uint16_t port) {
  static constexpr std::array<std::string_view, 3> kBounds = {"0-1023", "1024-49151",
                                                              "49152-65535"};
  const PortRange range = port_range(port);
  const EphemeralRange lent = ephemeral_range();
  const std::uint16_t start = unprivileged_port_start();
  std::string text = std::string(name(range)) + " (" +
                     std::string(kBounds[static_cast<std::size_t>(range)]) + ") by IANA; ";
  const std::string bounds = std::to_string(lent.low) + "-" + std::to_string(lent.high);
  text += lent.contains(port)
              ? "inside " + bounds + ", which this kernel lends to outgoing connections"
              : "this kernel lends " + bounds + " to outgoing connections, so not this one";
  if (port != 0 && port < start) {
    text += "; ports below " + std::to_string(start) + " need a privilege here";
  }
  return text;
}

std::string name_line(const Subject& subject) {
  std::string text;
  const std::string tcp = port_name(*subject.port, Transport::kTcp);
  const std::string udp = port_name(*subject.port, Transport::kUdp);
  if (tcp == udp) {
    text = tcp.empty() ? "" : tcp + " (registered for TCP and UDP)";
  } else {
    if (!tcp.empty()) text = tcp + " (registered for TCP)";
    if (!udp.empty()) text += (text.empty() ? "" : ", ") + udp + " (registered for UDP)";
  }
  for (const std::string& more : subject.names)
    text += (text.empty() ? "" : "; ") + more;
  return text.empty() ? "none registered that this machine knows" : text;
}

// "tcp" for every address, "tcp 127.0.0.1" for one.
std::string state_label(const BindTarget& target) {
  const std::string transport(name(target.transport));
  return target.address.is_any() || !target.address.is_ip()
             ? transport
             : transport + " " + target.address.ip_text();
}

std::string state_line(const Explanation& explanation) {
  const BindTarget& target = explanation.attempt.target;
  if (explanation.verdict != Verdict::kFree || !target.address.is_any()) return explanation.reason;
  return target.address.family == Family::kIPv4 || target.ipv6_mode == IPv6Mode::kDualStack
             ? "free on every address"
             : "free on every IPv6 address";
}

// Connections do not keep a server with SO_REUSEADDR from its port, but a person wants to know.
class Connections {
 public:
  // Of the ports of these subjects.
  explicit Connections(const std::vector<Found>& found) {
    for (const Found& each : found) {
      for (const Subject& subject : each.subjects) {
        if (asks_for(subject)) counts_.try_emplace(*subject.port);
      }
    }
    if (counts_.empty()) return;
    SocketQuery query{.transports = transports(Transport::kTcp)};
    if (counts_.size() == 1) query.local_port = counts_.begin()->first;
    for (const KernelSocket& socket : read_kernel_sockets(query).sockets) {
      const auto count = counts_.find(socket.local.port);
      if (count == counts_.end()) continue;
      if (socket.state == SocketState::kTimeWait) {
        ++count->second.lingering;
      } else if (socket.peer.is_ip()) {
        ++count->second.open;
      }
    }
  }

  // Nothing where there are none.
  std::string line(const Subject& subject) const {
    if (!asks_for(subject)) return "";
    const auto& [open, lingering] = counts_.at(*subject.port);
    if (open + lingering == 0) return "";
    const auto counted = [](std::size_t count, const char* one, const char* many) {
      return std::to_string(count) + " " + (count == 1 ? one : many);
    };
    return counted(open, "connection has", "connections have") + " it as their near end, " +
           counted(lingering, "lingers", "linger") + " in TIME_WAIT";
  }

 private:
  struct Count {
    std::size_t open = 0;
    std::size_t lingering = 0;
  };
  static bool asks_for(const Subject& subject) {
    return subject.port && contains(subject.transports, Transport::kTcp);
  }
  std::map<std::uint16_t, Count> counts_;
};

// What a bind would answer, by transport where they differ.
std::string you_line(const std::vector<Explanation>& explanations) {
  std::vector<std::pair<std::string, std::string>> answers;  // transport, answer; once each
  for (const Explanation& each : explanations) {
    const std::string transport(name(each.attempt.target.transport));
    const std::string answer =
        each.verdict == Verdict::kFree
            ? "could bind it now"
            : "would get " + std::string(strerrorname_np(each.attempt.error)) + " from " +
                  (each.attempt.step == BindStep::kSocket ? "socket()" : "bind()");
    const auto same = std::find_if(answers.begin(), answers.end(),
                                   [&](const auto& known) { return known.first == transport; });
    if (same == answers.end()) {
      answers.emplace_back(transport, answer);
    } else if (each.verdict != Verdict::kFree) {
      same->second = answer;
    }
  }
  const bool alike = std::all_of(answers.begin(), answers.end(), [&](const auto& each) {
    return each.second == answers.front().second;
  });
  if (alike) return answers.front().second;
  std::string text;
  for (const auto& [transport, answer] : answers)
    text += (text.empty() ? "" : "; ") + transport + ": " + answer;
  return text;
}

std::string subject_text(const Subject& subject, const Connections& connections) {
  const auto line = [](std::string_view label, std::string_view text) {
    return text.empty() ? std::string() : labelled_line(label, text, kTextColumn);
  };
  std::string text = subject.title + "\n";
  if (subject.port) {
    text += line("number", number_line(*subject.port));
    text += line("range", range_line(*subject.port));
    text += line("name", name_line(subject));
    if (*subject.port == 0) {
      return text + line("now", "nobody can be reached at port 0: who binds it gets a free port");
    }
  }
  for (const Explanation& explanation : subject.explanations) {
    text += line(state_label(explanation.attempt.target), state_line(explanation));
  }
  text += line("in use", connections.line(subject));
  text += line("you", you_line(subject.explanations));
  return text + advice_text(subject.explanations);
}

}  // namespace

std::string text_of(const std::vector<Found>& found) {
  const Connections connections(found);
  std::string text;
  for (const Found& each : found) {
    for (const Subject& subject : each.subjects)
      text += (text.empty() ? "" : "\n") + subject_text(subject, connections);
    if (!each.left_out.empty()) text += "\n" + each.left_out + "\n";
  }
  return text + aside(where_we_look_from());
}

}  // namespace polyport

#include "app/commands/explain.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>

#include "app/commands/exit_code.h"
#include "app/configuration.h"
#include "app/output.h"
#include "app/report.h"
#include "core/base/layout.h"
#include "core/base/text.h"
#include "core/ports/explain.h"
#include "core/ports/judge_words.h"
#include "core/ports/kernel_sockets.h"
#include "core/ports/port_facts.h"
#include "core/ports/port_names.h"
#include "core/ports/port_question.h"

namespace polyport {
namespace {

constexpr std::size_t kTextColumn = 9;
constexpr std::size_t kMostQuestions = 1000;
constexpr std::size_t kMostOfService = 64;  // ports of one service

// One port, asked about as a person did, with what there is to bind for it.
struct Subject {
  std::string title;  // "port 80", "unix:/run/x.sock"
  std::optional<std::uint16_t> port;
  Transports transports = 0;
  bool of_service = false;         // what a service listens on, each of its transports
  std::vector<std::string> names;  // "http (tcp, udp)", `service "web" of the demo`
  std::vector<BindAttempt> attempts;
  std::vector<Explanation> explanations;  // of the attempts, once all questions are understood
};

// --- from questions to subjects ------------------------------------------------------------------

// Services of the configuration by their name, for whoever asks about "echo".
class Services {
 public:
  explicit Services(std::string path) : path_(std::move(path)) {}

  // Read when it is first asked for.
  const Configuration& configuration() const {
    if (!configuration_) {
      ConfigurationOptions options;
      if (!path_.empty()) options.what = {path_};
      configuration_ = load_configuration(options);
    }
    return *configuration_;
  }

  const ServicePlan* find(std::string_view name) const {
    const auto& plans = configuration().plans;
    const auto found = std::find_if(plans.begin(), plans.end(),
                                    [name](const ServicePlan& plan) { return plan.name == name; });
    return found == plans.end() ? nullptr : &*found;
  }

  // Every endpoint the service is configured with.
  static std::vector<Endpoint> endpoints(const ServicePlan& plan) {
    std::vector<Endpoint> all;
    for (const auto& [option, value] : plan.values.all()) {
      if (value.type == OptionType::kEndpoints) {
        all.insert(all.end(), value.endpoints.begin(), value.endpoints.end());
      }
    }
    return all;
  }

 private:
  std::string path_;
  mutable std::optional<Configuration> configuration_;
};

std::string host_text(const PortQuestion& question) {
  if (question.host.empty()) return "";
  const bool literal = question.host.find(':') != std::string::npos;
  return (literal ? "[" + question.host + "]" : question.host) + ":";
}

// What would be bound: the named address, or every address of this machine.
Result<std::vector<BindTarget>> targets_of(const PortQuestion& question) {
  std::vector<BindTarget> targets;
  for (const Transport transport : {Transport::kTcp, Transport::kUdp, Transport::kUnix}) {
    if (!contains(question.transports, transport)) continue;
    Endpoint endpoint;
    endpoint.transport = transport;
    endpoint.host = question.host.empty() ? "*" : question.host;
    endpoint.path = question.path;
    endpoint.first_port = endpoint.last_port = question.port.value_or(0);
    auto resolved = resolve(endpoint);
    if (!resolved) return tl::unexpected(std::move(resolved.error()));
    for (const BindGroup& group : resolved->groups)
      targets.insert(targets.end(), group.targets.begin(), group.targets.end());
  }
  return targets;
}

Result<Subject> subject_of(const PortQuestion& question) {
  Subject subject;
  subject.port = question.port;
  subject.transports = question.transports;
  subject.title = question.is_path()
                      ? "unix:" + printable(question.path)
                      : "port " + host_text(question) + std::to_string(question.port.value_or(0));
  auto targets = targets_of(question);
  if (!targets) return tl::unexpected(std::move(targets.error()));
  for (const BindTarget& target : *targets)
    subject.attempts.push_back(try_bind(target));
  return subject;
}

PortQuestion question_of(const Endpoint& endpoint, std::uint16_t port) {
  PortQuestion question;
  question.transports = transports(socket_transport(endpoint.transport));
  question.host = endpoint.host;
  question.path = endpoint.path;
  if (endpoint.transport != Transport::kUnix) question.port = port;
  return question;
}

// What a service listens on, up to so many; TCP and UDP of one port are told together.
struct ServiceQuestions {
  std::vector<PortQuestion> kept;
  std::size_t left_out = 0;

  void add(PortQuestion wanted) {
    const auto same = std::find_if(kept.begin(), kept.end(), [&](const PortQuestion& each) {
      return each.port && each.port == wanted.port && each.host == wanted.host;
    });
    if (same != kept.end()) {
      same->transports |= wanted.transports;
    } else if (kept.size() < kMostOfService) {
      kept.push_back(std::move(wanted));
    } else {
      ++left_out;
    }
  }
};

ServiceQuestions questions_of(const ServicePlan& plan) {
  ServiceQuestions questions;
  for (const Endpoint& endpoint : Services::endpoints(plan)) {
    if (endpoint.transport == Transport::kUnix) {
      questions.add(question_of(endpoint, 0));
      continue;
    }
    for (const std::uint16_t port : endpoint.ports())
      questions.add(question_of(endpoint, port));
  }
  return questions;
}

// What was found for one argument: never empty.
struct Found {
  std::vector<Subject> subjects;
  std::string left_out;  // "41 more ports of …", or empty
};

Result<Found> subjects_of_service(const ServicePlan& plan, const std::string& configuration) {
  Found found;
  const ServiceQuestions questions = questions_of(plan);
  const std::string service = "service " + quoted(plan.name) + " of " + printable(configuration);
  for (const PortQuestion& question : questions.kept) {
    auto subject = subject_of(question);
    if (!subject) return tl::unexpected(std::move(subject.error()));
    subject->of_service = true;
    subject->names.push_back(service);
    found.subjects.push_back(std::move(*subject));
  }
  if (questions.left_out != 0) {
    const std::string count = std::to_string(questions.left_out);
    found.left_out = count + (questions.left_out == 1 ? " more port of " : " more ports of ") +
                     service + " not looked at";
  }
  return found;
}

// A name may be IANA's, a service's of the configuration, or both: "echo" is 7, and 10007 in the
// demo. Only a name needs the configuration.
Result<Found> subjects_of(const PortQuestion& question, const Services& services) {
  const ServicePlan* const plan = question.name.empty() ? nullptr : services.find(question.name);
  const bool by_itself = question.port || question.is_path();
  if (plan == nullptr && !by_itself) return tl::unexpected(unregistered(question));
  Found found;
  if (plan != nullptr) {
    auto of_service = subjects_of_service(*plan, services.configuration().name);
    if (!of_service) return of_service;
    found = std::move(*of_service);
  }
  if (by_itself) {
    auto subject = subject_of(question);
    if (!subject) return tl::unexpected(std::move(subject.error()));
    found.subjects.insert(found.subjects.begin(), std::move(*subject));
  }
  if (found.subjects.empty()) {
    return failure(ErrorCode::kNotFound, "service " + quoted(plan->name) + " listens on nothing");
  }
  return found;
}

// The facts are gathered once for all of them: a big machine has many sockets and processes.
void explain_all(std::vector<Found>& found) {
  std::vector<BindAttempt> attempts;
  for (const Found& each : found) {
    for (const Subject& subject : each.subjects)
      attempts.insert(attempts.end(), subject.attempts.begin(), subject.attempts.end());
  }
  // Each is a question of its own, with its own remedies.
  auto explanations = explain({.attempts = attempts, .most_mended = attempts.size()});
  auto next = std::make_move_iterator(explanations.begin());
  for (Found& each : found) {
    for (Subject& subject : each.subjects) {
      const auto end = next + static_cast<std::ptrdiff_t>(subject.attempts.size());
      subject.explanations.assign(next, end);
      next = end;
    }
  }
}

// --- a subject in words --------------------------------------------------------------------------

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

int exit_code(const Subject& subject) {
  for (const Explanation& explanation : subject.explanations) {
    // A port that is asked about without its transport is TCP's; a service needs all it has.
    const Transport transport = explanation.attempt.target.transport;
    const bool aside = transport == Transport::kUdp && !subject.of_service &&
                       contains(subject.transports, Transport::kTcp);
    if (aside) continue;
    if (explanation.verdict == Verdict::kForbidden) return kExitNotPermitted;
    if (explanation.verdict != Verdict::kFree) return kExitNo;
  }
  return kExitOk;
}

// The first that is no among what was first asked about: a service has many.
int exit_code(const Found& first) {
  for (const Subject& subject : first.subjects) {
    if (const int code = exit_code(subject); code != kExitOk) return code;
  }
  return kExitOk;
}

int usage(Error error, const std::string& argument) {
  if (error.where.empty()) error.where = printable(argument, 80);
  print_findings(stderr, {std::move(error)});
  return kExitUsage;
}

std::string json_of(const std::vector<Found>& found) {
  std::vector<Explanation> all;
  for (const Found& each : found) {
    for (const Subject& subject : each.subjects)
      all.insert(all.end(), subject.explanations.begin(), subject.explanations.end());
  }
  return explanations_json(all);
}

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

}  // namespace

int run_command(const ExplainOptions& options) {
  if (options.questions.size() > kMostQuestions) {
    return usage({ErrorCode::kBadValue, "more than 1000 questions", {}, "ask for fewer at once"},
                 "polyport explain");
  }
  const Services services(options.configuration);
  std::vector<Found> all;
  for (const std::string& argument : options.questions) {
    const auto question = parse_port_question(argument);
    if (!question) return usage(question.error(), argument);
    if (!question->name.empty() && !services.configuration().ok()) {
      print_findings(stderr, services.configuration().usage);
      print_findings(stderr, services.configuration().errors);
      return kExitUsage;
    }
    auto found = subjects_of(*question, services);
    if (!found) return usage(std::move(found.error()), argument);
    all.push_back(std::move(*found));
  }
  explain_all(all);
  const bool json = options.format == ExplainOptions::Format::kJson;
  return answer(json ? json_of(all) : text_of(all), exit_code(all.front()));
}

}  // namespace polyport

#include "app/commands/explain/subjects.h"

#include <algorithm>
#include <iterator>

#include "core/base/text.h"
#include "core/ports/explain.h"

namespace polyport {
namespace {

constexpr std::size_t kMostOfService = 64;  // ports of one service

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

// Every endpoint the service is configured with.
std::vector<Endpoint> endpoints_of(const ServicePlan& plan) {
  std::vector<Endpoint> all;
  for (const auto& [option, value] : plan.values.all()) {
    if (value.type == OptionType::kEndpoints) {
      all.insert(all.end(), value.endpoints.begin(), value.endpoints.end());
    }
  }
  return all;
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
  for (const Endpoint& endpoint : endpoints_of(plan)) {
    if (endpoint.transport == Transport::kUnix) {
      questions.add(question_of(endpoint, 0));
      continue;
    }
    for (const std::uint16_t port : endpoint.ports())
      questions.add(question_of(endpoint, port));
  }
  return questions;
}

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

}  // namespace

const Configuration& Services::configuration() const {
  if (!configuration_) {
    ConfigurationOptions options;
    if (!path_.empty()) options.what = {path_};
    configuration_ = load_configuration(options);
  }
  return *configuration_;
}

const ServicePlan* Services::find(std::string_view name) const {
  const auto& plans = configuration().plans;
  const auto found = std::find_if(plans.begin(), plans.end(),
                                  [name](const ServicePlan& plan) { return plan.name == name; });
  return found == plans.end() ? nullptr : &*found;
}

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

}  // namespace polyport

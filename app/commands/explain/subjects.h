// Subjects: the ports that somebody asks to have explained, from a question to what each is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/configuration.h"
#include "core/base/error.h"
#include "core/ports/explanation.h"
#include "core/ports/port_question.h"

namespace polyport {

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

// Services of the configuration by their name, for whoever asks about "echo".
class Services {
 public:
  // `path` empty: of the demo.
  explicit Services(std::string path) : path_(std::move(path)) {}

  // Read when it is first asked for.
  const Configuration& configuration() const;
  const ServicePlan* find(std::string_view name) const;

 private:
  std::string path_;
  mutable std::optional<Configuration> configuration_;
};

// What was found for one argument: never empty.
struct Found {
  std::vector<Subject> subjects;
  std::string left_out;  // "41 more ports of …", or empty
};

// A name may be IANA's, a service's of the configuration, or both: "echo" is 7, and 10007 in the
// demo. Only a name needs the configuration. Tries to bind each port.
Result<Found> subjects_of(const PortQuestion& question, const Services& services);

// The facts are gathered once for all of them: a big machine has many sockets and processes.
void explain_all(std::vector<Found>& found);

}  // namespace polyport

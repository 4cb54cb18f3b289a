// Names: keeps what the names of upstreams stand for up to date.
//
// A name is asked for at the start, every `resolve_every`, and when one of its addresses did not
// answer. A new answer is for new connections; those that are open stay where they are. Where there
// is no answer the last one is kept. Literals and localhost are known without asking.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/service.h"
#include "services/forward/own_listeners.h"
#include "services/forward/upstreams.h"

namespace polyport::services::forward {

class Names {
 public:
  // `upstreams` outlive it.
  explicit Names(Upstreams& upstreams) : upstreams_(upstreams) {}

  // An error where an upstream that is no name cannot be reached in principle, or is this service
  // itself. `on_answer(index)` is called when a name has been answered, well or not.
  Result<void> start(ServiceContext& context, std::chrono::milliseconds every, OwnListeners own,
                     std::function<void(std::size_t)> on_answer);
  void stop();

  // One of its addresses did not answer: perhaps it has moved.
  void doubt(std::size_t index);

 private:
  struct Question {
    Resolver::Id id = 0;
    std::uint64_t asked_ms = 0;
    bool failing = false;  // the last answer was none, and that has been told
  };

  Result<void> set_known(Upstream& upstream);
  void ask(std::size_t index);
  void take(std::size_t index, const Result<HostAddresses>& answer);
  void take_failure(std::size_t index, const Error& error);
  void tell(LogLevel level, std::string_view event, const Upstream& upstream,
            std::string_view message);
  void set_targets(Upstream& upstream, const HostAddresses& found);

  Upstreams& upstreams_;
  ServiceContext* context_ = nullptr;
  OwnListeners own_;
  std::function<void(std::size_t)> on_answer_;
  std::vector<Question> questions_;  // of each upstream
  std::optional<Timer> timer_;
};

}  // namespace polyport::services::forward

// Watch: one line on the terminal for each connection opened and closed, and for each listener that
// has got the port it waited for.
//
// Above kLinesPerSecond lines in a second the rest of that second is only counted, in one line.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "app/terminal.h"
#include "core/observe/events.h"

namespace polyport {

class Watch final : public EventSink {
 public:
  static constexpr int kLinesPerSecond = 10;

  Watch(Loop& loop, Events& events, Terminal& terminal, Paint paint);
  ~Watch() override;

  void on_opened(const Opened& event) override;
  void on_closed(const Closed& event) override;
  void on_wrong_protocol(const WrongProtocol& event) override;
  void on_listening(const Listening& event) override;
  void on_dial_failed(const DialFailed& event) override;

 private:
  bool may_show();
  void show(std::string_view service, const std::string& what);
  void show_counts();

  Loop& loop_;
  Events& events_;
  Terminal& terminal_;
  const Paint paint_;
  std::unordered_map<std::string, std::uint64_t> numbers_;  // of the open connections
  std::uint64_t last_number_ = 0;
  std::uint64_t second_began_ms_ = 0;
  int shown_ = 0;  // in this second
  std::uint64_t hidden_opened_ = 0;
  std::uint64_t hidden_closed_ = 0;
  std::uint64_t hidden_failed_ = 0;
  Timer count_;  // runs only while something is hidden
};

// "closed by the client", "closed by the upstream": a CloseReason for a person.
std::string_view close_sentence(CloseReason reason, EventSink::Way way);

}  // namespace polyport

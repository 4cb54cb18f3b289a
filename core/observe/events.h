// Events: what happens to ports and connections, told to whoever watches (the terminal, later the
// live page). With nobody watching an event costs one comparison.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/observe/close_reason.h"
#include "core/observe/protocol_hint.h"
#include "core/socket/address.h"

namespace polyport {

class EventSink {
 public:
  // Who began it: accepted from a client, or opened by us towards an upstream.
  enum class Way : std::uint8_t { kAccepted, kOutgoing };
  struct Opened {
    std::string_view service;
    std::string_view listener;
    std::string conn;  // ConnectionId as text
    Address peer;
    Way way = Way::kAccepted;
  };
  // A listener that had to wait for its port has it now.
  struct Listening {
    std::string_view service;
    std::string_view listener;
    std::string bound;
  };
  struct Closed {
    std::string_view service;
    std::string_view listener;
    std::string conn;
    Address peer;
    CloseReason reason;
    std::uint64_t age_ms;
    std::uint64_t bytes_in;
    std::uint64_t bytes_out;
    Way way = Way::kAccepted;
  };
  // A client speaks another protocol than the service it has come to.
  struct WrongProtocol {
    std::string_view service;
    std::string_view listener;
    std::string conn;
    Address peer;
    Protocol protocol;
  };
  // Nobody could be reached: what was wanted, and what each address answered.
  struct DialFailed {
    std::string_view service;
    std::string_view dialer;
    std::string_view reason;  // "refused", as in the metrics
    std::string text;         // "127.0.0.1:80: Connection refused; [::1]:80: Connection refused"
  };
  virtual ~EventSink() = default;
  virtual void on_opened(const Opened&) {}
  virtual void on_closed(const Closed&) {}
  virtual void on_wrong_protocol(const WrongProtocol&) {}
  virtual void on_listening(const Listening&) {}
  virtual void on_dial_failed(const DialFailed&) {}
};

class Events {
 public:
  bool watched() const { return !sinks_.empty(); }
  void add(EventSink& sink) { sinks_.push_back(&sink); }
  void remove(EventSink& sink) { std::erase(sinks_, &sink); }
  const std::vector<EventSink*>& sinks() const { return sinks_; }

 private:
  std::vector<EventSink*> sinks_;
};

}  // namespace polyport

// Notifier: tells the service manager how we are, over the socket it has named in NOTIFY_SOCKET
// (sd_notify(3), Type=notify). Written by hand: it is one datagram.
#pragma once

#include <string>
#include <string_view>

namespace polyport {

class Notifier {
 public:
  // `address` as in NOTIFY_SOCKET: a path, or "@name"; empty: nobody wants to know.
  explicit Notifier(std::string address) : address_(std::move(address)) {}
  // Of NOTIFY_SOCKET, which is unset: no program that we start speaks for us.
  static Notifier from_environment();

  // "READY=1\nSTATUS=…", a line each. Never waits. 0, or the errno why it was not taken.
  int send(std::string_view lines) const;

 private:
  std::string address_;
};

}  // namespace polyport

// AddressWatch: calls back on the loop when this machine gets or loses an address.
//
// What exactly happened is not told: whoever waits for an address tries it again.
#pragma once

#include <functional>

#include "core/net/poller.h"

namespace polyport {

class Network;

class AddressWatch : private PollHandle {
 public:
  AddressWatch(Network& network, std::function<void()> on_change);
  AddressWatch(const AddressWatch&) = delete;
  AddressWatch& operator=(const AddressWatch&) = delete;

  // False where the kernel does not tell: whoever waits has to look by itself.
  bool start();
  void close();

 private:
  static AddressWatch& of(PollHandle& handle) { return static_cast<AddressWatch&>(handle); }
  void ready();

  Network& network_;
  std::function<void()> on_change_;
  int fd_ = -1;
};

}  // namespace polyport

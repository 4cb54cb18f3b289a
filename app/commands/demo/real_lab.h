// RealLab: the Lab that asks this kernel.
#pragma once

#include <vector>

#include "app/commands/demo/lab.h"

namespace polyport::demo {

class RealLab : public Lab {
 public:
  RealLab() = default;
  ~RealLab() override;  // closes its sockets, ends its processes
  RealLab(const RealLab&) = delete;
  RealLab& operator=(const RealLab&) = delete;

  Opened open(const Wish& wish) override;
  Opened connect(const Dial& dial) override;
  int finish_connect(int socket, milliseconds wait) override;
  Opened accept(int listener, milliseconds wait) override;
  Heard hear(int socket, milliseconds wait) override;
  int say(int socket, std::string_view bytes) override;
  void close(int socket) override;
  void reset(int socket) override;
  Address local(int socket) override;
  int peer_error(int socket) override;
  int queue(int listener) override;
  bool is_established(int socket) override;
  bool is_waiting_for_answer(int socket) override;
  std::optional<milliseconds> time_wait_left(const Address& local, const Address& peer) override;
  Held hold(const Wish& wish, Where where) override;
  void end(const Held& held) override;
  Program start(std::string_view configuration, milliseconds wait) override;
  void stop(const Program& program) override;
  void wait(milliseconds time) override;
  EphemeralRange ephemeral() override;
  std::uint16_t unprivileged_start() override;
  Families families() override;
  std::vector<Address> network_addresses() override;
  Result<std::vector<Address>> system_look_up(const std::string& host) override;
  std::string file(const std::string& path) override;
  bool is_root() override;

 private:
  Opened opened(int fd, Step step, int error);

  std::vector<int> sockets_;
  std::vector<int> processes_;
  std::vector<int> programs_;
};

// A socket as wished, without a Lab: for a process that has none.
Opened open_wished(const Wish& wish);

}  // namespace polyport::demo

// PortGroup: the listeners that one port of one written endpoint stands for, from wanted to served.
//
// They have one port number, or none of them is open: the group is opened, moved and retried as a
// whole. What happens when its port cannot be had is decided by core/host/opener.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/host/binder.h"
#include "core/net/listener.h"
#include "core/net/stage.h"
#include "core/net/udp_socket.h"
#include "core/service.h"

namespace polyport {

// A door with what serves its sockets.
struct ServedDoor {
  const Door& door;
  std::unique_ptr<StreamHandler> http;    // of kind kHttp
  std::unique_ptr<StageMaker> websocket;  // where one of its endpoints is ws://
  StreamDoor stream;
  UdpDoor udp;
};

struct Port {
  std::string id;     // "web.main.0"
  BindTarget target;  // what is wanted; once open, what is bound
  // Once it is open; whoever serves it takes the descriptor, and the file of a unix socket stays.
  std::optional<OpenSocket> socket;
  std::shared_ptr<const Explanation> explanation;
  bool inherited = false;  // its socket was given to us
  Listener* listener = nullptr;
  UdpSocket* udp = nullptr;
};

struct PortGroup {
  ServedDoor& door;
  Transport transport = Transport::kTcp;  // of the endpoint: above the socket's there may be stages
  std::string configured;                 // the endpoint as written
  std::string where;                      // its place
  std::uint32_t number = 0;
  std::vector<Port> ports;  // never empty
  ListenerOrigin origin = ListenerOrigin::kConfigured;
  bool retrying = false;
  std::uint64_t retries = 0;

  const std::string& service() const { return door.stream.service; }
  bool is_unix() const { return ports.front().target.transport == Transport::kUnix; }
  bool has_inherited() const;
  // The number that a wanted port 0 has to have because one of the group is open; else 0.
  std::uint16_t number_given() const;

  // Opens what is not open yet; a wanted port 0 becomes that of the sockets there are. Empty where
  // all is open; else every attempt that failed, and what this call opened is closed again.
  std::vector<BindAttempt> open(const BindSettings& settings);
  // The same on another port, for all of it. Nothing is changed where that fails.
  std::vector<BindAttempt> open_at(std::uint16_t port, const BindSettings& settings);
  void close();

  // Gives each port the explanation of its own failed attempt, or the first.
  void set_explanations(const std::vector<std::shared_ptr<const Explanation>>& explanations);
};

}  // namespace polyport

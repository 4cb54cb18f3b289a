// ConnectionSource: what connections come from, a Listener that accepted them or a Dialer that
// opened them.
//
// It is what the core must know of a connection without asking which of the two it was: who serves
// it, by which policy and under what name, and where its bytes are added up when it has ended.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/net/stage.h"
#include "core/net/stream_handler.h"
#include "core/net/stream_policy.h"
#include "core/observe/close_reason.h"
#include "core/observe/protocol_hint.h"

namespace polyport {

class ConnectionSource {
 public:
  enum class Kind : std::uint8_t { kListener, kDialer };

  virtual ~ConnectionSource() = default;
  ConnectionSource(const ConnectionSource&) = delete;
  ConnectionSource& operator=(const ConnectionSource&) = delete;

  Kind kind() const { return kind_; }
  StreamHandler& handler() const { return handler_; }
  const StreamPolicy& policy() const { return policy_; }
  const std::string& service() const { return service_; }  // the instance's name
  const std::string& id() const { return id_; }            // "web.main.0"
  std::uint16_t number() const { return number_; }         // of all sources of the network

  std::uint64_t active() const { return active_; }
  // Of connections that have ended; Network::totals adds the open ones.
  std::uint64_t bytes_in() const { return bytes_in_; }
  std::uint64_t bytes_out() const { return bytes_out_; }
  // What its connections have between socket and service; empty: nothing. Set before the first.
  const StageMakers& stages() const { return stages_; }
  void use_stages(StageMakers stages) { stages_ = std::move(stages); }
  // Clients that spoke another protocol.
  const ProtocolHints& protocol_hints() const { return protocol_hints_; }

 protected:
  // What is referred to outlives the source and all its connections.
  ConnectionSource(Kind kind, StreamHandler& handler, const StreamPolicy& policy,
                   const std::string& service, std::string id, std::uint16_t number)
      : kind_(kind),
        number_(number),
        handler_(handler),
        policy_(policy),
        service_(service),
        id_(std::move(id)) {}

 private:
  friend class Network;
  // One of its connections has ended, and on_close has been called.
  virtual void ended(const Connection& connection, CloseReason reason) = 0;
  // A stage says why its handshake came to nothing.
  virtual void note_handshake_failure(const Connection&, [[maybe_unused]] std::string_view why) {}

  Kind kind_;
  std::uint16_t number_;
  StreamHandler& handler_;
  const StreamPolicy& policy_;
  const std::string& service_;
  std::string id_;
  StageMakers stages_;
  std::uint64_t active_ = 0;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  ProtocolHints protocol_hints_;
};

}  // namespace polyport

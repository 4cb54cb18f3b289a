// Stage: transforms the bytes between a socket and a service, TLS or WebSocket framing for example.
//
// A connection may have several, one above the other: wss:// is WebSocket above TLS. The service
// sees a Connection as always; on_open comes once every stage is open. What a stage passes down is
// gathered and leaves in one system call, and what the kernel does not take is queued by the core.
// Connections without one pay for none of this.
//
//   socket -> receive() -> pass_up()   -> receive() of the stage above, or on_data
//   socket <- pass_down() <- send()    <- pass_down() of the stage above, or Connection::send
//
// The core keeps the order: start, then receive any number of times, receive_end at most once, all
// of them never inside a callback of the service; send between pass_open and shutdown only, also
// inside callbacks, and so inside pass_up.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/observe/close_reason.h"

namespace polyport {

class Connection;
class WriteQueue;

class Stage {
 public:
  Stage() = default;
  virtual ~Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  virtual std::string_view name() const = 0;  // "tls", "websocket"
  // Process memory that it costs while the connection is idle, about.
  virtual std::size_t idle_bytes() const = 0;
  // As StreamHandler::held_bytes: what it keeps of something that is not whole yet.
  virtual std::size_t held_bytes() const { return 0; }
  const Stage* above() const { return above_.get(); }

  static constexpr std::size_t kStepBytes = 64 * 1024;

 protected:
  // What is below is open. A stage with a handshake waits for the peer's part, or sends its own,
  // and calls pass_open when it is done.
  virtual void start() { pass_open(); }
  // Bytes of the peer, never empty, valid until it returns. What is not whole yet is kept by the
  // stage. pass_up may end the connection: see over().
  virtual void receive(Bytes bytes) = 0;
  // Nothing more comes from below. Must pass the end up, or refuse.
  virtual void receive_end() { pass_end(); }
  // Bytes of the service in pieces, all of them to be passed down before it returns. At most
  // kStepBytes at once.
  virtual void send(const iovec* pieces, std::size_t count) = 0;
  // The last word of our direction (a close_notify, a Close frame), then pass_shutdown. Once; also
  // for a stage that never was open, or has refused.
  virtual void shutdown() { pass_shutdown(); }

  // --- for the stage to call ---------------------------------------------------------------------
  void pass_open();
  // While the service does not read the core keeps what is passed up, so it must not be much more
  // than was received.
  void pass_up(Bytes bytes);
  // The peer has said all: its FIN, to whoever is above. Nothing may be passed up after it.
  void pass_end();
  // Legal at any time. Outside of receive, send and shutdown it leaves at the end of the turn.
  void pass_down(Bytes bytes);
  void pass_down(const iovec* pieces, std::size_t count);
  void pass_shutdown();
  // The peer broke the rules: what was passed down is flushed as the last word, what the service
  // has queued is dropped, and the connection ends as by finish().
  void refuse(CloseReason reason);
  // Of a connection that we open: why its handshake came to nothing, for whoever dialled. Once, and
  // then the connection ends.
  void note_failure(std::string_view why);
  // What is received does not matter any more: the connection is ending.
  bool over() const;
  Connection& connection() const { return *connection_; }

 private:
  friend class Network;

  Connection* connection_ = nullptr;
  std::unique_ptr<Stage> above_;
  Stage* below_ = nullptr;
};

// Makes the stages of one kind; outlives the connections of its listeners.
class StageMaker {
 public:
  virtual ~StageMaker() = default;
  // Null where there is no memory: the connection is closed.
  virtual std::unique_ptr<Stage> make() = 0;
  // As StreamHandler::refusal, for clients that speak to this stage first. Only the lowest one is
  // asked, and never the service: its words would have to pass through a handshake.
  virtual Bytes refusal(CloseReason) const { return {}; }
};
// The lowest first: TLS before WebSocket.
using StageMakers = std::vector<StageMaker*>;

// What a connection with stages has beside them. Belongs to Network.
struct StageSet {
  StageSet() = default;
  ~StageSet();
  StageSet(const StageSet&) = delete;
  StageSet& operator=(const StageSet&) = delete;

  std::unique_ptr<Stage> bottom;  // owns those above it
  Stage* top = nullptr;
  WriteQueue* wire = nullptr;  // transformed and not taken by the kernel
  std::string held;            // for the service, which does not read now
};

}  // namespace polyport

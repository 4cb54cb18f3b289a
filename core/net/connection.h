// Connection: one stream socket, accepted or opened by us, as a service sees it.
//
// It lives in a slot of at most 272 bytes (docs/architecture.md has the table of fields) that owns
// no buffer while it is idle. Everything here runs on the loop's thread and never calls back into a
// service synchronously: on_writable and on_close come from the end of the turn.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/bytes.h"
#include "core/base/payload.h"
#include "core/net/connection_id.h"
#include "core/net/poller.h"
#include "core/observe/close_reason.h"
#include "core/observe/protocol_hint.h"
#include "core/socket/address.h"

namespace polyport {

class ConnectionSource;
class Listener;
class Network;
class Stage;
struct StageSet;
class StreamHandler;
class WriteQueue;
namespace sock {
struct TcpInfo;
}

// What few connections have, in a block of its own that ends with the connection.
struct ConnectionExtras {
  ConnectionExtras();
  ~ConnectionExtras();
  StreamHandler* handler = nullptr;  // in place of its source's
  std::unique_ptr<StageSet> stages;  // where the door's transport has some
};

class Connection : private PollHandle {
 public:
  // Whether finish() waits, reading and dropping, for the peer's FIN, so that unread input does not
  // turn the last answer into a RST. kSkip where everything the peer had to say has been read.
  enum class Linger : std::uint8_t { kWait, kSkip };

  ConnectionId id() const { return {index_, generation_}; }
  // The listener or the dialer it came from.
  ConnectionSource& source() const;
  bool is_outgoing() const;    // a dialer opened it
  Listener& listener() const;  // of an accepted connection only
  Network& network() const;
  // Who is called for it: its source's handler, unless it was handed over.
  StreamHandler& handler() const;
  // From the next callback on `handler` is called, for the rest of its life; it must outlive the
  // connection. Nobody is called now, and session() stays as it is.
  void hand_over(StreamHandler& handler);

  // --- bytes going out ---------------------------------------------------------------------------
  // Queues bytes. The caller's memory is free again when send returns, except that bytes of the
  // current on_data are written from where they lie. Sent from the connection's own callback they
  // leave as that callback returns, together; else at the end of the turn. After finish, close or
  // reset: dropped.
  void send(Bytes bytes);
  void send(Payload payload);
  // Bytes accepted by send() that the kernel has not taken yet; inside the connection's own
  // callback everything it has sent counts.
  std::size_t queued_bytes() const;
  // Over its high mark, and not down at the low one again: on_writable will come.
  bool is_congested() const { return (flags_ & kOverHigh) != 0; }
  // Forgets what is queued and not begun; a payload already half written stays. For a last word to
  // a reader that is too slow.
  void drop_unsent();

  // Our FIN, behind what is queued; reading goes on, and what is sent from now on is dropped. Once
  // the peer's FIN has been read too, the connection ends by itself.
  void finish_sending();
  bool has_finished_sending() const { return (flags_ & (kSendFinished | kFinishing)) != 0; }

  // --- ways out ----------------------------------------------------------------------------------
  // Flush, shut down our side, wait for the peer's FIN (5 s or 256 KiB at most), close.
  void finish(Linger linger = Linger::kWait, CloseReason reason = CloseReason::kFinished);
  // Flush what the kernel takes now, then close.
  void close(CloseReason reason = CloseReason::kServiceClosed);
  // RST.
  void reset(CloseReason reason = CloseReason::kServiceClosed);
  // True from finish, close or reset on: nothing more can be sent.
  bool ending() const { return (flags_ & (kFinishing | kClosing)) != 0; }

  // --- bytes coming in ---------------------------------------------------------------------------
  // Stops and resumes on_data. Reading is also paused by the core while the queue is over its high
  // mark (slow_reader = "pause"); the two do not undo each other.
  void pause_reading();
  void resume_reading();
  // Has on_writable called at the end of the turn, full queue or not: for a handler that must go on
  // with a connection from elsewhere (a timer, another connection's callback).
  void wake();
  bool peer_finished() const { return (flags_ & kPeerFinished) != 0; }  // its FIN has been read

  // --- time --------------------------------------------------------------------------------------
  // Closes the connection with `reason` (see StreamHandler::on_deadline) once `after` has passed.
  // One deadline at a time: setting it again replaces it. Granularity 1/16 s.
  void set_deadline(std::chrono::milliseconds after, CloseReason reason);
  void clear_deadline();

  // --- who ---------------------------------------------------------------------------------------
  Address peer() const;
  Address local() const;  // a system call, except for a listener on one address
  // What the kernel knows of it; false on a unix socket.
  bool tcp_info(sock::TcpInfo& info) const;

  // Of an accepted one: how many of this process's own connections stand behind it, one passing on
  // what the other brings (see HopTable). 255 where the peer on a unix socket is this process.
  std::uint8_t hops() const;

  // What its bytes pass between socket and service, the lowest stage first; null where nothing is.
  const Stage* stages() const;

  // The service's own state; the service frees it in on_close.
  void* session() const { return session_; }
  void set_session(void* session) { session_ = session; }

  // Its client speaks `protocol` and the service does not: counted, logged once a burst, told to
  // who watches. What the client is answered is the service's.
  void note_wrong_protocol(Protocol protocol) const;

  // --- what it has done --------------------------------------------------------------------------
  std::uint64_t bytes_in() const { return bytes_in_; }
  std::uint64_t bytes_out() const { return bytes_out_; }
  std::uint32_t requests() const { return requests_; }
  void count_request() { ++requests_; }
  std::chrono::milliseconds age() const;        // granularity 1/16 s, as below
  std::chrono::milliseconds idle_time() const;  // since the last byte in or out

 private:
  friend class ConnectionTable;
  friend class DeadlineWheel;
  friend class Network;

  enum Flag : std::uint32_t {
    kPolled = 1u << 0,        // its PollHandle has been initialised and must go through uv_close
    kPeerFinished = 1u << 1,  // its FIN has been read
    kFinishing = 1u << 2,     // finish() called: flush, then shut down
    kShutDown = 1u << 3,      // our FIN is sent; what still comes is dropped
    kClosing = 1u << 4,       // the id is retired; on_close to come
    kClosed = 1u << 5,        // on_close done, or the poll closed: the other frees the slot
    kPausedByService = 1u << 6,
    kOverHigh = 1u << 7,       // the queue passed its high mark and is not at the low one again
    kDirty = 1u << 8,          // on the list of the end of the turn
    kRearm = 1u << 9,          // on the list of those whose interest may change
    kWriteBlocked = 1u << 10,  // the kernel took less than offered: wait for writability
    kOwesWritable = 1u << 11,  // on_writable to come
    kSkipLinger = 1u << 12,
    kUnwatched = 1u << 13,     // nothing armed: the sweep looks for a RST once a second
    kFolded = 1u << 14,        // its bytes are counted by its source now
    kSendFinished = 1u << 15,  // finish_sending() called: flush, then our FIN
    kFinSent = 1u << 16,       // that FIN is sent; the other direction goes on
    kStaged = 1u << 17,        // it has stages
    kHandshaking = 1u << 18,   // and they are not open: the handler does not know of it yet
    kEndHeld = 1u << 19,       // the peer's end, while the service does not read
    kStagesShut = 1u << 20,    // they have sent their last word
    kHeard = 1u << 21,         // something has been delivered through them
    kFinRead = 1u << 22,  // of a staged one: the socket's FIN, not only the stages' word for it
    kMetered = 1u << 23,  // what it holds counts for a limit of its service
  };

  static constexpr std::uint16_t kNoBucket = 0xffff;

  // PollHandle, 160 bytes, not zeroed: libuv initialises it where the connection ever has to wait.
  void* session_ = nullptr;                 // 8
  WriteQueue* queue_ = nullptr;             // 8, only while something is queued
  ConnectionExtras* extras_ = nullptr;      // 8, only where the connection has some
  std::uint64_t bytes_in_ = 0;              // 8
  std::uint64_t bytes_out_ = 0;             // 8
  std::array<std::uint8_t, 16> peer_ip_{};  // 16
  int fd_ = -1;                             // 4
  std::uint32_t index_ = 0;                 // 4
  std::uint32_t generation_ = 0;            // 4
  std::uint32_t flags_ = 0;                 // 4
  std::uint32_t wheel_next_ = 0;            // 4
  std::uint32_t wheel_previous_ = 0;        // 4
  std::uint32_t deadline_tick_ = 0;         // 4, the service's deadline; 0: none
  std::uint32_t opened_tick_ = 0;           // 4
  std::uint32_t active_tick_ = 0;           // 4, last byte in or out
  std::uint32_t stalled_tick_ = 0;          // 4, write blocked, or lingering, since
  std::uint32_t requests_ = 0;              // 4
  std::uint16_t wheel_bucket_ = kNoBucket;  // 2
  std::uint16_t source_ = 0;                // 2
  std::uint16_t peer_port_ = 0;             // 2
  std::uint16_t lingered_ = 0;              // 2, dropped after our FIN, in 16 bytes
  Family peer_family_ = Family::kNone;      // 1
  std::uint8_t armed_ = 0;                  // 1, the interest libuv knows
  CloseReason deadline_reason_ = CloseReason::kIdleTimeout;  // 1
  CloseReason close_reason_ = CloseReason::kPeerClosed;      // 1
};

}  // namespace polyport

// Network: everything on one loop that has a socket, and the turn that moves it along.
//
// Owns the connections, the listeners and the UDP sockets, the one read buffer, the wheel of
// deadlines and the lists that the end of a turn works off. docs/architecture.md tells the life of
// a connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/loop/timer.h"
#include "core/net/address_watch.h"
#include "core/net/answer_times.h"
#include "core/net/connection.h"
#include "core/net/connection_source.h"
#include "core/net/connection_table.h"
#include "core/net/deadline_wheel.h"
#include "core/net/dialer.h"
#include "core/net/farewells.h"
#include "core/net/hop_table.h"
#include "core/net/listener.h"
#include "core/net/memory_ledger.h"
#include "core/net/memory_watch.h"
#include "core/net/outbox.h"
#include "core/net/poller.h"
#include "core/net/resolver.h"
#include "core/net/stage.h"
#include "core/net/turn.h"
#include "core/net/udp_client.h"
#include "core/net/udp_socket.h"
#include "core/net/write_queue.h"
#include "core/observe/events.h"
#include "core/observe/log.h"

namespace polyport {

class Network final : private Turn::Work {
 public:
  struct Options {
    std::uint64_t max_connections = 0;  // in all, by configuration; 0: no limit
    std::uint64_t per_second = 0;       // new ones, of all services; 0: no limit
    std::uint64_t per_address = 0;      // open ones of one address; 0: no limit
    std::uint64_t max_queued = 0;       // bytes in the queues of all connections; 0: no limit
    std::uint64_t memory_limit = 0;     // of the process; 0: no limit
    const char* memory_file = "/proc/self/statm";
    // Connections there are descriptors for; 0: not known. Doors that may use the reserve (health,
    // admin) get so many more.
    std::uint64_t descriptors = 0;
    std::uint64_t reserve = 0;
    // Listeners that cannot accept for want of descriptors look again after this long.
    std::chrono::milliseconds retry_after{100};
    std::chrono::milliseconds linger{5'000};
    std::uint32_t linger_kib = 256;  // at most 1,023
  };

  Network(Loop& loop, Log& log, Events& events) : Network(loop, log, events, Options()) {}
  Network(Loop& loop, Log& log, Events& events, Options options);
  ~Network();  // shut_down()
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // --- sockets -----------------------------------------------------------------------------------
  // Takes over a bound, listening descriptor. The listener belongs to the network and stays until
  // it ends.
  Listener& add_listener(StreamDoor& door, int fd, std::string id);
  // Opens connections for a service; belongs to the network as a listener does.
  Dialer& add_dialer(DialDoor& door, std::string id);
  // Takes over a bound datagram socket.
  UdpSocket& add_udp_socket(UdpDoor& door, int fd, std::string id);
  // Calls back whenever this machine gets or loses an address, until the network stops accepting.
  // Once; false where the kernel does not tell.
  bool watch_addresses(std::function<void()> on_change);

  // A datagram socket of our own that speaks with one peer. Null where there is none, with the
  // errno in `error`.
  UdpClient* open_udp_client(UdpClientHandler& handler, const UdpClientRequest& request,
                             int& error);

  const std::vector<std::unique_ptr<Dialer>>& dialers() const { return dialers_; }
  Resolver& resolver();  // one for all services
  // Which sockets that reach us are our own, going out: for who passes bytes on.
  HopTable& hops() { return hops_; }
  // Listeners and dialers, those that are closed among them. There is a number for each, so there
  // cannot be more than 65,535.
  std::size_t sources() const { return sources_.size(); }
  ConnectionSource& source(std::uint16_t number) { return *sources_[number]; }
  Connection* find(ConnectionId id) { return table_.find(id); }
  std::uint64_t open_connections() const { return table_.in_use(); }
  template <class Visit>
  void for_each_connection(Visit visit) {
    table_.for_each([&](Connection& connection) {
      if ((connection.flags_ & Connection::kClosing) == 0) visit(connection);
    });
  }

  // --- stopping ----------------------------------------------------------------------------------
  // Closes every listener and UDP socket.
  void stop_accepting();
  // Asks each connection's handler whether it has work to finish and closes those that have not.
  // Returns how many are left.
  std::size_t drain_idle();
  void close_all(CloseReason reason);
  // Closes everything and runs the loop until every handle is gone: not from a callback of the
  // loop.
  void shut_down();

  // --- figures -----------------------------------------------------------------------------------
  struct Totals {
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
  };
  // Of every listener and dialer, by its number, open connections included: one walk of the table.
  std::vector<Totals> totals();
  std::uint64_t turns() const { return turn_.count(); }
  const LoopLoad& load() const { return turn_.load(); }
  AnswerTimes& answer_times() { return answer_times_; }
  std::uint32_t most_callbacks_in_a_turn() const { return turn_.most_callbacks(); }
  std::uint64_t descriptor_bursts() const { return descriptor_bursts_; }
  const Options& options() const { return options_; }
  std::uint64_t clients() const { return clients_; }  // connections that count for max_connections
  const QueueLedger& queued() const { return queues_.all(); }
  // 0 where there is no limit of it.
  std::uint64_t memory_bytes() {
    memory_.look_now();
    return memory_.bytes();
  }
  ConnectionTable& table() { return table_; }

  Loop& loop() { return loop_; }
  Log& log() { return log_; }
  Tick now() {
    update_now();
    return now_;
  }

 private:
  friend class AddressWatch;
  friend class Connection;
  friend class Dialer;
  friend class Listener;
  friend class UdpClient;
  friend class UdpSocket;

  static constexpr std::size_t kReadBufferBytes = 64 * 1024;
  static constexpr int kMostRounds = 16;

  // Life of a connection.
  void open(ConnectionSource& source, int fd, const Address& peer, void* session = nullptr);
  void ready(Connection& connection, std::uint8_t events);
  // One read; false where there is nothing more to read now.
  bool read_once(Connection& connection);
  void read_after_error(Connection& connection);
  void drop_input(Connection& connection);
  void deliver_end(Connection& connection);
  void retire(Connection& connection, CloseReason reason);
  void deliver_close(Connection& connection);
  void release(Connection& connection);
  // Calls `callback` as the connection's own: what it sends is gathered and leaves afterwards.
  template <class Callback>
  void run_callback(Connection& connection, Callback callback);

  // Bytes going out.
  std::size_t queued_bytes(const Connection& connection) const;
  std::size_t waiting_bytes(const Connection& connection) const;  // in its queues
  bool is_backed_up(const Connection& connection) const;          // has some of these
  void send(Connection& connection, Bytes bytes);
  void send(Connection& connection, Payload payload);
  void enqueue(Connection& connection, Payload payload);
  WriteQueue* take_queue(const Connection& connection) {
    return queues_.take(connection.source().policy().queued);
  }
  void empty_outbox(Connection& connection);
  void flush(Connection& connection);
  // One call to the kernel for what comes first in a queue, which is given back when it is empty.
  // False where that has ended the connection.
  bool flush_queue(Connection& connection, WriteQueue*& queue);
  // One call to the kernel; false where the connection is broken.
  bool write(Connection& connection, const iovec* pieces, std::size_t count, std::size_t bytes,
             std::size_t& taken);
  void advance_finish(Connection& connection);
  void advance_half(Connection& connection);
  void note_queue(Connection& connection);
  void drop_unsent(Connection& connection);

  // Stages.
  friend class Stage;
  static StageSet& stages_of(const Connection& connection);
  template <class Call>
  void run_stage(Connection& connection, Call call);
  void open_staged(Connection& connection);
  bool may_shake_hands(const Connection& connection);
  void receive_staged(Connection& connection, Bytes bytes);
  void receive_end_staged(Connection& connection);
  void settle_staged(Connection& connection);
  void stages_opened(Connection& connection);
  bool takes_input(const Connection& connection) const;
  void deliver_staged(Connection& connection, Bytes bytes);
  void deliver_now(Connection& connection, Bytes bytes);
  void end_staged(Connection& connection);
  void deliver_held(Connection& connection);
  void gather_wire(Connection& connection, const iovec* pieces, std::size_t count);
  void flush_wire(Connection& connection);
  std::size_t send_step(Connection& connection, const iovec* pieces, std::size_t count,
                        std::size_t skip);
  void empty_outbox_staged(Connection& connection);
  void queue_behind(Connection& connection, Payload rest);
  void flush_staged(Connection& connection);
  void refuse_staged(Connection& connection, CloseReason reason);
  void note_handshake_failure(const Connection& connection, std::string_view why);
  static bool is_handshaking(const Connection& connection) {
    return (connection.flags_ & Connection::kHandshaking) != 0;
  }
  bool say_goodbye(Connection& connection);
  void drop_wire(Connection& connection);

  // The end of a turn.
  bool end_of_turn() noexcept override;
  bool has_work() const;
  void work_off(Connection& connection, int round);
  void mark_dirty(Connection& connection);
  void apply_interest(Connection& connection);
  std::uint8_t wanted_interest(const Connection& connection) const;
  bool reads(const Connection& connection) const;
  static bool has_read_fin(const Connection& connection);
  void advance_wheel();
  void fire(Connection& connection, CloseReason reason);
  bool has_event_coming(Connection& connection) const;
  void arm_wheel_timer();
  void schedule(Connection& connection);
  Tick due(const Connection& connection, CloseReason& reason) const;
  void sweep_unwatched();
  static bool has_died(const Connection& connection);
  void resume_waiting();
  void update_now();
  void settle_answer_times();

  std::uint16_t next_number() const;
  void note_room();  // a descriptor has become free: listeners may wait for one
  void wait_for_room(Listener& listener, CloseReason reason);
  void tell_limit(const Listener& listener, CloseReason reason);
  // What keeps the door from taking one more client now; nothing where there is room.
  std::optional<CloseReason> lacks(const StreamDoor& door);
  std::optional<CloseReason> lacks_beside_room(const StreamDoor& door);
  // Connections that may be closed for others, the longest idle last.
  struct IdleOnes {
    std::vector<std::pair<Tick, ConnectionId>> ones;
    Tick looked_at = 0;
    bool may_be_more = false;
  };
  bool is_spare(Connection& connection, const Admission* of) const;
  void find_longest_idle(IdleOnes& idle, const Admission* of);
  // Of the service, where that is full, else of all. Null where there is none; not closed yet.
  Connection* longest_idle(const StreamDoor& door);
  Connection* longest_idle(const Admission* of);
  // A client of one that counts for the limits of the process.
  bool admit(const Address& peer);
  void leave(const Address& peer);
  // What is over its limit becomes less: shed.cc.
  struct Holder {
    std::size_t bytes = 0;
    ConnectionId id;
  };
  void shed_queues();
  void relieve_memory();
  void shed_memory(std::uint64_t too_much);
  void shed_services();
  void shed_service(const MemoryLedger& memory);
  void let_go(Connection& connection, std::size_t bytes);
  void watch_memory(const StreamPolicy& policy);
  template <class Hold>
  void find_holders(Hold hold);
  std::size_t held_bytes(const Connection& connection) const;  // without what is queued for it
  // Something has happened to it, and it may hold more or less.
  void note_held(const Connection& connection) {
    if ((connection.flags_ & Connection::kMetered) != 0) count_held(connection);
  }
  void count_held(const Connection& connection);
  void tell_shed(const char* message, CloseReason reason, const Connection& connection);
  bool full(const StreamDoor& door) const;
  bool short_of_descriptors(const StreamDoor& door) const;
  std::uint64_t descriptors_in_use() const;
  bool has_descriptor_for_dial() const;
  void tell_opened(const Connection& connection);
  void tell_closed(Connection& connection);
  // The first piece of a connection whose service cannot tell it that it came to the wrong port.
  void note_first_bytes(Connection& connection, Bytes first);
  void note_wrong_protocol(const Connection& connection, Protocol protocol);
  void tell_dial_failed(const Dialer& dialer, const DialFailure& failure);
  void poll_handle_opened() { ++open_handles_; }
  void poll_handle_closed() { --open_handles_; }

  Loop& loop_;
  Log& log_;
  Events& events_;
  Options options_;
  Turn turn_;
  Poller poller_;
  ConnectionTable table_;
  DeadlineWheel wheel_;
  WriteQueuePool queues_;
  Outbox outbox_;
  AnswerTimes answer_times_;
  UdpBuffers udp_buffers_;
  Timer wheel_timer_;
  Timer sweep_timer_;
  Timer retry_timer_;
  TokenBucket rate_;
  std::uint64_t clients_ = 0;
  AddressCounts addresses_;
  Farewells farewells_;
  MemoryWatch memory_;
  std::vector<MemoryLedger*> memory_ledgers_;  // of the services that have a limit
  // Since when those who had to go for want of memory have been leaving, and what they held: it
  // takes a moment to show.
  std::uint64_t memory_shed_ms_ = 0;
  std::uint64_t memory_leaving_ = 0;
  std::uint64_t memory_trimmed_ms_ = 0;
  std::uint64_t shed_ms_ = 0;    // when anybody last had to
  bool memory_freed_ = false;    // and what that gave back may lie with the allocator
  std::vector<Holder> holders_;  // what a shedding looks through
  std::unique_ptr<char[]> read_buffer_;

  Connection* current_ = nullptr;  // whose callback is running
  // What that callback has sent and no queue holds: in the outbox, or taken by the kernel already.
  // It counts as queued until the callback returns, or one that sends until it is congested might
  // never be.
  std::size_t gathered_ = 0;
  Connection* staging_ = nullptr;     // whose stages are being called
  std::unique_ptr<char[]> wire_;      // what stages have passed down, from the first one on
  Connection* wire_owner_ = nullptr;  // whose that is
  std::size_t wire_used_ = 0;
  std::uint32_t handshake_steps_ = 0;  // in this turn
  std::vector<ConnectionId> dirty_, dirty_now_, dirty_next_turn_;
  std::vector<ConnectionId> closing_, closing_now_;
  std::vector<ConnectionId> rearm_;
  std::vector<ConnectionId> due_;
  std::vector<ConnectionId> unwatched_, unwatched_now_;
  std::vector<Listener*> waiting_, waiting_now_;
  std::map<const Admission*, IdleOnes> idle_ones_;  // of the process: null
  std::vector<Dialer*> dialing_, dialing_now_;      // with attempts to look at
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Dialer>> dialers_;
  std::vector<ConnectionSource*> sources_;  // listeners and dialers, by their number
  HopTable hops_;
  std::unique_ptr<Resolver> resolver_;  // from the first question on
  std::vector<std::unique_ptr<UdpSocket>> udp_sockets_;
  std::vector<UdpClient*> udp_clients_;  // those that are open
  std::unique_ptr<AddressWatch> address_watch_;

  std::uint64_t origin_ms_ = 0;
  std::uint64_t now_ms_ = 0;
  std::uint64_t last_turn_ms_ = 0;
  Tick now_ = 1;
  std::optional<Tick> armed_tick_;
  bool stalled_ = false;  // the last turn came late: deadlines wait for one turn of reading
  bool room_made_ = false;
  std::uint64_t descriptors_short_ms_ = 0;  // when accepting last had to stop for want of them
  std::uint64_t descriptor_bursts_ = 0;
  std::size_t open_handles_ = 0;
  std::size_t attempts_ = 0;  // sockets of dialers that are not connected yet
};

template <class Callback>
void Network::run_callback(Connection& connection, Callback callback) {
  POLYPORT_ASSERT(current_ == nullptr);
  current_ = &connection;
  bool failed = false;
  try {
    callback(connection.handler());
  } catch (const std::exception& error) {
    failed = true;
    log_.error({.event = "service_error",
                .message = error.what(),
                .service = connection.source().service(),
                .listener = connection.source().id(),
                .conn = text(connection.id())});
  } catch (...) {
    failed = true;
  }
  empty_outbox(connection);
  note_queue(connection);
  gathered_ = 0;
  current_ = nullptr;
  if (answer_times_.waits()) settle_answer_times();
  if (failed) connection.close(CloseReason::kServiceError);
  if ((connection.flags_ & Connection::kClosing) == 0) advance_finish(connection);
  note_held(connection);
}

}  // namespace polyport

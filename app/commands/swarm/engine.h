// Engine: a plan carried out, on one loop.
//
// Opens the sockets, gives each its messages at the times of an open-loop schedule (a message that
// cannot leave waits, and its waiting counts), compares what comes back, holds, closes. engine.cc
// has the phases, engine_members.cc what becomes of a socket and its messages, engine_streams.cc
// and engine_datagrams.cc what each kind does.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/swarm/datagram_talk.h"
#include "app/commands/swarm/own_load.h"
#include "app/commands/swarm/pace.h"
#include "app/commands/swarm/plan.h"
#include "app/commands/swarm/tally.h"
#include "core/loop/loop.h"
#include "core/net/network.h"

namespace polyport::swarm {

class Engine final : private DialHandler, private UdpClientHandler {
 public:
  explicit Engine(Plan& plan);
  ~Engine() override;

  Loop& loop() { return loop_; }
  // Until everything is said, heard and closed.
  void run();
  // Says nothing more, closes and ends; run() returns soon.
  void interrupt();

  const Tally& tally() const { return tally_; }
  const OwnLoad& own() const { return own_; }

  // For who watches.
  std::string_view phase() const;
  std::uint64_t open() const { return open_; }
  std::uint64_t settled() const { return opened_ + failed_; }
  std::uint64_t scheduled() const { return plan_.scheduled; }

 private:
  enum class Phase : std::uint8_t {
    kOpening,
    kSending,
    kHearing,
    kHolding,
    kLast,
    kClosing,
    kOver
  };

  // A message that is out and not answered.
  struct UnderWay {
    std::int64_t due_ns = 0;
    std::int64_t sent_ns = 0;
    bool answered = false;  // of datagrams, which may come in any order
    bool counts = false;    // its time is told
  };

  struct Member {
    // kResting: its server has closed as it may; it is dialled when something is due.
    enum class State : std::uint8_t { kNew, kDialing, kOpen, kResting, kFailed, kGone };
    std::uint32_t index = 0;
    Target* target = nullptr;
    State state = State::kNew;
    std::unique_ptr<Speech> speech;    // of a stream
    ConnectionId id{};                 // of one that is open
    std::optional<DatagramTalk> talk;  // of a datagram socket
    UdpClient* client = nullptr;
    std::int64_t dial_due_ns = 0;
    std::int64_t connected_ns = 0;   // its stages begin; 0: it has none, or none yet
    std::int64_t first_said_ns = 0;  // when its first message left; -1 once an answer has begun
    bool hello_said = false;
    std::int64_t extra_due_ns = 0;  // a message beside the schedule is due since; 0: none
    std::uint64_t due = 0;          // of its messages of the schedule
    std::uint64_t sent = 0;         // of these
    std::deque<UnderWay> under_way;
    std::uint64_t first_number = 0;  // of under_way.front(), among its datagrams
    std::uint64_t waiting() const { return due - sent + (extra_due_ns != 0 ? 1 : 0); }
  };

  // --- phases ---
  void tick();
  void open_some(std::int64_t now);
  void send_due(std::int64_t now);
  void enter(Phase phase);
  void end_opening(std::int64_t now);
  bool all_welcomed(std::int64_t now);
  void begin_sending();
  void begin_hearing();
  void begin_last();
  void after_hearing();
  bool all_heard();
  void close_all();
  void finish();
  void count_missing();
  void arm(std::int64_t now);

  // --- members ---
  static Member& member_of(void* session) { return *static_cast<Member*>(session); }
  void open_member(Member& member, std::int64_t due_ns);
  void opened(Member& member);
  void failed(Member& member, const std::string& reason, std::string example);
  void gone(Member& member);
  void wrong(Member& member, std::string what);
  void note_due(Member& member);
  void send_extra(Member& member, std::int64_t due_ns);
  // Sends what is due and can leave.
  void pump(Member& member);
  std::optional<std::int64_t> next_due(const Member& member) const;
  void take_due(Member& member);
  void note_late(const Member& member, std::int64_t due_ns, std::int64_t now);
  void note_sent(Member& member, std::int64_t due_ns, std::size_t bytes, std::int64_t now);
  void note_first_byte(Member& member, std::int64_t now);
  void note_answer(const UnderWay& message, std::int64_t now);

  // --- streams ---
  class ConnectedMark;
  void add_dialer(Target& target);
  void dial(Member& member);
  void pump_stream(Member& member, Connection& connection);
  void note_heard(Member& member, const Heard& heard, std::int64_t now);
  bool may_end(Member& member, CloseReason reason);
  void on_open(Connection& connection) override;
  void on_data(Connection& connection, Bytes data) override;
  void on_writable(Connection& connection) override;
  void on_close(Connection& connection, CloseReason reason) override;
  void on_dial_failed(const DialFailure& failure) override;

  // --- datagrams ---
  void open_datagram(Member& member);
  void pump_datagram(Member& member);
  void expire(Member& member, std::int64_t now);
  void on_answer(UdpClient& client, Bytes bytes) override;
  void on_error(UdpClient& client, int error) override;

  Plan& plan_;
  Tally tally_;
  std::unique_ptr<Log> log_;
  Loop loop_;
  Events events_;
  DialDoor door_;
  Network network_;
  OwnLoad own_;
  std::vector<std::unique_ptr<StageMaker>> marks_;
  Timer timer_;

  std::vector<std::unique_ptr<Member>> members_;
  Phase phase_ = Phase::kOpening;
  std::int64_t phase_began_ = 0;
  Pace opening_;
  Pace sending_;  // of the schedule
  Pace last_;     // of the messages after the silence, while some of the schedule may wait
  const Pace& pace() const { return phase_ == Phase::kLast ? last_ : sending_; }
  std::uint64_t next_to_open_ = 0;
  std::uint64_t next_to_send_ = 0;
  std::uint64_t dialing_ = 0;
  std::uint64_t resting_ = 0;
  std::uint64_t open_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t failed_ = 0;
  std::int64_t all_open_ns_ = 0;  // since when none is being opened
  std::uint64_t owed_ = 0;        // messages that are due or under way, of members that live
  bool last_said_ = false;
  bool has_room_ = false;  // somebody listens for what others say
  std::string scratch_;
};

}  // namespace polyport::swarm

// RedisLink: one connection to Redis: looked up, connected, authenticated, and then commands with
// their answers, in order.
//
// hiredis' asynchronous API on a watch of our own (its adapter for libuv never tells of a refused
// or reset connection). What it does not have is here: names that are looked up without blocking, a
// time for connecting and for answering, and a bound on what Redis may answer. It does not connect
// again by itself. The one file that knows hiredis is redis_link.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/loop/timer.h"
#include "core/net/resolver.h"
#include "services/chat/redis_address.h"
#include "services/chat/redis_reply.h"
#include "services/chat/redis_trouble.h"

namespace polyport::services::chat {

class RedisLink {
 public:
  static constexpr std::chrono::milliseconds kConnectTime{3'000};  // all addresses, and AUTH
  // Answers may be this large in all; a foreign entry in a stream may be anything.
  static constexpr std::size_t kMostAnswerBytes = 64 * 1024 * 1024;

  class Owner {
   public:
    virtual void on_link_ready(RedisLink& link) = 0;
    // It is closed. Commands without an answer never get one. Not from inside open() or command().
    virtual void on_link_lost(RedisLink& link, const RedisTrouble& trouble) = 0;

   protected:
    ~Owner() = default;
  };
  using Answer = std::function<void(const RedisReply&)>;
  using Words = std::span<const std::string_view>;

  // `name` is what CLIENT LIST shows.
  RedisLink(Loop& loop, Resolver& resolver, const RedisAddress& address, std::string name,
            Owner& owner);
  ~RedisLink();
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  void open();
  // What is queued leaves as far as the kernel takes it. Nobody is told.
  void close();
  bool is_ready() const { return ready_; }
  // Where nothing was answered for so long while an answer was due, the link is lost.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }
  // Only while it is ready.
  void command(Words words, Answer answer);
  void push();  // what is queued goes to the kernel now
  std::size_t unanswered() const { return answers_.size(); }
  std::vector<std::string> addresses() const;  // what the name stands for

 private:
  struct Session;

  void look_up();
  void connect_next();
  void connected();
  void send(Words words, Answer answer);
  void hear(RedisReply reply);
  void shake_hands();
  void lose(RedisTrouble trouble);
  void session_ended(const Session& session);
  void check_time();
  void drop_session();
  void fail_soon(RedisTrouble trouble);

  Loop& loop_;
  Resolver& resolver_;
  const RedisAddress address_;
  const std::string name_;
  Owner& owner_;
  Session* session_ = nullptr;  // frees itself
  Timer timer_;
  Timer soon_;
  Resolver::Id question_ = 0;
  std::vector<Address> targets_;
  std::size_t next_target_ = 0;
  std::string refusals_;  // of the addresses tried
  std::deque<Answer> answers_;
  std::chrono::milliseconds patience_{2'000};
  std::uint64_t heard_ms_ = 0;  // the last sign of life, or the first command without one
  std::uint64_t opened_ms_ = 0;
  RedisTrouble trouble_;  // to be told soon
  bool open_ = false;
  bool connected_ = false;
  bool ready_ = false;
};

}  // namespace polyport::services::chat

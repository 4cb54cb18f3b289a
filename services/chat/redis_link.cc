#include "services/chat/redis_link.h"

#include <fcntl.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <array>
#include <memory>

#include "core/base/assert.h"
#include "core/loop/fd_watch.h"

namespace polyport::services::chat {
namespace {

constexpr std::chrono::milliseconds kLook{250};  // how often the times are looked at
constexpr int kDeepest = 8;                      // lists in lists; hiredis reads no more

RedisReply copy(const redisReply& reply, int depth = 0) {
  using Kind = RedisReply::Kind;
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return {.kind = Kind::kInteger, .integer = reply.integer};
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return {.kind = Kind::kText, .text = std::string(reply.str, reply.len)};
    case REDIS_REPLY_ERROR:
      return {.kind = Kind::kError, .text = std::string(reply.str, reply.len)};
    case REDIS_REPLY_ARRAY: {
      RedisReply list{.kind = Kind::kList};
      if (depth == kDeepest) return list;
      list.list.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i)
        list.list.push_back(copy(*reply.element[i], depth + 1));
      return list;
    }
    default:
      return {};
  }
}

}  // namespace

// What hiredis holds on to: it outlives the link where hiredis is in the middle of something.
struct RedisLink::Session {
  RedisLink* link = nullptr;
  redisAsyncContext* context = nullptr;
  std::unique_ptr<FdWatch> watch;
  std::uint8_t events = FdWatch::kNone;
  bool* gone = nullptr;  // set when this goes away in the middle of ready()
  std::size_t answer_bytes = 0;
  redisReplyObjectFunctions functions{};
  redisReplyObjectFunctions* own_functions = nullptr;  // hiredis'

  ~Session() {
    if (gone != nullptr) *gone = true;
  }

  void attach(Loop& loop) {
    context->data = this;
    context->ev.data = this;
    context->ev.addRead = [](void* self) { want(self, FdWatch::kRead, true); };
    context->ev.delRead = [](void* self) { want(self, FdWatch::kRead, false); };
    context->ev.addWrite = [](void* self) { want(self, FdWatch::kWrite, true); };
    context->ev.delWrite = [](void* self) { want(self, FdWatch::kWrite, false); };
    // Called once, before hiredis closes its descriptor and frees the context.
    context->ev.cleanup = [](void* raw) {
      const std::unique_ptr<Session> self(static_cast<Session*>(raw));
      self->watch.reset();
      self->context->c.reader->fn = self->own_functions;  // it still frees a reply with them
      if (self->link != nullptr) self->link->session_ended(*self);
    };
    bound_answers();
    watch = std::make_unique<FdWatch>(loop, context->c.fd,
                                      [this](std::uint8_t happened) { ready(happened); });
    redisAsyncSetConnectCallback(context, [](const redisAsyncContext* ac, int status) {
      auto* self = static_cast<Session*>(ac->data);
      if (status == REDIS_OK && self->link != nullptr) self->link->connected();
    });
  }

  // hiredis keeps whatever comes: each text is counted as it is made.
  void bound_answers() {
    redisReader* reader = context->c.reader;
    own_functions = reader->fn;
    functions = *own_functions;
    functions.createString = [](const redisReadTask* task, char* text,
                                std::size_t length) -> void* {
      auto* self = static_cast<Session*>(task->privdata);
      if (!self->takes(length + sizeof(redisReply))) return nullptr;
      return self->own_functions->createString(task, text, length);
    };
    functions.createArray = [](const redisReadTask* task, int elements) -> void* {
      auto* self = static_cast<Session*>(task->privdata);
      const auto count = static_cast<std::size_t>(elements < 0 ? 0 : elements);
      if (!self->takes(count * sizeof(redisReply*) + sizeof(redisReply))) return nullptr;
      return self->own_functions->createArray(task, elements);
    };
    reader->fn = &functions;
    reader->privdata = this;
  }

  // What is refused ends the connection: hiredis calls it "Out of memory".
  bool takes(std::size_t bytes) {
    answer_bytes += bytes;
    return answer_bytes <= kMostAnswerBytes;
  }
  bool is_too_large() const {
    return answer_bytes > kMostAnswerBytes || context->c.reader->len > kMostAnswerBytes;
  }

  static void want(void* raw, FdWatch::Events event, bool on) {
    auto* self = static_cast<Session*>(raw);
    const auto events =
        static_cast<std::uint8_t>(on ? self->events | event : self->events & ~event);
    if (events == self->events || !self->watch) return;
    self->events = events;
    self->watch->set(events);
  }

  // hiredis may free the context, and with it this, in any of these calls.
  void ready(std::uint8_t happened) {
    const bool error = happened == (FdWatch::kRead | FdWatch::kWrite);
    bool is_gone = false;
    gone = &is_gone;
    if ((happened & FdWatch::kRead) != 0) {
      if (link != nullptr) link->heard_ms_ = link->loop_.now_ms();  // a large answer takes its time
      redisAsyncHandleRead(context);
    }
    if (!is_gone && is_too_large()) {
      if (link != nullptr) link->session_ended(*this);
      link = nullptr;
      redisAsyncFree(context);
    }
    if (!is_gone && (happened & FdWatch::kWrite) != 0) redisAsyncHandleWrite(context);
    if (is_gone) return;
    gone = nullptr;
    // After an error the handle has been stopped; what hiredis wants is set again.
    if (error) watch->set(events);
  }

  static void answered(redisAsyncContext* context, void* reply, void*) {
    auto* self = static_cast<Session*>(context->data);
    if (reply == nullptr || self->link == nullptr) return;
    self->answer_bytes = 0;
    self->link->hear(copy(*static_cast<redisReply*>(reply)));
  }
};

// --- opening -------------------------------------------------------------------------------------

RedisLink::RedisLink(Loop& loop, Resolver& resolver, const RedisAddress& address, std::string name,
                     Owner& owner)
    : loop_(loop),
      resolver_(resolver),
      address_(address),
      name_(std::move(name)),
      owner_(owner),
      timer_(loop, [this] { check_time(); }),
      soon_(loop, [this] { lose(std::exchange(trouble_, {})); }) {}

RedisLink::~RedisLink() {
  close();
}

void RedisLink::open() {
  POLYPORT_ASSERT(!open_);
  open_ = true;
  opened_ms_ = loop_.now_ms();
  targets_.clear();
  next_target_ = 0;
  refusals_.clear();
  timer_.start_every(kLook);
  look_up();
}

void RedisLink::look_up() {
  if (!address_.path.empty()) {
    targets_.push_back(Address{.family = Family::kUnix});
    return connect_next();
  }
  if (auto literal = Address::parse_ip(address_.host, address_.port)) {
    targets_.push_back(*literal);
    return connect_next();
  }
  question_ = resolver_.ask(address_.host, [this](const Result<HostAddresses>& found) {
    question_ = 0;
    if (!found) {
      return lose(
          {"the host of backplane, " + address_.host + ", has no address: " + found.error().what,
           found.error().hint});
    }
    targets_ = found->addresses;
    for (Address& target : targets_)
      target.port = address_.port;
    connect_next();
  });
}

void RedisLink::connect_next() {
  drop_session();
  while (next_target_ < targets_.size()) {
    const Address& target = targets_[next_target_++];
    redisAsyncContext* context = target.is_ip()
                                     ? redisAsyncConnect(target.ip_text().c_str(), target.port)
                                     : redisAsyncConnectUnix(address_.path.c_str());
    if (context != nullptr && context->err == 0) {
      ::fcntl(context->c.fd, F_SETFD, FD_CLOEXEC);
      session_ = new Session{.link = this, .context = context};
      session_->attach(loop_);
      return;
    }
    const std::string where = target.is_ip() ? target.text() : address_.path;
    refusals_ += (refusals_.empty() ? "" : "; ") + where + ": " +
                 (context != nullptr ? context->errstr : "no memory");
    if (context != nullptr) redisAsyncFree(context);
  }
  fail_soon({"Redis cannot be reached: " + refusals_,
             "is it running there? redis-cli -h HOST -p PORT ping answers PONG"});
}

void RedisLink::connected() {
  connected_ = true;
  heard_ms_ = loop_.now_ms();
  shake_hands();
}

// --- AUTH, SELECT --------------------------------------------------------------------------------

void RedisLink::shake_hands() {
  const auto must_be_ok = [this](const RedisReply& reply) {
    if (reply.is_error()) lose(trouble_of_answer(reply.text, address_.place()));
  };
  if (!address_.password.empty() && address_.user.empty()) {
    send(std::array<std::string_view, 2>{"AUTH", address_.password}, must_be_ok);
  } else if (!address_.password.empty() || !address_.user.empty()) {
    send(std::array<std::string_view, 3>{"AUTH", address_.user, address_.password}, must_be_ok);
  }
  // A name for CLIENT LIST; a Redis that does not give it serves as well.
  send(std::array<std::string_view, 3>{"CLIENT", "SETNAME", name_}, [](const RedisReply&) {});
  const std::string db = std::to_string(address_.db);
  send(std::array<std::string_view, 2>{"SELECT", db}, [this](const RedisReply& reply) {
    if (reply.is_error()) return lose(trouble_of_answer(reply.text, address_.place()));
    ready_ = true;
    owner_.on_link_ready(*this);
  });
}

// --- commands ------------------------------------------------------------------------------------

void RedisLink::command(Words words, Answer answer) {
  POLYPORT_ASSERT(ready_ || soon_.active());  // lost: it leads nowhere, and the owner hears so soon
  send(words, std::move(answer));
}

void RedisLink::send(Words words, Answer answer) {
  if (session_ == nullptr) return;  // lost by an answer just before
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  for (const std::string_view word : words) {
    texts.push_back(word.data() == nullptr ? "" : word.data());
    lengths.push_back(word.size());
  }
  if (answers_.empty()) heard_ms_ = loop_.now_ms();
  if (redisAsyncCommandArgv(session_->context, Session::answered, nullptr,
                            static_cast<int>(texts.size()), texts.data(),
                            lengths.data()) == REDIS_OK) {
    answers_.push_back(std::move(answer));
  }
}

void RedisLink::push() {
  if (session_ == nullptr || !connected_ || (session_->events & FdWatch::kWrite) == 0) return;
  redisAsyncContext* context = session_->context;
  // In the middle of an answer hiredis must not free the context, as it does where writing fails.
  if ((context->c.flags & REDIS_IN_CALLBACK) == 0) redisAsyncHandleWrite(context);
}

void RedisLink::hear(RedisReply reply) {
  heard_ms_ = loop_.now_ms();
  if (answers_.empty()) return;
  const Answer answer = std::move(answers_.front());
  answers_.pop_front();
  answer(reply);
}

// --- ending --------------------------------------------------------------------------------------

// hiredis has given the connection up.
void RedisLink::session_ended(const Session& session) {
  session_ = nullptr;
  const redisAsyncContext& context = *session.context;
  const std::string error = context.errstr != nullptr ? context.errstr : "";
  const Address target = next_target_ == 0 ? Address() : targets_[next_target_ - 1];
  const std::string where = target.is_ip() ? target.text() : address_.path;
  if (session.is_too_large()) {
    return fail_soon({"an answer of the Redis at " + address_.place() + " has more than 64 MiB",
                      "another program has written to the keys polyport:chat:*",
                      RedisTrouble::Kind::kTooLarge});
  }
  if (context.err == REDIS_ERR_PROTOCOL)
    return fail_soon(trouble_of_protocol(error, address_.place()));
  if (!connected_) {
    refusals_ += (refusals_.empty() ? "" : "; ") + where + ": " + error;
    return connect_next();
  }
  if (context.err == REDIS_ERR_EOF || error.empty()) {
    return fail_soon({"the Redis at " + address_.place() + " has closed the connection", {}});
  }
  fail_soon({"the connection to the Redis at " + address_.place() + " is lost: " + error, {}});
}

void RedisLink::fail_soon(RedisTrouble trouble) {
  drop_session();
  ready_ = false;
  trouble_ = std::move(trouble);
  soon_.start(std::chrono::milliseconds(0));
}

void RedisLink::lose(RedisTrouble trouble) {
  if (!open_) return;
  close();
  owner_.on_link_lost(*this, trouble);
}

void RedisLink::drop_session() {
  if (session_ == nullptr) return;
  Session* session = std::exchange(session_, nullptr);
  session->link = nullptr;
  redisAsyncFree(session->context);  // now, or when its callback returns
}

void RedisLink::close() {
  push();
  drop_session();
  resolver_.cancel(question_);
  question_ = 0;
  timer_.stop();
  soon_.stop();
  answers_.clear();
  open_ = connected_ = ready_ = false;
}

void RedisLink::check_time() {
  const std::uint64_t now = loop_.now_ms();
  const auto passed = [now](std::uint64_t since) { return std::chrono::milliseconds(now - since); };
  if (!ready_ && passed(opened_ms_) >= kConnectTime && !soon_.active()) {
    if (connected_) {
      return lose(
          trouble_of_protocol("it took the connection and does not answer", address_.place()));
    }
    return lose({"the Redis at " + address_.place() + " does not answer within 3 s" +
                     (refusals_.empty() ? "" : ": " + refusals_),
                 "check the address in backplane, and the firewalls between"});
  }
  if (ready_ && !answers_.empty() && passed(heard_ms_) >= patience_) {
    lose({"the Redis at " + address_.place() + " has stopped answering",
          "it may be stopped, overloaded or cut off"});
  }
}

std::vector<std::string> RedisLink::addresses() const {
  std::vector<std::string> texts;
  for (const Address& target : targets_)
    texts.push_back(target.is_ip() ? target.text() : address_.path);
  return texts;
}

}  // namespace polyport::services::chat

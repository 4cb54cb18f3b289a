// chat: rooms that are reached with lines of text (nc, telnet, polyport connect), with a browser
// and with clients of IRC.
//
// This file is the service: it makes the parts and ties the doors to them. The rooms are hub; each
// door is a file of its name; open_history finds out where history is kept.
#include <chrono>
#include <memory>

#include "core/service.h"
#include "services/chat/hub.h"
#include "services/chat/irc_door.h"
#include "services/chat/line_door.h"
#include "services/chat/local_bus.h"
#include "services/chat/open_history.h"
#include "services/chat/options.h"
#include "services/chat/redis_backplane.h"
#include "services/chat/web_door.h"

namespace polyport::services::chat {
namespace {

class LoopClock final : public Clock {
 public:
  void start(const Loop& loop) { loop_ = &loop; }
  std::uint64_t steady_ms() const override { return loop_->now_ms(); }
  std::uint64_t wall_ms() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  }

 private:
  const Loop* loop_ = nullptr;
};

// In memory, until a file is put in its place.
class History final : public Store {
 public:
  History(const Clock& clock, const MemoryStore::Limits& limits) : memory_(clock, limits) {}
  void use(std::unique_ptr<DiskStore> disk) { disk_ = std::move(disk); }
  const DiskStore* disk() const { return disk_.get(); }

  bool tells_when_kept() const override { return disk_ && disk_->tells_when_kept(); }
  bool takes_more() const override { return !disk_ || disk_->takes_more(); }
  void append(const Message& message, Kept kept) override {
    store().append(message, std::move(kept));
  }
  void read(const HistoryQuestion& question, std::function<void(Page)> answer) override {
    store().read(question, std::move(answer));
  }

 private:
  Store& store() {
    if (disk_) return *disk_;
    return memory_;
  }

  MemoryStore memory_;
  std::unique_ptr<DiskStore> disk_;
};

class Chat final : public Service {
 public:
  explicit Chat(const OptionValues& values)
      : options_(chat_options(values)),
        backplane_(make_backplane()),
        store_(clock_, options_.history),
        hub_(options_.rules, clock_, backplane_ ? static_cast<Store&>(*backplane_) : store_,
             backplane_ ? static_cast<Bus&>(*backplane_) : bus_, [this] { tick_->start(kTick); }),
        lines_(hub_, {options_.rules.line_bytes, options_.unread_bytes},
               [this](std::string_view door) { return where(door); }),
        web_(hub_, {.limits = {options_.rules.line_bytes, options_.unread_bytes},
                    .origins = options_.web_origins,
                    .connections_per_address = options_.web_connections_per_address,
                    .ping_interval = options_.ping_interval,
                    .ping_timeout = options_.ping_timeout}),
        irc_(hub_,
             {{options_.rules.line_bytes, options_.unread_bytes},
              options_.ping_interval,
              options_.ping_timeout},
             [this](std::string_view door) { return where(door); }) {}

  Result<void> start(ServiceContext& context) override {
    context_ = &context;
    clock_.start(context.loop);
    web_.start(context.host.server_name());
    irc_.start(context.host.server_name());
    tick_ = std::make_unique<Timer>(context.loop, [this] { hub_.tick(); });
    if (backplane_) backplane_->start(context, hub_);
    if (!options_.file) return {};
    auto disk = open_disk_store(context, clock_, options_,
                                [this](std::string_view text) { hub_.announce(text); });
    if (!disk) return tl::unexpected(std::move(disk.error()));
    if (*disk) bus_.start_after((*disk)->last_id());
    store_.use(std::move(*disk));
    return {};
  }
  void report(ServiceStatus& status, const std::vector<Network::Totals>&) const override {
    if (backplane_) status.upstreams.push_back(backplane_->status(context_->instance));
    if (store_.disk() == nullptr || store_.disk()->trouble().empty()) return;
    status.reason += (status.reason.empty() ? "" : "; ") + store_.disk()->trouble();
  }
  void stop() override {
    if (backplane_) backplane_->stop();
    hub_.close("the server is stopping, goodbye");
  }

  StreamHandler& stream_handler(const Door& door) override {
    if (door.name == "irc") return irc_;
    return lines_;
  }
  polyport::http::Handler* http_handler(const Door&) override { return &web_.handler(); }

 private:
  static constexpr std::chrono::milliseconds kTick{1'000};

  std::string where(std::string_view door) const;
  std::unique_ptr<RedisBackplane> make_backplane() const {
    if (!options_.backplane) return nullptr;
    return std::make_unique<RedisBackplane>(
        clock_, RedisBackplane::Options{*options_.backplane, options_.backplane_timeout,
                                        options_.history, options_.rules.room});
  }

  ChatOptions options_;
  LoopClock clock_;
  ServiceContext* context_ = nullptr;
  std::unique_ptr<Timer> tick_;
  std::unique_ptr<RedisBackplane> backplane_;  // null: this process alone
  History store_;
  LocalBus bus_;
  Hub hub_;
  LineDoor lines_;
  WebDoor web_;
  IrcDoor irc_;
};

// "localhost:8090", or empty where that door is not open.
std::string Chat::where(std::string_view door) const {
  for (const ServiceStatus& service : context_->host.services()) {
    if (service.name != context_->instance) continue;
    for (const ListenerStatus& listener : service.listeners) {
      if (listener.door != door || !listener.is_open() || listener.transport != Transport::kTcp) {
        continue;
      }
      const Address& address = listener.address;
      const std::string port = std::to_string(address.port);
      if (address.is_any()) return "port " + port + " of this host";
      return address.is_loopback() ? "localhost:" + port : address.text();
    }
  }
  return {};
}

constexpr Door kDoors[] = {
    {.transports = transports(Transport::kTcp, Transport::kUnix, Transport::kTls)},
    {.name = "web",
     .option = "web",
     .transports = transports(Transport::kTcp, Transport::kTls),
     .kind = Door::Kind::kHttp,
     .try_it = "open http://{host}:{port}/"},
    {.name = "irc",
     .option = "irc",
     .transports = transports(Transport::kTcp, Transport::kUnix, Transport::kTls),
     .try_it = "irssi -c {host} -p {port}"}};

}  // namespace

extern const ServiceType service_type;
const ServiceType service_type{
    .name = "chat",
    .summary = "rooms to talk in: lines of text, a browser, or IRC",
    .default_port = 10023,
    .doors = kDoors,
    .options = option_rows(),
    .speaks_text = true,
    .shares_state =
        [](const OptionValues& values) {
          // Its rooms are in this process, unless a backplane carries them to others.
          return !values.has("backplane") || values.text("backplane").empty();
        },
    .check = check_options,
    .create = make_service<Chat>,
};

}  // namespace polyport::services::chat

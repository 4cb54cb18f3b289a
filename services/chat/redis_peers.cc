#include "services/chat/redis_peers.h"

#include <algorithm>

#include "core/base/text.h"

namespace polyport::services::chat {

class RedisPeers::Peer final : public Member {
 public:
  Peer(const PassOn& pass_on, const Key& key) : pass_on_(pass_on), key_(key) {}
  const Key& key() const { return key_; }

  Delivery hear(const Event& event, Encodings&) override {
    // To itself and from a member of this process: the hub asks nobody else to tell it.
    if (event.kind == Event::Kind::kPrivate && event.to == this) {
      pass_on_(*event.message, *event.from, key_, event.other);
    }
    return Delivery::kTaken;
  }
  void hear_joined(const Room&, const Page&, Replay) override {}
  void hear_history(const Room&, const HistoryQuestion&, const Page&) override {}
  void hear_kept(const Message&, std::string_view, bool) override {}
  void show_out(std::string_view) override {}
  Place place() const override { return place_; }
  bool is_remote() const override { return true; }

  void set_place(const RedisRecord& record) {
    // A view of what does not go away.
    static constexpr std::string_view kDoors[] = {"line", "web", "irc"};
    const auto* door = std::find(std::begin(kDoors), std::end(kDoors), record.door);
    place_ = {.address = record.address,
              .door = door == std::end(kDoors) ? std::string_view("other") : *door,
              .port = record.port,
              .host = record.host};
  }

 private:
  const PassOn& pass_on_;
  const Key& key_;  // of Peers
  Place place_;
};

RedisPeers::RedisPeers(PassOn pass_on) : pass_on_(std::move(pass_on)) {}
RedisPeers::~RedisPeers() = default;

void RedisPeers::set(const Key& key, const RedisRecord& record, std::string_view why) {
  auto found = peers_.find(key);
  if (found == peers_.end()) {
    if (peers_.size() >= kMost) return;
    found = peers_.try_emplace(key).first;
    found->second = std::make_unique<Peer>(pass_on_, found->first);
  }
  Peer& peer = *found->second;
  peer.set_place(record);
  if (!peer.in_hub()) {
    hub_->bring_in(peer, record.nick);
  } else {
    hub_->rename_remote(peer, record.nick);
  }
  const auto is_wanted = [&](const Room* room) {
    return std::any_of(record.rooms.begin(), record.rooms.end(), [&](const std::string& name) {
      return equals_ignoring_case(name, room->name);
    });
  };
  const std::vector<Room*> before = peer.rooms();
  for (const Room* room : before) {
    if (!is_wanted(room)) hub_->part(peer, std::string(room->name), why);
  }
  for (const std::string& room : record.rooms)
    hub_->put_in(peer, room);
}

Member* RedisPeers::find(const Key& key) const {
  const auto found = peers_.find(key);
  return found == peers_.end() ? nullptr : found->second.get();
}

const RedisPeers::Key& RedisPeers::key(const Member& remote) {
  return static_cast<const Peer&>(remote).key();  // nobody else brings a remote member in
}

RedisPeers::Peers::iterator RedisPeers::drop(Peers::iterator peer, std::string_view why) {
  hub_->leave(*peer->second, why, Hub::Leave::kForGood);
  return peers_.erase(peer);
}

void RedisPeers::gone(const Key& key, std::string_view why) {
  const auto found = peers_.find(key);
  if (found != peers_.end()) drop(found, why);
}

void RedisPeers::lost(std::string_view node, std::string_view why) {
  auto peer = peers_.lower_bound({std::string(node), 0});
  while (peer != peers_.end() && peer->first.first == node)
    peer = drop(peer, why);
}

void RedisPeers::keep(const std::set<Key>& there) {
  for (auto peer = peers_.begin(); peer != peers_.end();)
    peer = there.contains(peer->first) ? std::next(peer) : drop(peer, "left");
}

void RedisPeers::clear(std::string_view why) {
  for (auto peer = peers_.begin(); peer != peers_.end();)
    peer = drop(peer, why);
}

}  // namespace polyport::services::chat

// RedisPeers: the members of other processes, as Members of this one's hub. They hear nothing here;
// what is for one of them alone is passed on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "services/chat/hub.h"
#include "services/chat/redis_entry.h"

namespace polyport::services::chat {

class RedisPeers {
 public:
  static constexpr std::size_t kMost = 100'000;  // of all processes; others are not shown
  using Key = RedisKey;
  // `from` is of this process, `nick` what `to` is called.
  using PassOn = std::function<void(const Message& message, const Member& from, const Key& to,
                                    std::string_view nick)>;

  explicit RedisPeers(PassOn pass_on);
  ~RedisPeers();  // the hub is closed by then, or none of them is in it
  void start(Hub& hub) { hub_ = &hub; }

  // What this member is now; `why` it left rooms that it was in.
  void set(const Key& key, const RedisRecord& record, std::string_view why);
  void gone(const Key& key, std::string_view why);
  void lost(std::string_view node, std::string_view why);
  // Only these are there any more.
  void keep(const std::set<Key>& there);
  void clear(std::string_view why);
  Member* find(const Key& key) const;
  // Of a member that is_remote().
  static const Key& key(const Member& remote);
  std::size_t size() const { return peers_.size(); }

 private:
  class Peer;
  using Peers = std::map<Key, std::unique_ptr<Peer>>;

  Peers::iterator drop(Peers::iterator peer, std::string_view why);

  PassOn pass_on_;
  Hub* hub_ = nullptr;
  Peers peers_;
};

}  // namespace polyport::services::chat

#include "services/chat/redis_trouble.h"

#include "core/base/text.h"

namespace polyport::services::chat {
namespace {

// An answer that has this in it means that.
struct Known {
  std::string_view sign;
  std::string_view what;  // after "the Redis at HOST "
  std::string_view hint;
};

constexpr Known kKnown[] = {
    {"WRONGPASS", "refuses the password",
     "check backplane or backplane_password, and ACL LIST of Redis"},
    {"invalid password", "refuses the password", "check backplane or backplane_password"},
    {"NOAUTH", "wants a password", "set backplane_password"},
    {"without any password configured", "has no password, but one is set here",
     "leave the password out, or set requirepass in Redis"},
    {"DB index", "does not have that database",
     "the number behind the last / of backplane is too high: see `databases` in redis.conf"},
    {"SELECT is not allowed", "is a cluster, which has only database 0",
     "a cluster is not supported: use one Redis"},
    {"READONLY", "is a read-only replica", "name the master in backplane"},
    {"OOM ", "has no memory left", "raise maxmemory of Redis, or lower history_kept"},
    {"MISCONF", "does not take writes, because it cannot save to its disk",
     "see the log of Redis; its disk may be full"},
    {"LOADING", "is still loading its data", "nothing to do: it is asked again"},
    {"NOREPLICAS", "has too few replicas to take writes", "see min-replicas-to-write"},
    {"MASTERDOWN", "is a replica that has lost its master", "name the master in backplane"},
    {"CLUSTERDOWN", "is a cluster that is down", "a cluster is not supported: use one Redis"},
    {"MOVED ", "is a cluster", "a cluster is not supported: use one Redis"},
    {"NOPERM", "does not give this user the rights it needs",
     "it needs the keys polyport:chat:* and the commands of scripts, streams, hashes and sets"},
    {"max number of clients", "has as many clients as it takes", "raise maxclients of Redis"},
    {"WRONGTYPE", "has keys of another program where the chat keeps its own",
     "give the chat a database of its own: redis://host:6379/1"},
    {"smaller than the target stream", "has a stream that another program has written to",
     "delete the keys polyport:chat:*, or give the chat a database of its own"},
    {"exhausted the last possible ID", "has a stream that another program has written to",
     "delete the keys polyport:chat:*, or give the chat a database of its own"},
    {"top item", "has a stream that another program has written to",
     "delete the keys polyport:chat:*, or give the chat a database of its own"},
    {"nknown Redis command", "is too old: it has no streams", "the chat needs Redis 5.0 or later"},
    {"unknown command", "lacks a command that the chat needs",
     "the chat needs Redis 5.0 or later, with its commands under their own names"},
    {"BUSY ", "is kept busy by a script", "redis-cli SCRIPT KILL ends it"},
    {"NOSCRIPT", "has forgotten the scripts of the chat", "nothing to do: they are sent again"},
};

}  // namespace

RedisTrouble trouble_of_answer(std::string_view answer, std::string_view place) {
  const std::string shown = without_controls(answer.substr(0, 160));
  for (const Known& known : kKnown) {
    if (answer.find(known.sign) == std::string_view::npos) continue;
    return {
        "the Redis at " + std::string(place) + " " + std::string(known.what) + " (" + shown + ")",
        std::string(known.hint)};
  }
  return {"the Redis at " + std::string(place) + " answers: " + shown, {}};
}

RedisTrouble trouble_of_protocol(std::string_view detail, std::string_view place) {
  return {"what listens at " + std::string(place) +
              " is no Redis: " + without_controls(detail.substr(0, 160)),
          "check the host and the port in backplane"};
}

}  // namespace polyport::services::chat

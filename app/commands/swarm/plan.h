// Plan: what a swarm is asked for, checked and looked up, before the first socket is opened.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/swarm.h"
#include "app/commands/swarm/chat_speech.h"
#include "app/commands/swarm/http_speech.h"
#include "app/commands/swarm/sources.h"
#include "app/commands/swarm/speech.h"
#include "core/base/result.h"
#include "core/net/dialer.h"
#include "core/net/stage.h"

namespace polyport {
class TlsClientContext;
}

namespace polyport::swarm {

enum class Scheme : std::uint8_t { kTcp, kUdp, kUnix, kHttp, kChat };

struct Target {
  std::string url;  // as written
  Scheme scheme = Scheme::kTcp;
  DialTarget where;
  Sources sources;
  Dialer* dialer = nullptr;  // of the engine, for streams
  HttpTalk http;             // of that scheme
  ChatRoom room;             // of that one
  // What its connections have between socket and speech, the lowest first.
  std::vector<std::unique_ptr<StageMaker>> stages;

  // A port of a datagram socket is its own wherever it sends to, so the sockets of several such
  // targets are counted together: so many are these, and this is the how many-th, from 0.
  std::uint32_t sharers = 1, share = 0;

  // Where its n-th socket goes out; nothing: the kernel chooses.
  std::optional<Address> source_of(std::uint32_t nth) const {
    return sources.of(nth * sharers + share);
  }
  bool is_datagram() const { return scheme == Scheme::kUdp; }
};

struct Plan {
  SwarmOptions options;
  std::vector<std::unique_ptr<Target>> targets;
  std::vector<std::string> notes;
  double rate = 0;              // messages a second; 0: none beside the first and the last
  std::uint64_t scheduled = 0;  // messages of the schedule
  std::uint64_t seed = 0;
  std::shared_ptr<const TlsClientContext> tls;  // where a target has it
};

// Looks names up, which blocks. `descriptors` is how many sockets this process may have.
Result<Plan> make_plan(const SwarmOptions& options, std::uint64_t descriptors);

// What the socket says; not for datagrams.
std::unique_ptr<Speech> make_speech(Target& target, const Plan& plan, std::uint32_t socket);

}  // namespace polyport::swarm

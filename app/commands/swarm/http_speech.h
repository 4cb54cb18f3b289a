// HttpSpeech: requests on a connection that is kept, one at a time (RFC 9112).
//
// Without a size it sends GET, and every answer must be that to the first request of all sockets.
// With one it sends POST with that many bytes of the socket's own sequence, which must stand in the
// answer as they are: an echo has nothing else, a JSON echo has them among other things.
#pragma once

#include <optional>
#include <string>

#include "app/commands/swarm/speech.h"
#include "core/http/response_reader.h"

namespace polyport::swarm {

// What the requests of one target have in common; outlives their speeches.
struct HttpTalk {
  std::string host;  // of the Host field
  std::string path;
  std::optional<std::size_t> post_bytes;
  // The body that the first answer had, in short; none has come yet where it is empty.
  std::optional<std::uint64_t> body;
};

class HttpSpeech final : public Speech {
 public:
  HttpSpeech(HttpTalk& talk, std::uint64_t key) : talk_(talk), key_(key) {}

  void say(std::string& out) override;
  Heard hear(Bytes bytes) override;
  Heard hear_end() override;
  std::size_t most_under_way() const override { return 1; }
  bool may_be_closed() const override { return served_ && !asked_; }
  bool ready() const override { return !spent_; }
  void begin_again() override { spent_ = served_ = false; }

 private:
  void take_piece(Bytes piece, Heard& heard);
  void complete(Heard& heard);

  HttpTalk& talk_;
  std::uint64_t key_;
  http::ResponseReader reader_;
  std::uint64_t said_ = 0;  // bytes of the sequence
  std::uint64_t body_ = 0;  // what a GET got so far, in short
  std::uint64_t body_bytes_ = 0;
  std::string kept_;     // of the answer to a POST
  bool asked_ = false;   // an answer is due
  bool served_ = false;  // it has got an answer on this connection
  bool spent_ = false;   // the server has said that it closes
};

}  // namespace polyport::swarm

// EchoSpeech: every byte must come back, in order (RFC 862 over tcp and unix).
#pragma once

#include "app/commands/swarm/speech.h"

namespace polyport::swarm {

class EchoSpeech final : public Speech {
 public:
  EchoSpeech(std::uint64_t key, std::size_t message_bytes) : key_(key), size_(message_bytes) {}

  void say(std::string& out) override;
  Heard hear(Bytes bytes) override;
  std::size_t most_under_way() const override;

 private:
  std::uint64_t key_;
  std::size_t size_;
  std::uint64_t said_ = 0;   // bytes
  std::uint64_t heard_ = 0;  // bytes
};

}  // namespace polyport::swarm

// DatagramTalk: what one datagram socket of a swarm says and hears.
//
// Each datagram begins with its number and goes on with the socket's own sequence, so that lost,
// doubled, late and wrong ones are told apart. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace polyport::swarm {

inline constexpr std::size_t kLeastDatagram = 12;  // its number, and something behind it

class DatagramTalk {
 public:
  DatagramTalk(std::uint64_t key, std::size_t bytes) : key_(key), size_(bytes) {}

  // Datagram `number`, as it goes out.
  std::string say(std::uint64_t number) const;
  // Which one came back as it was; nothing where these bytes were never sent.
  std::optional<std::uint64_t> recognise(Bytes bytes) const;

 private:
  std::uint64_t key_;
  std::size_t size_;
};

}  // namespace polyport::swarm

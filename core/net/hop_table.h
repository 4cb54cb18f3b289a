// HopTable: which clients are this process's own connections, going out.
//
// A service that passes bytes on may be made to pass them to itself, and each round would cost two
// sockets until none are left. So who connects notes its local address with the number of
// forwardings behind it, and who accepts looks its peer up. A note lives for as long as an accept
// may take; the table never grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/socket/address.h"

namespace polyport {

class HopTable {
 public:
  static constexpr std::uint8_t kMost = 4;  // forwardings in a row that make sense
  static constexpr std::uint64_t kLifeMs = 10'000;

  // `local` goes out with `hops` forwardings behind it, this one included.
  void note(const Address& local, std::uint8_t hops, std::uint64_t now_ms);
  // Of a peer that came in: 0 where it is nobody of ours.
  std::uint8_t hops_of(const Address& peer, std::uint64_t now_ms) const;

 private:
  struct Note {
    Address local;
    std::uint8_t hops = 0;
    std::uint64_t expires_ms = 0;
  };
  // Two addresses that fall on one row: the later one stays. A chain looks its last link up within
  // the same turns, so what is overwritten is hardly ever asked for.
  static constexpr std::size_t kRows = 1024;
  static std::size_t row_of(const Address& address);

  std::unique_ptr<Note[]> rows_;  // made by the first note
};

}  // namespace polyport

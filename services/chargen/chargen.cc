// chargen (RFC 864): a stream of printable characters until the peer goes away; over UDP one
// datagram of 0 to 512 of them for each one received.
//
// The pattern repeats after 95 lines, so one static block serves every client and no connection
// needs state. Whole blocks are queued until the queue is over its high mark, and again when core
// says that it has fallen to its low mark: the flow control is TCP's. Input is read and dropped.
#include <array>
#include <random>

#include "core/service.h"

namespace polyport::services::chargen {

constexpr std::size_t kFirst = 0x20, kCharacters = 0x7e - kFirst + 1;  // space to '~': 95
constexpr std::size_t kColumns = 72, kLineBytes = kColumns + 2;
constexpr std::size_t kBlockBytes = kCharacters * kLineBytes;  // 7,030
constexpr std::size_t kMostInDatagram = 512;

// Line n holds 72 characters of the ring from the n-th on, then CR LF.
constexpr std::array<char, kBlockBytes> make_block() {
  std::array<char, kBlockBytes> block{};
  std::size_t at = 0;
  for (std::size_t line = 0; line < kCharacters; ++line) {
    for (std::size_t column = 0; column < kColumns; ++column) {
      block[at++] = static_cast<char>(kFirst + (line + column) % kCharacters);
    }
    block[at++] = '\r';
    block[at++] = '\n';
  }
  return block;
}

Bytes block() {
  static constexpr auto kBlock = make_block();
  return {kBlock.data(), kBlock.size()};
}

namespace {

class Chargen final : public Service {
 public:
  explicit Chargen(const OptionValues& values) : fill_bytes_(values.bytes("write_high")) {}

  void on_open(Connection& connection) override { fill(connection); }
  void on_writable(Connection& connection) override { fill(connection); }
  // A peer that has nothing to say may still be reading.
  void on_end(Connection&) override {}
  // The stream has no end to wait for.
  bool on_drain(Connection&) override { return false; }

  void on_datagram(Datagram& datagram) override {
    datagram.reply(block().substr(0, length_(random_)));
  }

 private:
  // To above the mark, because core reports the low mark only to who has been over the high one.
  void fill(Connection& connection) const {
    do {
      connection.send(Payload::literal(block()));
    } while (connection.queued_bytes() <= fill_bytes_ && !connection.ending());
  }

  std::uint64_t fill_bytes_;
  std::minstd_rand random_{std::random_device{}()};
  std::uniform_int_distribution<std::size_t> length_{0, kMostInDatagram};
};

}  // namespace

extern const ServiceType service_type = {
    .name = "chargen",
    .summary = "an endless stream of characters (RFC 864)",
    .default_port = 10019,
    .doors = kEveryTransport,
    .create = make_service<Chargen>,
};

}  // namespace polyport::services::chargen

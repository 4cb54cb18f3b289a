// chargen (RFC 864): a stream of printable characters until the peer goes away; over UDP one
// datagram of 0 to 512 of them for each one received.
//
// The pattern repeats after 95 lines, so whole blocks of them, shared by all clients, are the
// stream, and no connection needs state. The queue is filled to over its high mark, and again when
// core says that it has fallen to its low mark: the flow control is TCP's. Input is read and
// dropped.
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
  explicit Chargen(const OptionValues& values) : stream_(blocks_over(values.bytes("write_high"))) {}

  void on_open(Connection& connection) override { connection.send(stream_); }
  void on_writable(Connection& connection) override { connection.send(stream_); }
  // A peer that has nothing to say may still be reading.
  void on_end(Connection&) override {}
  // The stream has no end to wait for.
  bool on_drain(Connection&) override { return false; }

  void on_datagram(Datagram& datagram) override {
    datagram.reply(block().substr(0, length_(random_)));
  }

 private:
  // As many whole blocks as it takes to be over the mark: core tells of the low mark only whoever
  // has been over the high one.
  static Payload blocks_over(std::size_t mark) {
    std::string blocks;
    while (blocks.size() <= mark) {
      blocks += block();
    }
    return Payload::copy(blocks);
  }

  Payload stream_;
  std::minstd_rand random_{std::random_device{}()};
  std::uniform_int_distribution<std::size_t> length_{0, kMostInDatagram};
};

// Its queue is always over the mark, and input must be read all the same.
constexpr OptionSpec kOptions[] = {{.name = "slow_reader",
                                    .type = OptionType::kEnum,
                                    .fallback = "disconnect",
                                    .help = "whether input waits while output does",
                                    .choices = "pause|disconnect"}};

}  // namespace

extern const ServiceType service_type = {
    .name = "chargen",
    .summary = "an endless stream of characters (RFC 864)",
    .default_port = 10019,
    .doors = kEveryTransport,
    .options = kOptions,
    .answers_any_byte = true,
    .speaks_text = true,
    .create = make_service<Chargen>,
};

}  // namespace polyport::services::chargen

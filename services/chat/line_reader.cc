#include "services/chat/line_reader.h"

#include <utility>

#include "core/observe/protocol_hint.h"
#include "services/chat/clean.h"

namespace polyport::services::chat {
namespace {

// RFC 854. None of them occurs in UTF-8 text: its bytes end at 0xf4.
enum TelnetByte : unsigned char {
  kSubnegotiationEnd = 240,
  kSubnegotiationBegin = 250,
  kWillByte = 251,
  kWontByte = 252,
  kDoByte = 253,
  kDontByte = 254,
  kIac = 255
};
// A subnegotiation that is longer never ends, and what follows is taken for text again.
constexpr std::uint16_t kMostSubnegotiationBytes = 512;
constexpr char kTlsHandshake = 0x16;  // the record type that opens every TLS connection

// RFC 2812 section 3.1, and CAP, which clients send before that. A person who begins with "NICK
// ann" means the same.
bool opens_irc(std::string_view line) {
  const Words words = split_word(line);
  const Words more = split_word(words.rest);
  if (words.first == "CAP") return more.first == "LS" || more.first == "REQ";
  if (words.first == "NICK" || words.first == "PASS")
    return !more.first.empty() && more.rest.empty();
  return words.first == "USER" && line.find(" :") != std::string_view::npos;
}

}  // namespace

std::optional<LineItem> LineReader::next(Bytes& data) {
  done_.reset();
  if (first_byte_ && !data.empty()) {
    first_byte_ = false;
    if (data.front() == kTlsHandshake) {
      data = {};
      return LineItem{LineItem::Kind::kTls};
    }
  }
  while (!data.empty()) {
    const char c = data.front();
    data.remove_prefix(1);
    if (take_telnet(static_cast<unsigned char>(c))) {
      if (std::exchange(reply_due_, false)) {
        return LineItem{LineItem::Kind::kTelnetReply, {reply_.data(), reply_.size()}};
      }
    } else if (c == '\n') {
      return finish_line();
    } else if (!line_ || line_->size() < most_bytes_) {
      if (!line_) line_ = std::make_unique<std::string>();
      *line_ += c;
    } else if (c != '\r') {
      too_long_ = true;
    }
  }
  return std::nullopt;
}

std::optional<LineItem> LineReader::end() {
  if (!line_ && !too_long_) return std::nullopt;
  return finish_line();
}

LineItem LineReader::finish_line() {
  const std::unique_ptr<std::string> held = std::move(line_);
  const Bytes raw = held ? Bytes(*held) : Bytes();
  const bool first = std::exchange(first_line_, false);
  if (std::exchange(too_long_, false)) return {LineItem::Kind::kTooLong};
  auto cleaned = clean(raw);
  if (!cleaned) return {LineItem::Kind::kNotUtf8};
  done_ = std::make_unique<std::string>(std::move(*cleaned));
  if (first && recognise(*done_) == Protocol::kHttp) return {LineItem::Kind::kHttp};
  if (first && opens_irc(*done_)) return {LineItem::Kind::kIrc};
  return {LineItem::Kind::kLine, *done_};
}

// Negotiation is answered, because a telnet client that asks (after Ctrl-C, for one) shows nothing
// more until it hears. Only DO and WILL are: answering an answer could go on for ever.
void LineReader::refuse(unsigned char verb, unsigned char option) {
  reply_ = {static_cast<char>(kIac), static_cast<char>(verb), static_cast<char>(option)};
  reply_due_ = true;
  telnet_ = Telnet::kText;
}

LineReader::Telnet LineReader::after_command(unsigned char command) {
  subnegotiation_bytes_ = 0;
  switch (command) {
    case kWillByte:
      return Telnet::kWill;
    case kDoByte:
      return Telnet::kDo;
    case kWontByte:
    case kDontByte:
      return Telnet::kDropOne;
    case kSubnegotiationBegin:
      return Telnet::kSubnegotiation;
    default:
      return Telnet::kText;
  }
}

bool LineReader::take_telnet(unsigned char byte) {
  switch (telnet_) {
    case Telnet::kText:
      if (byte == kIac) telnet_ = Telnet::kCommand;
      return byte == kIac;
    case Telnet::kCommand:
      telnet_ = after_command(byte);
      break;
    case Telnet::kWill:
      refuse(kDontByte, byte);
      break;
    case Telnet::kDo:
      refuse(kWontByte, byte);
      break;
    case Telnet::kDropOne:
      telnet_ = Telnet::kText;
      break;
    case Telnet::kSubnegotiation:
      if (byte == kIac) telnet_ = Telnet::kSubnegotiationCommand;
      if (++subnegotiation_bytes_ == kMostSubnegotiationBytes) telnet_ = Telnet::kText;
      break;
    case Telnet::kSubnegotiationCommand:
      telnet_ = byte == kSubnegotiationEnd ? Telnet::kText : Telnet::kSubnegotiation;
      break;
  }
  return true;
}

}  // namespace polyport::services::chat

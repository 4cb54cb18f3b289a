#include "services/chat/irc_message.h"

#include <algorithm>
#include <utility>

#include "core/observe/protocol_hint.h"

namespace polyport::services::chat {
namespace {

constexpr char kTlsHandshake = 0x16;  // the record type that opens every TLS connection

std::string_view skip_spaces(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

// Cuts the first word off the front of `text`.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text = skip_spaces(text.substr(word.size()));
  return word;
}

std::string_view without_tags(std::string_view line) {
  if (line.starts_with('@')) take_word(line);
  return line;
}

bool is_too_long(std::string_view line) {
  const std::string_view rest = without_tags(line);
  return rest.size() > IrcReader::kMostLine || line.size() - rest.size() > IrcReader::kMostTags;
}

}  // namespace

std::optional<IrcMessage> parse_irc(std::string_view line) {
  line = without_tags(skip_spaces(line));
  if (line.starts_with(':')) take_word(line);  // a client has nothing to say by its prefix
  IrcMessage message;
  message.command = take_word(line);
  if (message.command.empty()) return std::nullopt;
  while (!line.empty() && message.count < IrcMessage::kMostParameters) {
    const bool last = line.starts_with(':') || message.count + 1 == IrcMessage::kMostParameters;
    if (last) {
      if (line.starts_with(':')) line.remove_prefix(1);
      message.parameters[message.count++] = line;
      break;
    }
    message.parameters[message.count++] = take_word(line);
  }
  return message;
}

std::optional<IrcItem> IrcReader::next(Bytes& data) {
  done_.reset();
  if (first_byte_ && !data.empty()) {
    first_byte_ = false;
    if (data.front() == kTlsHandshake) {
      data = {};
      return IrcItem{IrcItem::Kind::kTls};
    }
  }
  while (!data.empty()) {
    const std::size_t end = data.find('\n');
    const Bytes piece = data.substr(0, end);
    data.remove_prefix(std::min(data.size(), piece.size() + 1));
    const std::size_t held = half_ ? half_->size() : 0;
    // One byte more than a line may have, for its CR; what is beyond is counted as too long only.
    const std::size_t room = kMostLine + kMostTags + 1 - held;
    if (piece.size() > room) too_long_ = true;
    if (end == Bytes::npos) {
      if (!half_) half_ = std::make_unique<std::string>();
      half_->append(piece.substr(0, room));
      return std::nullopt;
    }
    std::string_view line = piece.substr(0, room);
    if (half_) {
      half_->append(line);
      done_ = std::move(half_);
      line = *done_;
    }
    if (const auto item = finish(line)) return item;
  }
  return std::nullopt;
}

std::optional<IrcItem> IrcReader::finish(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const bool too_long = std::exchange(too_long_, false) || is_too_long(line);
  if (line.empty() && !too_long) return std::nullopt;
  const bool first = std::exchange(first_line_, false);
  if (too_long) return IrcItem{IrcItem::Kind::kTooLong};
  if (first && recognise(line) == Protocol::kHttp) return IrcItem{IrcItem::Kind::kHttp};
  return IrcItem{IrcItem::Kind::kLine, line};
}

}  // namespace polyport::services::chat

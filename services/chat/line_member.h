// line_member: a chat member behind a connection of the line door.
//
// Ties one Connection to one place in the hub: writes events as lines, knows the room its lines go
// to, and shows out whoever does not read them.
#pragma once

#include <cstddef>
#include <string>

#include "core/net/network.h"
#include "services/chat/line_reader.h"
#include "services/chat/line_text.h"
#include "services/chat/member.h"

namespace polyport::services::chat {

struct StreamLimits {
  std::size_t line_bytes = 1024;
  std::size_t unread_bytes = 256 * 1024;  // more than this waiting: too slow
};

class LineMember final : public Member {
 public:
  LineMember(Connection& connection, const StreamLimits& limits);

  Delivery hear(const Event& event, Encodings& encodings) override;
  void hear_joined(const Room& room, const Page& page, Replay replay) override;
  void hear_history(const Room& room, const HistoryQuestion& question, const Page& page) override;
  void hear_kept(const Message&, std::string_view, bool) override {}
  void show_out(std::string_view text) override;
  Place place() const override;

  LineReader& reader() { return reader_; }
  // The room that lines without a command go to; null: none.
  const Room* room() const { return room_; }
  void set_room(const Room& room) { room_ = &room; }
  bool is_plain() const { return plain_; }
  void set_plain(bool plain) { plain_ = plain; }
  // Has been asked to go, by itself or not: nothing it sends counts any more.
  bool is_leaving() const { return !in_hub(); }
  LineStyle style() const { return plain_ ? LineStyle::kPlain : LineStyle::kHere; }

 private:
  LineStyle style_for(const Event& event) const;
  void leave_room(const Room& room);
  Connection* connection() const;

  Network& network_;
  ConnectionId id_;
  const StreamLimits& limits_;
  const Room* room_ = nullptr;
  LineReader reader_;
  bool plain_ = false;
};

// With its connection (272 bytes) and its places in the hub an idle member stays under 700 bytes.
static_assert(sizeof(LineMember) <= 176);

}  // namespace polyport::services::chat

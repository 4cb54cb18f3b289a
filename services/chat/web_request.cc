#include "services/chat/web_request.h"

#include <algorithm>
#include <array>

#include "core/base/json_value.h"
#include "core/base/text.h"
#include "services/chat/clean.h"

namespace polyport::services::chat {
namespace {

using Kind = WebRequest::Kind;

struct Type {
  std::string_view name;
  Kind kind;
};
constexpr std::array<Type, 15> kTypes = {{{"hello", Kind::kHello},
                                          {"say", Kind::kSay},
                                          {"act", Kind::kAct},
                                          {"msg", Kind::kMsg},
                                          {"join", Kind::kJoin},
                                          {"part", Kind::kPart},
                                          {"nick", Kind::kNick},
                                          {"topic", Kind::kTopic},
                                          {"who", Kind::kWho},
                                          {"rooms", Kind::kRooms},
                                          {"history", Kind::kHistory},
                                          {"op", Kind::kOp},
                                          {"kick", Kind::kKick},
                                          {"mute", Kind::kMute},
                                          {"unmute", Kind::kUnmute}}};
constexpr std::int64_t kMostMessages{HistoryQuestion::kMost};

// Reads the fields of one object and keeps the first thing that is wrong.
class Reader {
 public:
  Reader(const JsonValue& object, WebRequest& request) : object_(object), request_(request) {}

  std::string text(std::string_view key) {
    const JsonValue* value = object_.find(key);
    if (value == nullptr || value->kind() == JsonValue::Kind::kNull) return {};
    if (value->kind() != JsonValue::Kind::kString) {
      fail(key, "it is a text");
      return {};
    }
    auto cleaned = clean(value->text());
    if (!cleaned) fail(key, "it is no UTF-8");
    return cleaned ? std::move(*cleaned) : std::string();
  }

  std::optional<MessageId> id(const JsonValue& object, std::string_view key) {
    const JsonValue* value = object.find(key);
    if (value == nullptr || value->kind() == JsonValue::Kind::kNull) return std::nullopt;
    const auto id = MessageId::parse(value->text());
    if (!id) fail(key, "it is the id of a message, as it came from here");
    return id;
  }

  void rooms() {
    const JsonValue* list = object_.find("rooms");
    if (list == nullptr) return;
    if (list->items().size() > WebRequest::kMostWanted)
      return fail("rooms", "so many are too many");
    for (const JsonValue& item : list->items()) {
      auto name = clean(item.text_of("room"));
      request_.rooms.push_back({name ? std::move(*name) : std::string(), id(item, "after")});
    }
  }

  void question() {
    HistoryQuestion& question = request_.question;
    question.room = request_.room;
    const auto before = id(object_, "before"), after = id(object_, "after");
    if (before && after) return fail("after", "it does not go with before");
    if (before) question.which = HistoryQuestion::Which::kBefore, question.id = *before;
    if (after) question.which = HistoryQuestion::Which::kAfter, question.id = *after;
    question.most = 50;
    const JsonValue* limit = object_.find("limit");
    if (limit == nullptr) return;
    const auto number = limit->integer();
    if (!number || *number < 1 || *number > kMostMessages) {
      return fail("limit", "it is a number from 1 to " + std::to_string(kMostMessages));
    }
    question.most = static_cast<std::size_t>(*number);
  }

  void fail(std::string_view key, std::string why) {
    if (wrong_.empty()) wrong_ = quoted(key) + ": " + std::move(why);
  }
  const std::string& wrong() const { return wrong_; }

 private:
  const JsonValue& object_;
  WebRequest& request_;
  std::string wrong_;
};

Error refused(std::string what) {
  return {ErrorCode::kBadValue, std::move(what), {}, {}};
}

}  // namespace

Result<WebRequest> read_web_request(Bytes message) {
  const auto json = JsonValue::parse(message);
  if (!json || json->kind() != JsonValue::Kind::kObject) {
    return tl::unexpected(refused("a message is one JSON object"));
  }
  const std::string_view type = json->text_of("type");
  const auto* const found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const Type& row) { return row.name == type; });
  if (found == kTypes.end()) {
    return tl::unexpected(refused("there is no type " + quoted(type, 40)));
  }
  WebRequest request;
  request.kind = found->kind;
  Reader reader(*json, request);
  request.reference = reader.text("ref");
  if (request.reference.size() > WebRequest::kMostReferenceBytes) reader.fail("ref", "too long");
  request.room = reader.text("room");
  request.nick = reader.text(request.kind == Kind::kMsg ? "to" : "nick");
  request.text = reader.text(request.kind == Kind::kTopic                                 ? "topic"
                             : request.kind == Kind::kKick || request.kind == Kind::kPart ? "why"
                                                                                          : "text");
  if (request.kind == Kind::kOp) request.password = std::string(json->text_of("password"));
  if (request.kind == Kind::kHello) {
    request.token = reader.text("token");
    reader.rooms();
  }
  if (request.kind == Kind::kHistory) reader.question();
  if (!reader.wrong().empty()) return tl::unexpected(refused(reader.wrong()));
  return request;
}

}  // namespace polyport::services::chat

// MessageParser: splits a head that HeadCheck has passed into its fields, in place, with llhttp.
//
// The one place that knows llhttp, compiled in its strict mode. llhttp's verdict is the second one:
// what it refuses is refused, and where it reads the framing in another way than HeadCheck did,
// nobody can say what the message is, so it is refused too. It keeps nothing between two heads.
#pragma once

#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/http/handler.h"
#include "core/http/head_check.h"
#include "core/http/refusal.h"

namespace polyport::http {

class MessageParser {
 public:
  MessageParser();
  ~MessageParser();
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  // `head` is complete and `check` is what HeadCheck found in it. `fields` is replaced by views
  // into `head`, values trimmed.
  Refusal parse(Bytes head, const HeadCheck& check, std::vector<Header>& fields);

 private:
  struct Llhttp;
  std::unique_ptr<Llhttp> llhttp_;
};

}  // namespace polyport::http

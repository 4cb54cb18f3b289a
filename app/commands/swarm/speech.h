// Speech: what one stream socket of a swarm says and hears, by its scheme.
//
// Pure: bytes come in, bytes go out, no socket and no clock. A scheme is one class derived from it,
// in a file of its own, and a row in plan.cc. Answers come in the order of the messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/bytes.h"

namespace polyport::swarm {

// What a piece of input came to.
struct Heard {
  std::uint32_t answers = 0;   // messages that are answered in full now
  std::uint64_t verified = 0;  // bytes that were compared and are right
  std::string wrong = {};      // what is wrong with the input, for a person; empty: nothing
};

class Speech {
 public:
  virtual ~Speech() = default;

  // Appends what opens the conversation, where a protocol begins with more than messages.
  virtual void greet(std::string&) {}
  // Messages can be said. Until then only hear() is called.
  virtual bool ready() const { return true; }
  // Appends the next message.
  virtual void say(std::string& out) = 0;
  virtual Heard hear(Bytes bytes) = 0;
  // The peer has sent its end: what is answered by that.
  virtual Heard hear_end() { return {}; }
  // Messages that may be under way at once; more wait here, and their waiting counts.
  virtual std::size_t most_under_way() const = 0;
  // The peer has taken it in, so that what others say from now on comes here too.
  virtual bool welcomed() const { return true; }
  // One message is said as soon as the socket is open; else only once all are.
  virtual bool says_hello() const { return true; }
  // More is to come although all messages are answered.
  virtual bool listens() const { return false; }
  // The peer may close now, and a new connection take the place of this one.
  virtual bool may_be_closed() const { return false; }
  // The connection has been opened anew.
  virtual void begin_again() {}
  // All has been said and heard: what is missing or out of order, empty where nothing is.
  virtual std::string last_word() const { return {}; }
};

}  // namespace polyport::swarm

// HeadWriter: heads of answers, written once and sent many times.
//
// A server says nearly the same head again and again; what changes is the date, once a second. A
// head that equals one of the last few, field by field, goes out as it was written then. So it
// looks at the fields where write_head would look at every byte of them.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/http/response_head.h"

namespace polyport::http {

class HeadWriter {
 public:
  struct Written {
    Bytes bytes;            // good until the next call
    bool has_body = false;  // the body stands behind the head: it is short
  };
  // The head as write_head writes it, with `body` behind it where there is room.
  Written write(const ResponseHead& head, Bytes body);

 private:
  static constexpr std::size_t kSlots = 8;
  static constexpr std::size_t kMostHead = 1024;  // of a head that is kept, at most
  static constexpr std::size_t kMostBody = 1024;  // that is copied behind one

  struct Known {
    ResponseHead head;            // what it was written from, all views into `words`
    std::vector<Header> headers;  // its fields
    std::vector<Header> common;
    const Header* fixed_common = nullptr;  // where they lay, if they are fixed
    std::string words;
    std::array<char, kMostHead + kMostBody> text;
    std::size_t size = 0;     // of the head in it
    std::size_t date_at = 0;  // where in it the date is
  };
  static bool is_same(const Known& known, const ResponseHead& head);
  static void keep(Known& known, const ResponseHead& head);
  Written write_large(const ResponseHead& head, std::size_t bound);

  std::array<std::unique_ptr<Known>, kSlots> known_;
  std::string large_;
};

}  // namespace polyport::http

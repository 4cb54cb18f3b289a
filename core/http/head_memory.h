// HeadMemory: request heads that were read before, so that the same bytes need not be read again.
//
// Nearly every client sends the same head with each of its requests, and what a head means depends
// on its bytes and the server's limits alone. Only heads that HeadCheck and MessageParser have both
// accepted are kept, few and short ones without credentials; a newer one takes an older one's
// place.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/http/handler.h"
#include "core/http/head_check.h"

namespace polyport::http {

class HeadMemory {
 public:
  static constexpr std::size_t kMostBytes = 1024;  // of a head that is kept

  // Where `input` begins with a head that is known, `check` and `fields` are as they would be after
  // reading it, the fields as views into `input`. Null where it does not; else what its handler has
  // noted about it, which is to be kept up to date and is good until the next keep.
  HeadNote* recall(Bytes input, HeadCheck& check, std::vector<Header>& fields) const;
  // `head` was accepted, with this result; the fields are views into it. Null where it is not kept.
  HeadNote* keep(Bytes head, const HeadCheck& check, const std::vector<Header>& fields);

 private:
  static constexpr std::size_t kSlots = 16;
  // So much of a head chooses its slot. No request that is complete is shorter.
  static constexpr std::size_t kKeyBytes = 18;

  struct Known {
    std::array<char, kMostBytes> bytes;
    std::size_t size = 0;
    HeadCheck check;
    std::vector<Header> fields;  // views into `bytes`
    HeadNote note;
  };
  static std::size_t slot_of(Bytes head);

  std::array<std::unique_ptr<Known>, kSlots> known_;
};

}  // namespace polyport::http

#include "core/net/outbox.h"

#include <cstring>

namespace polyport {

bool Outbox::add_piece(Bytes bytes) {
  bytes_ += bytes.size();
  if (count_ > 0) {
    // Bytes that follow the last piece in memory make it longer: sixteen small answers are one
    // piece.
    iovec& last = pieces_[count_ - 1];
    if (owners_[count_ - 1].empty() &&
        static_cast<const char*>(last.iov_base) + last.iov_len == bytes.data()) {
      last.iov_len += bytes.size();
      return true;
    }
  }
  pieces_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};
  return true;
}

bool Outbox::add_copy(Bytes bytes) {
  if (count_ == kPieces || bytes.size() > kScratchBytes - scratch_used_) return false;
  char* place = scratch_.get() + scratch_used_;
  std::memcpy(place, bytes.data(), bytes.size());
  scratch_used_ += bytes.size();
  return add_piece({place, bytes.size()});
}

bool Outbox::add_borrowed(Bytes bytes) {
  return count_ < kPieces && add_piece(bytes);
}

bool Outbox::add(const Payload& payload) {
  if (count_ == kPieces) return false;
  const Bytes bytes = payload.bytes();
  bytes_ += bytes.size();
  owners_[count_] = payload;
  pieces_[count_++] = {const_cast<char*>(bytes.data()), bytes.size()};
  return true;
}

}  // namespace polyport

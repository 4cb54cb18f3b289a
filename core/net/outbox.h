// Outbox: what one connection sends from inside its own callback, gathered so that it leaves in one
// system call when the callback returns.
//
// One a process. Bytes of the shared read buffer and payloads are taken from where they lie, others
// are copied into a scratch buffer; nothing is allocated.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>

#include "core/base/payload.h"

namespace polyport {

class Outbox {
 public:
  static constexpr std::size_t kPieces = 64;
  static constexpr std::size_t kScratchBytes = 64 * 1024;

  Outbox() : scratch_(std::make_unique_for_overwrite<char[]>(kScratchBytes)) {}

  // False where it does not fit; the caller empties the box and tries again, or sends `bytes`
  // itself.
  bool add_copy(Bytes bytes);
  // `bytes` stay valid until the box is emptied.
  bool add_borrowed(Bytes bytes);
  bool add(const Payload& payload);

  bool empty() const { return count_ == 0; }
  const iovec* pieces() const { return pieces_.data(); }
  std::size_t count() const { return count_; }
  std::size_t bytes() const { return bytes_; }
  // Hands what is left after `taken` bytes to `keep(Payload, cut)`, in order, and empties the box;
  // `cut` says that the beginning of that piece was taken.
  template <class Keep>
  void empty_into(std::size_t taken, Keep keep) {
    for (std::size_t i = 0; i < count_; ++i) {
      Bytes bytes{static_cast<const char*>(pieces_[i].iov_base), pieces_[i].iov_len};
      if (taken >= bytes.size()) {
        taken -= bytes.size();
      } else {
        if (taken == 0 && !owners_[i].empty()) {
          keep(std::move(owners_[i]), false);
        } else {
          keep(Payload::copy(bytes.substr(taken)), taken > 0);
        }
        taken = 0;
      }
      owners_[i] = Payload();
    }
    count_ = bytes_ = scratch_used_ = 0;
  }

 private:
  bool add_piece(Bytes bytes);

  std::array<iovec, kPieces> pieces_;
  std::array<Payload, kPieces> owners_;
  std::unique_ptr<char[]> scratch_;
  std::size_t scratch_used_ = 0;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace polyport

// Messages between processes of one program, and descriptors with them (unix(7), SCM_RIGHTS).
//
// As thin as core/socket/socket.h: the results are the kernel's, a negative number is -errno.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace polyport::sock {

// The kernel takes 253 (SCM_MAX_FD) in one message.
inline constexpr std::size_t kMostPassed = 200;

// Both ends of a channel that keeps messages apart (SOCK_SEQPACKET): non-blocking, close-on-exec.
int open_channel(std::array<int, 2>& ends);

bool is_channel(int fd);  // an end of one

// All of `bytes` and the descriptors, which stay the sender's, or nothing. At least one byte.
std::ptrdiff_t send_message(int fd, std::string_view bytes, std::span<const int> descriptors);
// One message; 0 where the other end is closed. Appends the descriptors that came with it, which
// are close-on-exec and the caller's. -EMSGSIZE where it was larger than `size`. `lost` where this
// process had no room for all of its descriptors: the bytes are whole, and the others are closed.
std::ptrdiff_t receive_message(int fd, char* buffer, std::size_t size,
                               std::vector<int>& descriptors, bool& lost);

}  // namespace polyport::sock

// Narrator: the life of a port in words, one sentence for each system call that made, changed or
// ended a socket, at the moment it happens (`polyport run --narrate`).
//
// A sentence is decided by the call, its result and its errno, and by what earlier calls did to the
// same descriptor; nothing is told that did not happen in this run.
#pragma once

#include <string>
#include <unordered_map>

#include "core/socket/socket.h"

namespace polyport {

class Narrator {
 public:
  // "bind(7, 127.0.0.1:10007) = 0            the kernel reserved port 10007 …\n"
  std::string tell(const sock::Call& call);

 private:
  struct Known {
    bool datagrams = false;
    bool listens = false;
    std::string family;  // "IPv4"
    std::string local;   // "127.0.0.1:10007"; empty before bind
    std::string peer;    // of an accepted connection
  };
  std::string sentence(const sock::Call& call);
  std::string failure(const sock::Call& call) const;
  std::string told_socket(const sock::Call& call);
  std::string told_option(const sock::Call& call) const;
  std::string told_bind(const sock::Call& call);
  std::string told_connect(const sock::Call& call);
  std::string told_accept(const sock::Call& call);
  std::string told_close(const sock::Call& call);

  std::unordered_map<int, Known> known_;  // by descriptor
};

}  // namespace polyport

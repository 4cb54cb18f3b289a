// Sockets that another process (systemd, by socket activation) has bound and passed to us: which
// listener each of them is for, and whether it is fit for it.
//
// A name decides ("web", or "web.irc" for one door of it); a name that is no service's says
// nothing, and then the address does. What is used is not bound again, and its file not removed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/host/instance.h"
#include "core/socket/socket.h"

namespace polyport {

class Inheritance {
 public:
  using Instances = std::span<const std::unique_ptr<Instance>>;

  // Takes over the descriptors: each goes to a port of one of the instances, or is closed.
  Inheritance(Instances instances, const std::vector<InheritedSocket>& sockets);

  // A socket that was meant for a service and does not fit, or that nobody can use.
  const Errors& errors() const { return errors_; }
  // Of sockets that fit no service, and were closed.
  const std::vector<std::string>& notes() const { return notes_; }

  // How well a socket fits a wanted target, from nothing to all. The best of several misfits is the
  // one worth telling.
  enum class Fit : std::uint8_t { kTransport, kFamily, kAddress, kPort, kMode, kAll };

 private:
  // For the port of one socket.
  struct Search {
    sock::Identity identity;
    std::string name;
    Instance* owner = nullptr;  // who the name names
    Instance* instance = nullptr;
    Port* port = nullptr;  // found
    Fit best = Fit::kTransport;
    std::string wrong = {};  // with the best misfit
  };

  void place(const InheritedSocket& socket);
  void look_in(Instance& instance, Search& search) const;
  void refuse(const InheritedSocket& socket, const Search& search);
  void give(const InheritedSocket& socket, Search& search);
  void add_error(const InheritedSocket& socket, std::string what, std::string hint);

  Instances instances_;
  Errors errors_;
  std::vector<std::string> notes_;
};

}  // namespace polyport

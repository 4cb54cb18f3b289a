// demo localhost: which address a server listens on, which one a client calls, and who meets whom:
// tried for every pair.
#include <algorithm>
#include <cerrno>

#include "app/commands/demo/demos.h"
#include "app/commands/demo/free_ports.h"
#include "core/ports/bind_rules.h"

namespace polyport::demo {
namespace {

constexpr milliseconds kConnectWait{2000};
constexpr std::size_t kHead = 18;
constexpr std::size_t kLongestLiteral = 15;  // "255.255.255.255"

// One socket of a server.
struct Listening {
  Address address;
  IPv6Mode mode = IPv6Mode::kOnly;
};
// What is written after `listen =`, and the sockets that it is.
struct Server {
  std::string name;
  std::vector<Listening> sockets;
};
// What is written after `connect`, and the addresses that are tried in turn.
struct Target {
  std::string name;
  std::vector<Address> addresses;
};

// Somebody else has this port on the address that was called.
constexpr int kSomebodyElse = -1;

std::string word(int answer) {
  if (answer == 0) return "reached";
  if (answer == ECONNREFUSED) return "refused";
  return answer == kSomebodyElse ? "another" : error_word(answer);
}

Address ip(std::string_view literal) {
  return Address::parse_ip(literal).value_or(Address());
}

bool covers(const Server& server, const Target& target) {
  return std::any_of(target.addresses.begin(), target.addresses.end(), [&](const Address& address) {
    return std::any_of(server.sockets.begin(), server.sockets.end(), [&](const Listening& socket) {
      return overlap(address, IPv6Mode::kOnly, socket.address, socket.mode).has_value();
    });
  });
}

class Localhost {
 public:
  Localhost(Stage& stage, Lab& lab) : stage_(stage), lab_(lab), families_(lab.families()) {}

  void show() {
    stage_.say(
        "A server listens on the address of the row. A client calls the one of the column, "
        "on the same port. Who is reached?");
    if (!loopback_works(stage_, lab_)) return;
    look_up();
    make_rows_and_columns();
    stage_.gap();
    stage_.line(heads());
    for (const Server& server : servers_) {
      if (!try_row(server)) return;
    }
    stage_.pause();
    tell_rows();
    tell_family();
  }

 private:
  void look_up() {
    const auto found = lab_.system_look_up("localhost");
    if (!found) {
      stage_.say("The resolver of this machine does not know localhost (" + found.error().what +
                 "). polyport takes it for 127.0.0.1 and [::1], as RFC 6761 says.");
    } else {
      std::vector<std::string> names;
      for (const Address& address : *found)
        names.push_back(address.family == Family::kIPv6 ? "[" + address.ip_text() + "]"
                                                        : address.ip_text());
      stage_.say("localhost is a name: the resolver of this machine says " + listed(names) + ".");
      localhost_ = *found;
    }
    std::erase_if(localhost_, [this](const Address& address) {
      return address.family == Family::kIPv6 && !families_.ipv6;
    });
  }

  void make_rows_and_columns() {
    const Address one = ip("127.0.0.1");
    const Address two = ip("127.0.0.2");
    const Address six = Address::loopback(Family::kIPv6);
    const Address every4 = Address::any(Family::kIPv4);
    const Address every6 = Address::any(Family::kIPv6);
    targets_ = {{"127.0.0.1", {one}}, {"127.0.0.2", {two}}};
    servers_ = {{"127.0.0.1", {{one}}}, {"127.0.0.2", {{two}}}};
    if (families_.ipv6) {
      targets_.push_back({"[::1]", {six}});
      servers_.push_back({"[::1]", {{six}}});
    } else {
      stage_.say("IPv6 is off on this machine: [::1] and [::] are left out.");
    }
    if (!localhost_.empty()) {
      targets_.push_back({"localhost", localhost_});
      Server named{"localhost", {}};
      for (const Address& address : localhost_)
        named.sockets.push_back({address});
      servers_.push_back(std::move(named));
    }
    servers_.push_back({"0.0.0.0", {{every4}}});
    if (families_.ipv6) servers_.push_back({"[::]", {{every6, IPv6Mode::kDualStack}}});
    for (const Address& address : lab_.network_addresses()) {
      if (address.family != Family::kIPv4) continue;
      network_ = address;
      targets_.push_back({address.ip_text(), {address}});
      return;
    }
  }

  std::string heads() const {
    std::string line = "listens on";
    line.resize(kHead, ' ');
    for (const Target& target : targets_)
      line += in_column(target, target.name);
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  }

  static std::string in_column(const Target& target, std::string text) {
    const bool is_long = target.name.size() > 9;
    text.resize(is_long ? kLongestLiteral + 1 : 11, ' ');
    return text;
  }

  // The sockets of a server on one port that nobody else has; empty where there is none.
  std::vector<Opened> open(const Server& server) {
    constexpr int kMostAttempts = 20;
    for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
      const std::uint16_t port = free_number(lab_);
      if (port == 0) break;
      std::vector<Opened> sockets;
      for (const Listening& wanted : server.sockets) {
        Wish wish{.address = wanted.address, .ipv6_mode = wanted.mode};
        wish.address.port = port;
        sockets.push_back(lab_.open(wish));
        if (!sockets.back().ok()) break;
      }
      if (sockets.back().ok()) return sockets;
      const Opened failed = sockets.back();
      sockets.pop_back();
      close(sockets);
      if (failed.error != EADDRINUSE) {
        stage_.has("socket on " + server.name, failed);
        return {};
      }
    }
    stage_.cannot("No port is free on every address, or none stays so");
    return {};
  }

  void close(const std::vector<Opened>& sockets) {
    for (const Opened& socket : sockets)
      lab_.close(socket.socket);
  }

  bool try_row(const Server& server) {
    const std::vector<Opened> sockets = open(server);
    if (sockets.empty()) return false;
    std::string line = server.name;
    line.resize(kHead, ' ');
    std::vector<int> row;
    for (const Target& target : targets_) {
      const int error = call(target, sockets);
      row.push_back(error);
      line += in_column(target, word(error));
    }
    close(sockets);
    line.erase(line.find_last_not_of(' ') + 1);
    stage_.line(line);
    answers_.push_back(std::move(row));
    return true;
  }

  // 0 where our server took the connection, else the answer of the first address.
  int call(const Target& target, const std::vector<Opened>& sockets) {
    int first_error = 0;
    for (Address address : target.addresses) {
      address.port = sockets.front().local.port;
      const Opened client = lab_.connect({.peer = address, .wait = kConnectWait});
      const bool reached = client.ok() && is_ours(client, sockets);
      lab_.reset(client.socket);
      if (reached) return 0;
      if (first_error == 0) first_error = client.ok() ? kSomebodyElse : client.error;
    }
    return first_error;
  }

  // Somebody else may have the port on another address.
  bool is_ours(const Opened& client, const std::vector<Opened>& sockets) {
    for (const Opened& listener : sockets) {
      const Opened taken =
          lab_.accept(listener.socket, milliseconds(sockets.size() == 1 ? 1000 : 50));
      if (!taken.ok()) continue;
      lab_.close(taken.socket);
      if (taken.peer == client.local) return true;
    }
    return false;
  }

  void tell_rows() {
    stage_.title("What that means");
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      std::vector<std::string> reached;
      std::vector<std::string> odd;
      for (std::size_t j = 0; j < targets_.size(); ++j) {
        const bool is_reached = answers_[i][j] == 0;
        if (is_reached) reached.push_back(targets_[j].name);
        if (is_reached != covers(servers_[i], targets_[j])) odd.push_back(targets_[j].name);
      }
      const std::string who = reached.empty() ? "nobody" : "whoever calls " + listed(reached);
      stage_.found(odd.empty(), servers_[i].name + " is reached by " + who + ".",
                   servers_[i].name + " is reached by " + who +
                       ". That is not what was expected for " + listed(odd) + ".");
    }
    tell_network();
  }

  int answer(std::string_view server, std::string_view target) const {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      for (std::size_t j = 0; j < targets_.size(); ++j) {
        if (servers_[i].name == server && targets_[j].name == target) return answers_[i][j];
      }
    }
    return ENOENT;
  }

  void tell_network() {
    stage_.gap();
    if (!network_) {
      stage_.say("This machine has no address but its loopback ones: nobody else could call.");
      return;
    }
    const std::string name = network_->ip_text();
    if (answer("0.0.0.0", name) == 0 && answer("127.0.0.1", name) == ECONNREFUSED) {
      stage_.say(name +
                 " is the address under which other machines know this one. What listens on "
                 "0.0.0.0 is reached there, what listens on 127.0.0.1 is not: that is the "
                 "difference between your machine and your network.");
    }
  }

  void tell_family() {
    if (!families_.ipv6) return;
    const bool apart = answer("127.0.0.1", "[::1]") == ECONNREFUSED &&
                       answer("[::1]", "127.0.0.1") == ECONNREFUSED;
    if (apart) {
      stage_.say(
          "127.0.0.1 and [::1] are two doors: a server on one is refused on the other. A "
          "client that calls localhost and knows both tries them in turn.");
    }
  }

  Stage& stage_;
  Lab& lab_;
  const Families families_;
  std::vector<Address> localhost_;
  std::optional<Address> network_;
  std::vector<Server> servers_;
  std::vector<Target> targets_;
  std::vector<std::vector<int>> answers_;  // by server, by target
};

}  // namespace

void show_localhost(Stage& stage, Lab& lab) {
  Localhost(stage, lab).show();
}

}  // namespace polyport::demo

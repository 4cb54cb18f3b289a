// Child: another process that this one has started, and how it ended. Boxed like Timer.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/loop/loop.h"

namespace polyport {

class Child {
 public:
  struct Program {
    std::string file;
    std::vector<std::string> arguments;  // the first is its name
  };
  // `signal` is 0 where it has left by itself.
  using OnExit = std::function<void(int exit_code, int signal)>;

  // The descriptor under which the child finds what `channel` is here.
  static constexpr int kChannel = 3;

  // Our environment, standard output and error are its own too; its standard input is /dev/null.
  // The errno where it cannot be started. `on_exit` comes once, and not after this object's end.
  static Expected<std::unique_ptr<Child>, int> start(Loop& loop, const Program& program,
                                                     int channel, OnExit on_exit);
  ~Child();  // leaves the process alone
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const;
  void signal(int number);

 private:
  struct Box;
  explicit Child(Box* box) : box_(box) {}
  Box* box_;
};

}  // namespace polyport

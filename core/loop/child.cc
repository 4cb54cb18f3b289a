#include "core/loop/child.h"

#include <unistd.h>

#include <array>

#include "core/loop/handle_box.h"

namespace polyport {

struct Child::Box : HandleBox<uv_process_t> {
  Box() : HandleBox(nullptr) {}

  static void exited(uv_process_t* native, std::int64_t exit_code, int signal) noexcept {
    auto* const box = static_cast<Box*>(static_cast<HandleBox*>(native->data));
    box->gone = true;
    const OnExit callback = std::move(box->on_exit);
    if (callback) callback(static_cast<int>(exit_code), signal);
  }

  void close_box() {
    on_exit = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* native) {
      delete static_cast<Box*>(static_cast<HandleBox*>(native->data));
    });
  }

  OnExit on_exit;
  bool gone = false;
};

namespace {

uv_stdio_container_t inherited(int fd) {
  uv_stdio_container_t entry{};
  entry.flags = UV_INHERIT_FD;
  entry.data.fd = fd;
  return entry;
}

}  // namespace

Expected<std::unique_ptr<Child>, int> Child::start(Loop& loop, const Program& program, int channel,
                                                   OnExit on_exit) {
  std::vector<char*> arguments;
  for (const std::string& argument : program.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::array<uv_stdio_container_t, kChannel + 1> descriptors{};
  descriptors[STDIN_FILENO].flags = UV_IGNORE;
  descriptors[STDOUT_FILENO] = inherited(STDOUT_FILENO);
  descriptors[STDERR_FILENO] = inherited(STDERR_FILENO);
  descriptors[kChannel] = inherited(channel);
  uv_process_options_t options{};
  options.file = program.file.c_str();
  options.args = arguments.data();
  options.stdio_count = static_cast<int>(descriptors.size());
  options.stdio = descriptors.data();
  options.exit_cb = Box::exited;
  auto* const box = new Box;
  box->on_exit = std::move(on_exit);
  // Where this fails the handle is one all the same, and must be closed.
  std::unique_ptr<Child> child(new Child(box));
  if (const int error = uv_spawn(loop.native(), &box->handle, &options); error != 0) {
    box->gone = true;
    return tl::unexpected(-error);
  }
  return child;
}

Child::~Child() {
  box_->close_box();
}

int Child::pid() const {
  return uv_process_get_pid(&box_->handle);
}

void Child::signal(int number) {
  if (!box_->gone) uv_process_kill(&box_->handle, number);
}

}  // namespace polyport

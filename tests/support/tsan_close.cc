// Lets ThreadSanitizer see the descriptors that libuv closes: it closes by the bare system call, of
// which the sanitizer knows nothing, and takes the next file of that number for the closed one, used
// by two threads. Empty without the sanitizer.
#if defined(__SANITIZE_THREAD__)

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>

extern "C" long syscall(long number, ...) noexcept {
  using Call = long (*)(long, long, long, long, long, long, long);
  static const Call next = reinterpret_cast<Call>(::dlsym(RTLD_NEXT, "syscall"));
  va_list given;
  va_start(given, number);
  long values[6];  // the most that a system call takes: syscall(2)
  for (long& value : values)
    value = va_arg(given, long);
  va_end(given);
  if (number == SYS_close) return ::close(static_cast<int>(values[0]));
  return next(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

#endif

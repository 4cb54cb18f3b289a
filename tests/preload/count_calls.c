// Counts the allocations and the socket calls of a program it is preloaded into (LD_PRELOAD), C
// libraries and all, in a file that a test maps too: POLYPORT_COUNTS names it.
//
// Where a sanitizer has malloc for itself (libasan before this library in LD_PRELOAD), its hooks are
// used instead; its mmap, send, sendmsg and recv call ours.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// The file, in this order, eight bytes each.
struct counts {
  _Atomic uint64_t allocations;
  _Atomic uint64_t maps;
  _Atomic uint64_t sends;
  _Atomic uint64_t receives;
};

static struct counts before_start;
static struct counts *counts = &before_start;

static void count(_Atomic uint64_t *counter) {
  atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

// --- allocations: glibc's own names for them need no dlsym, which allocates itself
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  count(&counts->allocations);
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count(&counts->allocations);
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
  count(&counts->allocations);
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  count(&counts->allocations);
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  void *const memory = memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}

// --- system calls
void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
  count(&counts->maps);
  return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  count(&counts->sends);
  return syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t send(int fd, const void *buffer, size_t size, int flags) {
  count(&counts->sends);
  return syscall(SYS_sendto, fd, buffer, size, flags, NULL, 0);
}

ssize_t recv(int fd, void *buffer, size_t size, int flags) {
  count(&counts->receives);
  return syscall(SYS_recvfrom, fd, buffer, size, flags, NULL, NULL);
}

// --- the start
typedef void (*malloc_hook)(const volatile void *, size_t);
typedef void (*free_hook)(const volatile void *);
__attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(malloc_hook, free_hook);

static void on_malloc(const volatile void *memory, size_t size) {
  (void)memory;
  (void)size;
  count(&counts->allocations);
}

static void on_free(const volatile void *memory) {
  (void)memory;
}

__attribute__((constructor)) static void start(void) {
  const char *const path = getenv("POLYPORT_COUNTS");
  if (path == NULL) return;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *const shared = (void *)syscall(SYS_mmap, NULL, sizeof(struct counts),
                                       PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (shared == MAP_FAILED) return;
  counts = shared;
  if (__sanitizer_install_malloc_and_free_hooks != NULL) {
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  }
}

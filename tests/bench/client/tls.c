// TLS, one connection after the other, each with a handshake, a request and a checked answer: `tls`.
// With --resume every handshake goes on with the session of the one before. Where more than one
// connection is asked for, so many are opened first and stay idle behind their first answer.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

static SSL_CTX *context;
static SSL_SESSION *session;
static struct answer answer;

__attribute__((noreturn)) static void tls_fail(const char *what) {
  char text[256] = "the connection ended";
  if (ERR_peek_error() != 0) ERR_error_string_n(ERR_get_error(), text, sizeof text);
  fail("%s: %s", what, text);
}

static int keep_session(SSL *ssl, SSL_SESSION *fresh) {
  (void)ssl;
  if (session != NULL) SSL_SESSION_free(session);
  session = fresh;
  return 1;
}

// A connection with its first answer behind it.
static SSL *exchange(void) {
  char data[16384];
  SSL *const ssl = SSL_new(context);
  const int fd = connect_tcp();
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  SSL_set_fd(ssl, fd);
  const int resumes = options.resume && session != NULL;
  if (resumes) SSL_set_session(ssl, session);
  if (SSL_connect(ssl) != 1) tls_fail("no handshake");
  if (resumes && !SSL_session_reused(ssl)) fail("the server does not resume sessions");
  if (SSL_write(ssl, options.request, (int)options.request_bytes) <= 0) tls_fail("SSL_write");
  size_t size = 0;
  struct answer this_one;
  while (!learn_answer(&this_one, data, size, 0)) {
    const int got = SSL_read(ssl, data + size, (int)(sizeof data - 1 - size));
    if (got <= 0) tls_fail("no whole answer");
    size += (size_t)got;
  }
  if (answer.bytes == NULL) {
    answer = this_one;
    return ssl;
  }
  if (size != answer.size) fail("an answer of %zu bytes instead of %zu", size, answer.size);
  check_answer(&answer, 0, data, size);
  free(this_one.bytes);
  return ssl;
}

static void end(SSL *ssl) {
  const int fd = SSL_get_fd(ssl);
  SSL_shutdown(ssl);
  SSL_free(ssl);
  close(fd);
}

static void open_all(void) {
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set1_groups_list(context, "X25519");
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  const int idle = options.connections > 1 ? options.connections : 0;
  for (int i = 0; i < idle; ++i)
    exchange();
  end(exchange());
}

static void run(uint64_t until_ns) {
  while (goes_on(until_ns)) {
    const uint64_t began = now_ns();
    SSL *const ssl = exchange();
    record_latency(now_ns() - began);
    ++tally.operations;
    end(ssl);
  }
}

const struct load tls_load = {"tls", open_all, run};

// /misbehave: answers that no server should give, for testing what clients and proxies make of
// them.
//
// Each is a fixed run of bytes and a way to end; docs/http_misbehave.md shows them to the byte, and
// a test compares. RFC 9112 and RFC 9110 name what is wrong with each.
#include <algorithm>
#include <array>
#include <utility>

#include "core/base/text.h"
#include "services/http/endpoints.h"
#include "services/http/timed_task.h"

namespace polyport::services::http {
namespace {

using In = RouteParameter::In;
using namespace std::chrono_literals;

// A good answer, cut, slowed and preceded below.
constexpr Bytes kGood =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 13\r\n"
    "Connection: close\r\n"
    "\r\n"
    "Hello, World!";

// --- fixed bytes ---------------------------------------------------------------------------------

enum class End : std::uint8_t {
  kFin,   // the connection is closed in an orderly way
  kHold,  // nothing more comes, and the connection stays open until the client leaves
};

struct Kind {
  std::string_view path;
  std::string_view summary;
  Bytes wire;
  End end = End::kFin;
};

constexpr Kind kKinds[] = {
    {"/misbehave/length-short", "Content-Length is 5, the body has 13 bytes",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nHello, World!"},
    {"/misbehave/length-long", "Content-Length is 100, the body has 13 bytes",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nHello, World!"},
    {"/misbehave/two-lengths", "two Content-Length headers that differ",
     "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Length: 5\r\n\r\nHello, World!"},
    {"/misbehave/bad-length", "a Content-Length that is no number",
     "HTTP/1.1 200 OK\r\nContent-Length: 13 bytes\r\n\r\nHello, World!"},
    {"/misbehave/both-framings", "Content-Length and chunked at once",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
     "d\r\nHello, World!\r\n0\r\n\r\n"},
    {"/misbehave/bad-chunk-size", "a chunk size that is no number",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nthirteen\r\nHello, World!\r\n0\r\n\r\n"},
    {"/misbehave/long-chunk", "a chunk with more bytes than its size says",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello, World!\r\n0\r\n\r\n"},
    {"/misbehave/no-last-chunk", "chunks without a last one",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\nHello, World!\r\n"},
    {"/misbehave/never", "no answer at all, ever", "", End::kHold},
    {"/misbehave/empty", "the connection is closed without an answer", ""},
    {"/misbehave/headers-only", "the head of an answer, and its body never comes",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n", End::kHold},
    {"/misbehave/head-unfinished", "a head without its empty line, and nothing more",
     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n", End::kHold},
    {"/misbehave/bad-status-line", "a status that is no number",
     "HTTP/1.1 two hundred\r\nContent-Length: 13\r\n\r\nHello, World!"},
    {"/misbehave/bad-version", "a version of HTTP that there is not",
     "HTTP/3.7 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!"},
    {"/misbehave/http09", "a body without any head, as in HTTP/0.9", "Hello, World!\n"},
    {"/misbehave/garbage", "bytes that are nothing at all",
     "\x16\x03\x01\x02\xff\xfe\x80\r\n\r\n\xc3\x28\r\n"},
    {"/misbehave/no-colon", "a header without a colon",
     "HTTP/1.1 200 OK\r\nX-Broken\r\nContent-Length: 13\r\n\r\nHello, World!"},
    {"/misbehave/blank-before-colon", "a blank between a header's name and its colon",
     "HTTP/1.1 200 OK\r\nContent-Length : 13\r\n\r\nHello, World!"},
    {"/misbehave/folded-header", "a header that goes on in the next line",
     "HTTP/1.1 200 OK\r\nX-Folded: one\r\n two\r\nContent-Length: 13\r\n\r\nHello, World!"},
    {"/misbehave/nul-in-header", "a NUL in the value of a header",
     Bytes("HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 13\r\n\r\nHello, World!", 64)},
    {"/misbehave/bare-lf", "lines that end in LF alone",
     "HTTP/1.1 200 OK\nContent-Length: 13\n\nHello, World!"},
    {"/misbehave/junk-first", "bytes before the status line",
     "oh, by the way\r\nHTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!"},
    {"/misbehave/junk-after", "bytes behind the end of the answer",
     "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!one more thing\r\n"},
    {"/misbehave/two-answers", "two answers to one request",
     "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!"
     "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEvil"},
    {"/misbehave/body-of-204", "a body where the status allows none",
     "HTTP/1.1 204 No Content\r\nContent-Length: 13\r\n\r\nHello, World!"},
};

// Holds the connection, silent, until the client has had enough.
class Silence final : public polyport::http::Task {
 public:
  using Task::Task;
};

void answer_fixed(Call& call, const Kind& kind) {
  Exchange& exchange = call.exchange();
  exchange.begin_raw();
  exchange.write(kind.wire);
  if (kind.end == End::kFin) return exchange.end();
  polyport::http::Task::start(std::make_unique<Silence>(exchange));
}

template <std::size_t Index>
void fixed(Call& call) {
  answer_fixed(call, kKinds[Index]);
}

// --- cut and reset -------------------------------------------------------------------------------

void cut(Call& call) {
  const auto count = call.path_number("n", 0, static_cast<std::int64_t>(kGood.size()));
  if (!count) return;
  call.exchange().begin_raw();
  call.exchange().write(kGood.substr(0, static_cast<std::size_t>(*count)));
  call.exchange().end();
}

// What was written must have left before the RST, which would take the rest with it.
class Reset final : public TimedTask {
 public:
  explicit Reset(Call& call) : TimedTask(call) { wake_in(50ms); }

 private:
  void on_time() override { exchange().connection().reset(); }
};

void reset(Call& call) {
  const auto count = call.path_number("n", 0, static_cast<std::int64_t>(kGood.size()));
  if (!count) return;
  call.exchange().begin_raw();
  call.exchange().write(kGood.substr(0, static_cast<std::size_t>(*count)));
  polyport::http::Task::start(std::make_unique<Reset>(call));
}

// --- slow and large ------------------------------------------------------------------------------

class ByteByByte final : public PacedTask {
 public:
  ByteByByte(Call& call, std::chrono::nanoseconds duration)
      : PacedTask(call, {.duration = duration, .count = kGood.size(), .batch = kGood.size()}) {}

 private:
  void begin() override { exchange().begin_raw(); }
  bool has_body() override { return true; }
  void write(std::uint64_t first, std::uint64_t count) override {
    exchange().write(kGood.substr(first, count));
  }
};

void slow(Call& call) {
  const auto duration = call.duration("duration", 2s);
  if (duration) PacedTask::start(std::make_unique<ByteByByte>(call, *duration));
}

// The same piece many times between a start and an end.
class Repeated final : public PacedTask {
 public:
  Repeated(Call& call, std::uint64_t count, std::string start, std::string piece, std::string last)
      : PacedTask(call, {.count = count}),
        start_(std::move(start)),
        piece_(std::move(piece)),
        last_(std::move(last)) {}

 private:
  void begin() override {
    exchange().begin_raw();
    exchange().write(start_);
  }
  bool has_body() override { return true; }
  void write(std::uint64_t, std::uint64_t count) override {
    for (std::uint64_t i = 0; i < count; ++i)
      exchange().write(piece_);
  }
  void end() override {
    exchange().write(last_);
    exchange().end();
  }
  std::string start_, piece_, last_;
};

void informational(Call& call) {
  const auto count = call.number("count", 100, 1, 100'000);
  if (!count) return;
  const auto code = call.number("code", 102, 100, 199);
  if (!code) return;
  PacedTask::start(std::make_unique<Repeated>(
      call, static_cast<std::uint64_t>(*count), "",
      "HTTP/1.1 " + std::to_string(*code) + " Please Wait\r\n\r\n", std::string(kGood)));
}

void huge_headers(Call& call) {
  const auto count = call.number("count", 1000, 1, 100'000);
  if (!count) return;
  const auto size = call.number("size", 1000, 0, 1'000'000);
  if (!size) return;
  if (*count * *size > 100'000'000) {
    return call.error(400, "count times size: it is more than 100000000 bytes");
  }
  const std::string header =
      "X-Large: " + std::string(static_cast<std::size_t>(*size), 'x') + "\r\n";
  PacedTask::start(std::make_unique<Repeated>(call, static_cast<std::uint64_t>(*count),
                                              "HTTP/1.1 200 OK\r\n", header,
                                              "Content-Length: 13\r\n\r\nHello, World!"));
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kCount[] = {
    {.name = "n",
     .in = In::kPath,
     .type = "integer",
     .help = "bytes of the whole answer, head and all, that are sent: 0 to 97"}};
static_assert(kGood.size() == 97);
constexpr RouteParameter kSlow[] = {
    {.name = "duration", .fallback = "2s", .help = "of all 97 bytes, up to max_duration"}};
constexpr RouteParameter kInformational[] = {
    {.name = "count", .type = "integer", .fallback = "100", .help = "1 to 100000"},
    {.name = "code", .type = "integer", .fallback = "102", .help = "100 to 199"}};
constexpr RouteParameter kHuge[] = {
    {.name = "count", .type = "integer", .fallback = "1000", .help = "headers, 1 to 100000"},
    {.name = "size",
     .type = "integer",
     .fallback = "1000",
     .help = "of each, 0 to 1000000; together at most 100000000"}};

constexpr Route kOthers[] = {
    {"*", "/misbehave/cut/{n}", "a good answer that ends after n bytes", cut, kCount,
     "/misbehave/cut/90"},
    {"*", "/misbehave/reset/{n}", "a good answer with a RST after n bytes", reset, kCount,
     "/misbehave/reset/90"},
    {"*", "/misbehave/slow", "a good answer, byte by byte", slow, kSlow},
    {"*", "/misbehave/informational", "many 1xx before the answer", informational, kInformational},
    {"*", "/misbehave/huge-headers", "more header than anybody wants", huge_headers, kHuge},
};

template <std::size_t... Index>
constexpr auto all_routes(std::index_sequence<Index...>) {
  std::array<Route, sizeof...(Index) + std::size(kOthers)> routes = {
      Route{"*", kKinds[Index].path, kKinds[Index].summary, fixed<Index>}...};
  std::copy(std::begin(kOthers), std::end(kOthers), routes.begin() + sizeof...(Index));
  return routes;
}

}  // namespace

std::span<const Route> misbehave_routes() {
  static constexpr auto kRoutes = all_routes(std::make_index_sequence<std::size(kKinds)>());
  return kRoutes;
}

}  // namespace polyport::services::http

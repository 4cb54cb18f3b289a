// Whose turn it is: round robin over upstreams that answer and some that do not.
#include "services/forward/upstreams.h"

#include "services/forward/own_listeners.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::services::forward;
using namespace std::chrono_literals;

namespace {

Upstreams three(std::chrono::milliseconds fail_timeout = 10s) {
  Upstreams upstreams(fail_timeout);
  for (int i = 0; i < 3; ++i) {
    Upstream upstream;
    upstream.id = "fwd.upstream." + std::to_string(i);
    upstream.endpoint = *parse_endpoint("127.0.0.1:" + std::to_string(9000 + i));
    upstreams.add(std::move(upstream));
  }
  return upstreams;
}

using Order = std::vector<std::uint16_t>;

// As they are tried.
Order order(Upstreams& upstreams, std::uint64_t now_ms) {
  Order order = upstreams.next_order(now_ms);
  return {order.rbegin(), order.rend()};
}

}  // namespace

TEST_CASE("each client begins one further on") {
  Upstreams upstreams = three();
  CHECK(order(upstreams, 0) == Order{0, 1, 2});
  CHECK(order(upstreams, 0) == Order{1, 2, 0});
  CHECK(order(upstreams, 0) == Order{2, 0, 1});
  CHECK(order(upstreams, 0) == Order{0, 1, 2});
}

TEST_CASE("one that failed is asked last, and does not give its share to its neighbour") {
  Upstreams upstreams = three();
  CHECK(upstreams.failed(1, "down", 1'000));
  CHECK_FALSE(upstreams.failed(1, "down", 1'000));  // no news
  CHECK(order(upstreams, 1'000) == Order{0, 2, 1});
  CHECK(order(upstreams, 1'000) == Order{2, 0, 1});
  CHECK(order(upstreams, 1'000) == Order{0, 2, 1});
  CHECK(order(upstreams, 10'999) == Order{2, 0, 1});
  // Its time is over: it has its turn again.
  CHECK(order(upstreams, 11'000) == Order{0, 1, 2});
  CHECK(order(upstreams, 11'000) == Order{1, 2, 0});
}

TEST_CASE("an upstream that answers is in its place again") {
  Upstreams upstreams = three();
  CHECK_FALSE(upstreams.answered(0));  // as everybody expected
  upstreams.failed(0, "down", 1'000);
  CHECK(upstreams.answered(0));
  CHECK(order(upstreams, 1'000) == Order{0, 1, 2});
  CHECK(upstreams[0].error.empty());
}

TEST_CASE("where all have failed, who failed first is asked first") {
  Upstreams upstreams = three();
  upstreams.failed(2, "c", 1'000);
  upstreams.failed(0, "a", 2'000);
  CHECK(upstreams.trouble().empty());
  upstreams.failed(1, "b", 3'000);
  CHECK(order(upstreams, 4'000) == Order{2, 0, 1});
  CHECK(upstreams.trouble() == "a; b; c");
}

TEST_CASE("fail_timeout = 0s passes nobody over") {
  Upstreams upstreams = three(0s);
  upstreams.failed(0, "down", 1'000);
  CHECK(order(upstreams, 1'000) == Order{0, 1, 2});
}

TEST_CASE("what leads back to where it came from, by its words") {
  const auto back = [](const char* upstream, const char* listen) {
    return leads_back(*parse_endpoint(upstream), *parse_endpoint(listen));
  };
  CHECK(back("127.0.0.1:80", "127.0.0.1:80"));
  CHECK(back("localhost:80", "127.0.0.1:80"));
  CHECK(back("127.0.0.1:80", "localhost:80"));
  CHECK(back("[::1]:80", "localhost:80"));
  CHECK(back("localhost:80", "LOCALHOST:80"));
  CHECK(back("127.0.0.1:80", "*:80"));
  CHECK(back("127.0.0.2:80", "0.0.0.0:80"));
  CHECK(back("localhost:85", "*:80-90"));
  CHECK(back("unix:/run/x", "unix:/run/x"));
  CHECK(back("db.example:80", "db.example:80"));
  CHECK_FALSE(back("127.0.0.1:81", "127.0.0.1:80"));
  CHECK_FALSE(back("127.0.0.2:80", "127.0.0.1:80"));
  CHECK_FALSE(back("127.0.0.2:80", "localhost:80"));
  CHECK_FALSE(back("udp://127.0.0.1:80", "127.0.0.1:80"));
  CHECK_FALSE(back("192.0.2.1:80", "*:80"));  // another machine's, for all the words say
  CHECK_FALSE(back("[::1]:80", "0.0.0.0:80"));
  CHECK_FALSE(back("127.0.0.1:0", "127.0.0.1:0"));
}

// Which route answers a path, with what parameters, and what happens where none does.
#include "core/http/router.h"
#include "core/http/task.h"

#include <string>

#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

namespace {

// An exchange without a connection: keeps what it is answered.
struct FakeExchange final : Exchange {
  using Exchange::respond;
  explicit FakeExchange(Bytes method, Bytes path) {
    view.method = method;
    view.path = view.target = path;
  }
  const Request& request() const override { return view; }
  Connection& connection() override { std::abort(); }
  void respond(int code, std::span<const Header> headers, Bytes content) override {
    status = code;
    body = content;
    for (const Header& header : headers) {
      if (header.name == "Allow") allow = header.value;
    }
  }
  void respond_error(int code, Bytes detail, std::span<const Header> headers) override {
    respond(code, headers, detail);
  }
  void begin(int, std::span<const Header>, std::optional<std::uint64_t>) override {}
  void write(Bytes) override {}
  void end(std::span<const Header>) override {}
  bool congested() const override { return false; }
  void begin_raw() override {}
  void record_wire() override {}
  void force(int, Bytes) override {}
  void upgrade(std::span<const Header>, StreamHandler&, void*) override {}
  void keep() override { kept = true; }
  void pause_body() override {}
  void resume_body() override {}
  void* state() const override { return state_; }
  void set_state(void* state) override { state_ = state; }

  Request view;
  int status = 0;
  bool kept = false;
  void* state_ = nullptr;
  std::string body, allow;
};

Router::Action says(std::string text) {
  return
      [text](Exchange& exchange, const Parameters&) { exchange.respond(200, "text/plain", text); };
}

FakeExchange ask(Router& router, Bytes method, Bytes path) {
  FakeExchange exchange(method, path);
  router.on_head(exchange);
  if (exchange.status == 0) router.on_request(exchange);
  return exchange;
}

std::string answer(Router& router, Bytes path, Bytes method = "GET") {
  const FakeExchange exchange = ask(router, method, path);
  return exchange.status == 200 ? exchange.body : std::to_string(exchange.status);
}

}  // namespace

TEST_CASE("a literal path is matched as a whole") {
  Router router;
  router.add("GET", "/", says("root"));
  router.add("GET", "/plain", says("plain"));
  CHECK(answer(router, "/") == "root");
  CHECK(answer(router, "/plain") == "plain");
  CHECK(answer(router, "/%70l%61in") == "plain");
  CHECK(answer(router, "/plain/") == "404");
  CHECK(answer(router, "/Plain") == "404");
  CHECK(answer(router, "/plai") == "404");
  CHECK(answer(router, "//plain") == "404");
  CHECK(answer(router, "/x/../plain") == "404");
}

TEST_CASE("parameters are typed") {
  Router router;
  router.add("GET", "/status/{code:int}", [](Exchange& exchange, const Parameters& parameters) {
    exchange.respond(200, "", std::to_string(parameters.number("code")));
  });
  router.add("GET", "/links/{n:int}/{name}", [](Exchange& exchange, const Parameters& parameters) {
    exchange.respond(200, "", parameters.text("n") + "|" + parameters.text("name"));
  });
  router.add("GET", "/files/{rest:path}", [](Exchange& exchange, const Parameters& parameters) {
    exchange.respond(200, "", parameters.raw("rest"));
  });
  CHECK(answer(router, "/status/418") == "418");
  CHECK(answer(router, "/status/99999999999999999999") == "9223372036854775807");
  CHECK(answer(router, "/status/") == "404");
  CHECK(answer(router, "/status/-1") == "404");
  CHECK(answer(router, "/status/4x") == "404");
  CHECK(answer(router, "/status/418/") == "404");
  CHECK(answer(router, "/status") == "404");
  CHECK(answer(router, "/links/3/a%20b%2Fc") == "3|a b/c");
  CHECK(answer(router, "/links/3//") == "404");
  CHECK(answer(router, "/files/a/b%2Fc//d") == "a/b%2Fc//d");
  CHECK(answer(router, "/files/").empty());
  CHECK(answer(router, "/files") == "404");
}

TEST_CASE("the route added first answers") {
  Router router;
  router.add("GET", "/a/b", says("literal"));
  router.add("GET", "/a/{x}", says("any"));
  CHECK(answer(router, "/a/b") == "literal");
  CHECK(answer(router, "/a/c") == "any");
}

TEST_CASE("the order holds among many routes, whatever they begin with") {
  Router router;
  for (int i = 0; i < 100; ++i)
    router.add("GET", "/early" + std::to_string(i), says("early"));
  router.add("GET", "/{name}", says("any"));
  router.add("GET", "/{name}/{rest:path}", says("deep"));
  for (int i = 0; i < 100; ++i)
    router.add("GET,POST", "/late" + std::to_string(i), says("late"));
  for (int i = 0; i < 100; ++i) {
    const std::string number = std::to_string(i);
    CHECK(answer(router, "/early" + number) == "early");
    CHECK(answer(router, "/late" + number) == "any");
    CHECK(answer(router, "/late" + number, "POST") == "late");
    CHECK(answer(router, "/early" + number + "/x") == "deep");
  }
}

TEST_CASE("what one router has noted is not taken for the route of another") {
  Router inner, outer;
  inner.add("GET", "/a/{x}", [](Exchange& exchange, const Parameters& parameters) {
    exchange.respond(200, "", "inner " + parameters.text("x"));
  });
  outer.add("GET", "/a/{rest:path}", inner);
  CHECK(answer(outer, "/a/b") == "inner b");
}

TEST_CASE("methods: HEAD goes to GET, others get 405 with Allow (RFC 9110 section 15.5.6)") {
  Router router;
  router.add("GET", "/a", says("get"));
  router.add("POST, PUT", "/a", says("post"));
  router.add("*", "/any", says("any"));
  CHECK(answer(router, "/a", "HEAD") == "get");
  CHECK(answer(router, "/a", "PUT") == "post");
  CHECK(answer(router, "/any", "BREW") == "any");
  CHECK(answer(router, "/any", "OPTIONS") == "any");
  CHECK(answer(router, "/a", "get") == "405");
  const FakeExchange refused = ask(router, "DELETE", "/a");
  CHECK(refused.status == 405);
  CHECK(refused.allow == "GET, HEAD, POST, PUT, OPTIONS");
  const FakeExchange options = ask(router, "OPTIONS", "/a");
  CHECK(options.status == 204);
  CHECK(options.allow == "GET, HEAD, POST, PUT, OPTIONS");
  CHECK(ask(router, "OPTIONS", "*").status == 204);
  CHECK(ask(router, "OPTIONS", "/none").status == 404);
}

TEST_CASE("a request without a route is answered before its body is asked for") {
  Router router;
  router.add("GET", "/a", says("a"));
  FakeExchange exchange("POST", "/none");
  exchange.view.has_body = true;
  router.on_head(exchange);
  CHECK(exchange.status == 404);
}

TEST_CASE("below a prefix, and nowhere else") {
  Router router;
  router.set_prefix("/a/b");
  router.add("GET", "/", says("root"));
  router.add("GET", "/plain", says("plain"));
  router.add("GET", "/x/{rest:path}", [](Exchange& exchange, const Parameters& parameters) {
    exchange.respond(200, "", parameters.text("rest"));
  });
  CHECK(answer(router, "/a/b/plain") == "plain");
  CHECK(answer(router, "/%61/b/plain") == "plain");
  CHECK(answer(router, "/a/b/") == "root");
  CHECK(answer(router, "/a/b") == "root");
  CHECK(answer(router, "/a/b/x/y%2Fz") == "y/z");
  CHECK(answer(router, "/plain") == "404");
  CHECK(answer(router, "/a/bplain") == "404");
  CHECK(answer(router, "/a/b/a/b/plain") == "404");
  CHECK(ask(router, "POST", "/a/b/plain").allow == "GET, HEAD, OPTIONS");
}

TEST_CASE("the methods of a path can be asked for") {
  Router router;
  router.add("GET", "/a", says("get"));
  router.add("POST", "/a", says("post"));
  router.add("*", "/any", says("any"));
  const auto allowed = [&](Bytes path) {
    return router.allowed_methods(FakeExchange("GET", path).view);
  };
  CHECK(allowed("/a") == "GET, HEAD, POST, OPTIONS");
  CHECK(allowed("/any").empty());
  CHECK(allowed("/none").empty());
}

TEST_CASE("a task of an action hears what its exchange does, and ends with it") {
  struct Echo final : Task {
    Echo(Exchange& exchange, int& heard, int& freed)
        : Task(exchange), heard_(heard), freed_(freed) {}
    ~Echo() override { ++freed_; }
    void on_writable() override {
      if (++heard_ == 2) finish();
    }
    int& heard_;
    int& freed_;
  };
  int heard = 0, freed = 0;
  Router router;
  router.add("GET", "/late", [&](Exchange& exchange, const Parameters&) {
    Task::start(std::make_unique<Echo>(exchange, heard, freed));
  });
  FakeExchange finished("GET", "/late");
  router.on_request(finished);
  CHECK(finished.kept);
  router.on_writable(finished);
  CHECK(freed == 0);
  router.on_writable(finished);
  CHECK(freed == 1);
  CHECK(finished.state_ == nullptr);
  router.on_writable(finished);
  router.on_abort(finished);
  CHECK((heard == 2 && freed == 1));
  FakeExchange aborted("GET", "/late");
  router.on_request(aborted);
  router.on_abort(aborted);
  CHECK(freed == 2);
  CHECK(aborted.state_ == nullptr);
}

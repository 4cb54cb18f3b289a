// Services named on the command line become a configuration text.
#include "app/source.h"

#include "app/configuration.h"
#include "app/state_dir.h"
#include "core/ports/endpoint.h"
#include "tests/support/catch.h"

using polyport::ad_hoc_source;
using polyport::Source;

TEST_CASE("services on the command line are written as a configuration") {
  const Source source = ad_hoc_source({"echo:7777", "http@web:127.0.0.1:80", "echo:udp://*:7777"});
  CHECK(source.errors.empty());
  CHECK(source.text ==
        "[health]\nenabled = false\n"
        "[admin]\nenabled = false\n"
        "[services.echo]\ntype = \"echo\"\nlisten = [\n\"7777\",\n\"udp://*:7777\",\n]\n"
        "[services.web]\ntype = \"http\"\nlisten = [\n\"127.0.0.1:80\",\n]\n");
}

TEST_CASE("health is off unless it is named") {
  const Source source = ad_hoc_source({"health:0"});
  CHECK(source.text == "[admin]\nenabled = false\n[health]\nlisten = [\n\"0\",\n]\n");
}

TEST_CASE("an endpoint cannot leave its quotes") {
  const Source source = ad_hoc_source({"echo:\"]\nx = 1\\"});
  CHECK(source.text.find("\"\\\"]\\nx = 1\\\\\",\n") != std::string::npos);
}

TEST_CASE("an error of the text is shown at the argument it came from") {
  const Source source = ad_hoc_source({"echo:1", "http:99999"});
  CHECK(source.named_place("command line:12:1") == "http:99999");
  CHECK(source.named_place("command line:1:1") == "command line:1:1");  // a line of ours
  CHECK(source.named_place("command line:99:1") == "command line:99:1");
  CHECK(source.named_place("demo:1:1") == "demo:1:1");
}

TEST_CASE("what is no service, and one name for two types, are errors that say what to write") {
  const Source nothing = ad_hoc_source({"echo:1", "no service"});
  REQUIRE(nothing.errors.size() == 1);
  CHECK(nothing.errors[0].what == "\"no service\" is no service");
  const Source twice = ad_hoc_source({"echo@x:1", "http@x:2"});
  REQUIRE(twice.errors.size() == 1);
  CHECK(twice.errors[0].where == "http@x:2");
}

TEST_CASE("an offset moves ports from 1024 up and nothing else") {
  const auto moved = [](const char* text, int offset) {
    const auto endpoint = polyport::parse_endpoint(text);
    REQUIRE(endpoint.has_value());
    return polyport::shifted(*endpoint, offset);
  };
  CHECK(moved("localhost:1024", 100)->text() == "tcp://localhost:1124");
  CHECK(moved("localhost:1023", 100)->text() == "tcp://localhost:1023");
  CHECK(moved("localhost:0", 100)->text() == "tcp://localhost:0");
  CHECK(moved("localhost:9000-9009/3", 5)->text() == "tcp://localhost:9005-9014/3");
  CHECK(moved("unix:///run/x", 100)->text() == "unix:///run/x");
  CHECK(moved("localhost:65435", 100)->text() == "tcp://localhost:65535");
  CHECK(moved("localhost:65436", 100).error().hint == "the largest offset here is 99");
  CHECK(!moved("localhost:1020-1030", 1).has_value());
}

// Who was the limit: the verdict of measure from figures, and the figures from what a server says.
#include "app/commands/measure/load_sample.h"
#include "app/commands/measure/thread_times.h"
#include "app/commands/measure/verdict.h"
#include "core/host/load_status.h"
#include "core/net/loop_load.h"
#include "tests/support/catch.h"

namespace polyport::measure {
namespace {

Figures figures(double busy, double tool_wanted) {
  Figures made;
  made.target.now_ns = 10'000'000'000;
  made.target.busy_ns = static_cast<std::uint64_t>(busy * 10'000'000'000);
  made.target.segments = 1'000'000;
  made.seen.queue_limit = 128;
  made.tool.busiest_wanted = made.tool.busiest_used = tool_wanted;
  return made;
}

TEST_CASE("the verdict names who was busy all the time") {
  CHECK(judge(figures(0.97, 0.3)).limit == Limit::kTarget);
  CHECK(judge(figures(0.97, 0.3)).text ==
        "the target was the limit: its loop was busy 97 % of the time");
  CHECK(judge(figures(0.2, 0.99)).limit == Limit::kTool);
  CHECK(judge(figures(0.9, 0.99)).limit == Limit::kBoth);
  CHECK(judge(figures(0.2, 0.3)).limit == Limit::kNone);
}

TEST_CASE("of what was over at once nothing is said but what was counted") {
  Figures brief = figures(0.97, 0.99);
  brief.target.now_ns = brief.target.busy_ns = 6'000'000;
  CHECK(judge(brief).limit == Limit::kTooShort);
  brief.target.refused["limit_connections"] = 1;
  CHECK(judge(brief).limit == Limit::kTarget);
  CHECK(name(Limit::kTooShort) == "too_short");
}

TEST_CASE("a full accept queue, a limit and lost descriptors are the target's") {
  Figures full = figures(0.2, 0.3);
  full.target.listen_overflows = 3;
  CHECK(judge(full).limit == Limit::kNone);  // another program's, for all that was seen
  full.seen.queue = 100;
  CHECK(judge(full).limit == Limit::kTarget);
  full = figures(0.2, 0.3);
  full.seen.queue = 128;
  full.seen.fullest = "web.main.0";
  CHECK(judge(full).text == "the target was the limit: the accept queue of web.main.0 was full");
  full = figures(0.2, 0.3);
  full.target.refused["limit_rate"] = 1;
  CHECK(judge(full).limit == Limit::kTarget);
  full = figures(0.2, 0.3);
  full.target.descriptor_bursts = 1;
  CHECK(judge(full).limit == Limit::kTarget);
}

TEST_CASE("whoever may not come does not make the target full") {
  Figures turned_away = figures(0.2, 0.3);
  turned_away.target.refused = {{"denied", 40}, {"limit_address", 3}};
  CHECK(turned_away.target.refused_in_all() == 43);
  CHECK(judge(turned_away).limit == Limit::kNone);
  turned_away.target.refused["made_room"] = 2;
  CHECK(judge(turned_away).text ==
        "the target was the limit: it was full, as its limits say, and refused connections or let "
        "them wait 2 times");
}

TEST_CASE("the network is blamed for the target's own connections only") {
  Figures lossy = figures(0.2, 0.3);
  lossy.target.segments_again = 500'000;  // of the whole machine
  lossy.seen.looks = 64;
  lossy.seen.lossy_looks = 3;
  CHECK(judge(lossy).limit == Limit::kNone);
  lossy.seen.lossy_looks = 32;
  CHECK(judge(lossy).limit == Limit::kNetwork);
  lossy.tool.busiest_wanted = 1;
  CHECK(judge(lossy).limit == Limit::kTool);
}

TEST_CASE("what was sent again long ago is no loss of this look") {
  LoadSample look;
  look.sent_again = {{"1-1", 5}, {"2-1", 0}};
  look.sent_again_all = true;
  Seen seen(look);
  for (int i = 0; i < 10; ++i)
    seen.add(look);
  CHECK(seen.looks == 20);
  CHECK(seen.lossy_looks == 0);
  look.sent_again = {{"1-1", 6}, {"2-1", 0}, {"3-1", 1}};
  seen.add(look);
  CHECK(seen.looks == 23);
  CHECK(seen.lossy_looks == 2);  // one more, and one of a connection that was not there before
  look.sent_again = {{"1-1", 2}};
  seen.add(look);
  CHECK(seen.lossy_looks == 2);  // another process's, of the same name
}

TEST_CASE("of a connection that may have been there before, the first look says nothing") {
  LoadSample look;
  look.sent_again = {{"1-1", 0}};
  look.sent_again_all = false;
  Seen seen(look);
  look.sent_again = {{"1-1", 0}, {"2-1", 7}};
  seen.add(look);
  CHECK(seen.looks == 1);
  CHECK(seen.lossy_looks == 0);
  look.sent_again["2-1"] = 8;
  seen.add(look);
  CHECK(seen.looks == 3);
  CHECK(seen.lossy_looks == 1);
}

TEST_CASE("who gets no processor is told so") {
  Figures starved = figures(0.97, 0.1);
  starved.target.loop_queued_ns = 5'000'000'000;
  CHECK(judge(starved).text.find("waited for a processor 50 %") != std::string::npos);
  starved = figures(0.1, 0.99);
  starved.tool.busiest_used = 0.4;
  CHECK(judge(starved).text.find("was given one 40 %") != std::string::npos);
}

constexpr std::uint64_t kMs = 1'000'000;

TEST_CASE("a thread is as busy as it was in all the time, not in its own") {
  ThreadTimes times;
  std::uint64_t now = 7'000 * kMs, ran = 0;
  for (int look = 0; look <= 100; ++look) {
    times.look(now);
    times.see(1, {.ran = 900 * kMs + ran / 4, .queued = 0});  // 900 ms before anybody looked
    if (look >= 20 && look < 30) times.see(2, {.ran = ran += 100 * kMs, .queued = 10 * kMs});
    if (look >= 50 && look < 53) times.see(2, {.ran = 90 * kMs, .queued = 0});  // another thread
    now += 100 * kMs;
  }
  CHECK(times.busiest_used() == 0.1);
  CHECK(times.busiest_wanted() == 0.101);
}

TEST_CASE("a thread that waits for a processor wants one") {
  ThreadTimes times;
  for (std::uint64_t look = 1; look <= 11; ++look) {
    times.look(look * 100 * kMs);
    times.see(1, {.ran = look * 30 * kMs, .queued = look * 65 * kMs});
  }
  CHECK(times.busiest_used() == 0.3);
  CHECK(times.busiest_wanted() == 0.95);
  ThreadTimes brief;
  brief.look(100 * kMs);
  brief.see(1, {.ran = 0, .queued = 0});
  brief.look(200 * kMs);
  brief.see(1, {.ran = 100 * kMs, .queued = 0});
  CHECK(brief.busiest_wanted() == 0);
}

constexpr const char* kPage =
    R"({"pid":7,"now_ns":1000,"busy_ns":400,"long_turns_ns":[[4000063,2]],"answers_one_of":32,
"answers_ns":[[100,3],[200,1]],"loop_cpu_ns":300,"loop_queued_ns":10,"descriptor_bursts_total":0,
"connections_sent_again":{"3-1":2,"4-1":0},"connections_sent_again_all":true,"kernel":{"listen_overflows_total":1,"listen_drops_total":2,"segments_out_total":50,
"segments_retransmitted_total":1,"somaxconn":100},"services":[
{"name":"web","internal":false,"requests_total":40,"closed_total":{"reset_by_peer":2,"finished":9},
"listeners":[{"id":"web.main.0","transport":"tcp","accepted_total":11,"refused_total":{"denied":1},
"accept_queue":5,"backlog":511,"bytes_in":6,"bytes_out":7},
{"id":"web.main.1","transport":"udp","accepted_total":3}]},
{"name":"admin","internal":true,"requests_total":1000,"listeners":[]}]})";

TEST_CASE("a page of the admin is read, without the pages' own traffic") {
  const auto sample = LoadSample::parse(kPage);
  REQUIRE(sample);
  CHECK(sample->requests == 40);
  CHECK(sample->accepted == 11);
  CHECK(sample->datagrams == 3);
  CHECK(sample->refused_in_all() == 1);
  CHECK(sample->resets == 2);
  CHECK(sample->sent_again.at("3-1") == 2);
  CHECK(sample->sent_again_all);
  CHECK(sample->queue == 5);
  CHECK(sample->queue_limit == 100);  // somaxconn is below the backlog
  CHECK(sample->answers.count() == 4);
  CHECK(sample->listen_overflows == 1);
}

TEST_CASE("what lies between two pages, and what is no pair of pages") {
  const auto before = LoadSample::parse(kPage);
  auto after = *before;
  after.now_ns += 500;
  after.requests += 60;
  after.refused["limit_memory"] = 2;
  after.answers.record(300);
  const auto between = after.since(*before);
  REQUIRE(between);
  CHECK(between->now_ns == 500);
  CHECK(between->requests == 60);
  CHECK(between->accepted == 0);
  CHECK(between->refused_in_all() == 2);
  CHECK(between->answers.count() == 1);
  CHECK_FALSE(before->since(after));  // backwards
  after.refused.erase("denied");
  CHECK_FALSE(after.since(*before));
  after = *before;
  after.now_ns += 500;
  after.pid = 8;
  CHECK_FALSE(after.since(*before));
}

TEST_CASE("somebody else's page is no page") {
  for (const char* bad : {"", "x", "[]", "{}", R"({"now_ns":"1"})", R"({"now_ns":-5})"})
    CHECK_FALSE(LoadSample::parse(bad));
  const auto odd = LoadSample::parse(
      R"({"now_ns":1,"services":3,"kernel":[],"answers_ns":[[1],[2,-3],5,[1,2,3]]})");
  REQUIRE(odd);
  CHECK(odd->answers.empty());
}

TEST_CASE("counters of the kernel are found by their names") {
  const char* text =
      "TcpExt: SyncookiesSent ListenOverflows ListenDrops\n"
      "TcpExt: 0 17 18\n"
      "IpExt: InNoRoutes ListenDrops\nIpExt: 1 2\n";
  CHECK(kernel_counter(text, "TcpExt", "ListenOverflows") == 17);
  CHECK(kernel_counter(text, "TcpExt", "ListenDrops") == 18);
  CHECK(kernel_counter(text, "IpExt", "ListenDrops") == 2);
  CHECK(kernel_counter(text, "TcpExt", "Nothing") == 0);
  CHECK(kernel_counter(text, "Tcp", "ListenDrops") == 0);
  CHECK(kernel_counter("TcpExt: A B\nTcpExt: 1\n", "TcpExt", "B") == 0);
}

TEST_CASE("the busy time of short turns is estimated from one in sixteen") {
  LoopLoad load;
  std::uint64_t measured = 0;
  for (int turn = 0; turn < 1'600; ++turn) {
    if (load.wants_wake()) {
      load.turn_measured(100'000);
      ++measured;
    } else {
      load.turn_estimated(700'000);  // the clock that is known is up to a millisecond early
    }
  }
  CHECK(measured == 100);
  CHECK(load.busy_ns() == 1'600u * 100'000u);
  CHECK(load.long_turns().empty());
}

TEST_CASE("long turns count once, measured or not") {
  LoopLoad load;
  load.turn_measured(2'000'000'000);
  load.turn_estimated(2'000'500'000);
  load.turn_went_on(2'000'000'000);
  CHECK(load.busy_ns() == 6'000'000'000u);
  CHECK(load.long_turns().count() == 3);
  CHECK(load.long_turns().smallest() == 2'000'000'000u);
}

}  // namespace
}  // namespace polyport::measure

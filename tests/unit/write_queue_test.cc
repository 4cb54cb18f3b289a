// The queue of one connection, and the box that gathers one callback's answers.
#include "core/net/write_queue.h"

#include "core/net/outbox.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {
std::string all(const WriteQueue& queue) {
  iovec pieces[64];
  std::string text;
  const std::size_t count = queue.pieces(pieces, 64);
  for (std::size_t i = 0; i < count; ++i) {
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return text;
}
}  // namespace

TEST_CASE("a queue gives back what was put in, whatever is taken at a time") {
  for (std::size_t step = 1; step < 12; ++step) {
    CAPTURE(step);
    WriteQueuePool pool(0);
    WriteQueue queue(pool);
    std::string expected, got;
    for (int i = 0; i < 200; ++i) {
      const std::string word = std::to_string(i * 7919) + ";";
      queue.push(Payload::copy(word));
      expected += word;
      if (i % 3 == 0) {
        const std::size_t take = std::min(step, queue.bytes());
        got += all(queue).substr(0, take);
        queue.consume(take);
      }
    }
    while (!queue.empty()) {
      const std::size_t take = std::min(step, queue.bytes());
      got += all(queue).substr(0, take);
      queue.consume(take);
    }
    CHECK(got == expected);
    CHECK(queue.bytes() == 0);
  }
}

TEST_CASE("drop_unsent keeps the one that is begun") {
  WriteQueuePool pool(0);
  WriteQueue queue(pool);
  queue.push(Payload::literal("first"));
  queue.push(Payload::literal("second"));
  queue.consume(2);
  queue.drop_unsent();
  CHECK(all(queue) == "rst");
  CHECK(queue.bytes() == 3);
  queue.consume(3);
  queue.push(Payload::literal("third"));
  queue.drop_unsent();  // not begun: gone
  CHECK(queue.empty());
  // What is left of a write that was cut is begun, although the queue has sent nothing of it.
  queue.push_rest(Payload::literal("rest of a line"));
  queue.push(Payload::literal("next"));
  queue.drop_unsent();
  CHECK(all(queue) == "rest of a line");
  queue.consume(14);
  queue.push(Payload::literal("third"));
  queue.drop_unsent();
  CHECK(queue.empty());
}

TEST_CASE("a payload is shared, not copied, and freed by its last owner") {
  const Payload one = Payload::copy("shared");
  Payload two = one;
  const Payload three = std::move(two);
  CHECK(one.bytes().data() == three.bytes().data());
  CHECK(two.empty());  // NOLINT: moved from, and empty by contract
  two = three;
  CHECK(two.bytes() == "shared");
}

TEST_CASE("the outbox joins what lies together and hands back what the kernel left") {
  Outbox box;
  const std::string outside = "borrowed";
  REQUIRE(box.add_copy("one "));
  REQUIRE(box.add_copy("two "));
  REQUIRE(box.add_borrowed(outside));
  REQUIRE(box.add(Payload::literal(" literal")));
  CHECK(box.count() == 3);
  CHECK(box.bytes() == 24);
  std::string rest;
  int cut = 0;
  box.empty_into(6, [&](Payload left, bool begun) {
    rest += left.bytes();
    cut += begun ? 1 : 0;
  });
  CHECK(cut == 1);
  CHECK(rest == "o borrowed literal");
  CHECK(box.empty());
  CHECK_FALSE(box.add_copy(std::string(Outbox::kScratchBytes + 1, 'x')));
}

TEST_CASE("what is queued is counted for its service and for all, whatever becomes of it") {
  WriteQueuePool pool(100);
  QueueLedger service{.limit = 16};
  WriteQueue* one = pool.take(&service);
  WriteQueue* other = pool.take(nullptr);
  one->push(Payload::literal("0123456789"));
  other->push(Payload::literal("abc"));
  CHECK(service.bytes == 10);
  CHECK(pool.all().bytes == 13);
  one->consume(4);
  CHECK(service.bytes == 6);
  one->push(Payload::literal("012345"));
  one->drop_unsent();  // the first is begun and stays
  CHECK(service.bytes == 6);
  CHECK_FALSE(pool.take_over());
  one->push(Payload::literal("0123456789x"));
  CHECK(pool.take_over());
  CHECK_FALSE(pool.take_over());  // told once
  pool.give_back(one);
  pool.give_back(other);
  CHECK(service.bytes == 0);
  CHECK(pool.all().bytes == 0);
}

TEST_CASE("once over its limit a ledger wants less until it is at seven eighths") {
  QueueLedger ledger{.limit = 800};
  ledger.bytes = 800;
  CHECK_FALSE(ledger.wants_less());
  ledger.bytes = 801;
  CHECK(ledger.wants_less());
  ledger.bytes = 701;
  CHECK(ledger.wants_less());
  ledger.bytes = 700;
  CHECK_FALSE(ledger.wants_less());
  ledger.bytes = 750;
  CHECK_FALSE(ledger.wants_less());
  QueueLedger none;
  none.bytes = 1 << 30;
  CHECK_FALSE(none.wants_less());
}

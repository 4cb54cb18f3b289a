// Ranges and conditional requests: RFC 9110 sections 13 and 14.
#include "core/http/conditional.h"
#include "core/http/date.h"
#include "core/http/range.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

namespace {

using Verdict = Ranges::Verdict;

std::vector<ByteRange> parts(Bytes header, std::uint64_t size) {
  const Ranges ranges = parse_ranges(header, size);
  CHECK(ranges.verdict == Verdict::kPart);
  return ranges.ranges;
}

Verdict verdict(Bytes header, std::uint64_t size) {
  return parse_ranges(header, size).verdict;
}

Precondition judge(Bytes method, Bytes name, Bytes value, const Validators& validators) {
  const Header header{name, value};
  Request request;
  request.method = method;
  request.headers = {&header, 1};
  return evaluate(request, validators);
}

}  // namespace

TEST_CASE("ranges are read as RFC 9110 section 14.1.2 gives them") {
  CHECK(parts("bytes=0-499", 10000) == std::vector<ByteRange>{{0, 499}});
  CHECK(parts("bytes=500-999", 10000) == std::vector<ByteRange>{{500, 999}});
  CHECK(parts("bytes=-500", 10000) == std::vector<ByteRange>{{9500, 9999}});
  CHECK(parts("bytes=9500-", 10000) == std::vector<ByteRange>{{9500, 9999}});
  CHECK(parts("bytes=0-0,-1", 10000) == std::vector<ByteRange>{{0, 0}, {9999, 9999}});
  CHECK(parts("Bytes= 0-999 , , 4500-5499", 10000) ==
        std::vector<ByteRange>{{0, 999}, {4500, 5499}});
  CHECK(parts("bytes=5-99999999999999999999999", 10) == std::vector<ByteRange>{{5, 9}});
  CHECK(parts("bytes=-99999999999999999999999", 10) == std::vector<ByteRange>{{0, 9}});
  CHECK(parts("bytes=20-30,4-5", 10) == std::vector<ByteRange>{{4, 5}});
}

TEST_CASE("what is no range of bytes gets the whole") {
  for (const Bytes header : {"", "bytes", "bytes=", "bytes=,", "bytes=a-b", "bytes=5", "bytes=5-4",
                             "bytes=-", "bytes=--5", "bytes=1-2-3", "bytes=1-x", "items=0-5",
                             "bytes=0-1,x", "bytes 0-5", "bytes=+1-5", "bytes=0x1-5"}) {
    INFO(header);
    CHECK(verdict(header, 10) == Verdict::kWhole);
  }
  CHECK(verdict("bytes=10-", 10) == Verdict::kUnsatisfiable);
  CHECK(verdict("bytes=9-", 10) == Verdict::kPart);
  CHECK(verdict("bytes=-0", 10) == Verdict::kUnsatisfiable);
  CHECK(verdict("bytes=0-", 0) == Verdict::kUnsatisfiable);
  CHECK(verdict("bytes=-1", 0) == Verdict::kUnsatisfiable);
}

TEST_CASE("ranges that ask for more than there is get the whole") {
  CHECK(verdict("bytes=0-9", 10) == Verdict::kPart);
  CHECK(verdict("bytes=0-9,0-0", 10) == Verdict::kWhole);
  std::string many = "bytes=0-0";
  for (std::size_t i = 1; i < kMostRanges; ++i)
    many += "," + std::to_string(i) + "-" + std::to_string(i);
  CHECK(parts(many, 1000).size() == kMostRanges);
  CHECK(verdict(many + ",900-900", 1000) == Verdict::kWhole);
}

TEST_CASE("parts are framed as multipart/byteranges") {
  CHECK(content_range({0, 9}, 100) == "bytes 0-9/100");
  CHECK(unsatisfied_range(100) == "bytes */100");
  CHECK(part_head("b", "text/plain", {1, 2}, 10) ==
        "\r\n--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 1-2/10\r\n\r\n");
  CHECK(part_end("b") == "\r\n--b--\r\n");
}

TEST_CASE("If-None-Match compares weakly, If-Match strongly") {
  const Validators strong{.etag = "\"a\""};
  const Validators weak{.etag = "W/\"a\""};
  CHECK(judge("GET", "If-None-Match", "\"a\"", strong) == Precondition::kNotModified);
  CHECK(judge("HEAD", "If-None-Match", "W/\"a\"", strong) == Precondition::kNotModified);
  CHECK(judge("GET", "If-None-Match", "\"b\", \"a\"", weak) == Precondition::kNotModified);
  CHECK(judge("GET", "If-None-Match", "*", strong) == Precondition::kNotModified);
  CHECK(judge("PUT", "If-None-Match", "*", strong) == Precondition::kFailed);
  CHECK(judge("GET", "If-None-Match", "\"b\"", strong) == Precondition::kHolds);
  CHECK(judge("GET", "If-None-Match", "\"b,\"a\"", strong) == Precondition::kHolds);
  CHECK(judge("GET", "If-None-Match", "a", strong) == Precondition::kHolds);
  CHECK(judge("GET", "If-Match", "\"a\"", strong) == Precondition::kHolds);
  CHECK(judge("GET", "If-Match", "*", strong) == Precondition::kHolds);
  CHECK(judge("GET", "If-Match", "W/\"a\"", strong) == Precondition::kFailed);
  CHECK(judge("GET", "If-Match", "\"a\"", weak) == Precondition::kFailed);
  CHECK(has_etag("\"x,y\"", "\"x,y\"", Comparison::kStrong));
}

TEST_CASE("dates decide where there are no tags") {
  const Validators page{.etag = "\"a\"", .last_modified = 784111777};
  const Bytes same = "Sun, 06 Nov 1994 08:49:37 GMT";
  const Bytes before = "Sun, 06 Nov 1994 08:49:36 GMT";
  CHECK(judge("GET", "If-Modified-Since", same, page) == Precondition::kNotModified);
  CHECK(judge("GET", "If-Modified-Since", before, page) == Precondition::kHolds);
  CHECK(judge("POST", "If-Modified-Since", same, page) == Precondition::kHolds);
  CHECK(judge("GET", "If-Modified-Since", "yesterday", page) == Precondition::kHolds);
  CHECK(judge("GET", "If-Unmodified-Since", same, page) == Precondition::kHolds);
  CHECK(judge("GET", "If-Unmodified-Since", before, page) == Precondition::kFailed);
  // Section 13.2.2: a tag stands before a date.
  const Header both[] = {{"If-None-Match", "\"b\""}, {"If-Modified-Since", same}};
  Request request;
  request.method = "GET";
  request.headers = both;
  CHECK(evaluate(request, page) == Precondition::kHolds);
}

TEST_CASE("If-Range must name exactly this answer") {
  const Validators page{.etag = "\"a\"", .last_modified = 784111777};
  const auto applies = [&](Bytes value) {
    const Header header{"If-Range", value};
    Request request;
    request.headers = {&header, 1};
    return range_applies(request, page);
  };
  CHECK(range_applies(Request{}, page));
  CHECK(applies("\"a\""));
  CHECK_FALSE(applies("\"b\""));
  CHECK_FALSE(applies("W/\"a\""));
  CHECK(applies("Sun, 06 Nov 1994 08:49:37 GMT"));
  CHECK_FALSE(applies("Sun, 06 Nov 1994 08:49:38 GMT"));
  CHECK_FALSE(applies("a"));
}

TEST_CASE("a date is read in its three forms (RFC 9110 section 5.6.7)") {
  CHECK(parse_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK(parse_date("Sunday, 06-Nov-94 08:49:37 GMT") == 784111777);
  CHECK(parse_date("Sun Nov  6 08:49:37 1994") == 784111777);
  CHECK(parse_date("Thu Feb 29 12:34:56 2024") == 1709210096);
  for (const Bytes bad : {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
                          "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
                          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
                          "Xyz, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
                          "Sun, -6 Nov 1994 08:49:37 GMT", "784111777"}) {
    INFO(bad);
    CHECK_FALSE(parse_date(bad));
  }
}

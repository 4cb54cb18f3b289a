#include "services/http/ranged.h"

#include <algorithm>
#include <array>

#include "core/base/digest.h"
#include "core/http/date.h"
#include "core/http/range.h"
#include "services/http/timed_task.h"

namespace polyport::services::http {
namespace {

using polyport::http::ByteRange;
using polyport::http::Precondition;
using polyport::http::Ranges;

constexpr std::size_t kBlockBytes = 16 * 1024;
constexpr std::size_t kLentBytes = 64 * 1024;  // at a time

// Sends a source as fast as the client takes it.
class BulkTask final : public polyport::http::Task {
 public:
  BulkTask(Exchange& exchange, std::unique_ptr<ByteSource> source)
      : Task(exchange), source_(std::move(source)) {}

  void on_writable() override {
    if (exchange().request().method == "HEAD") sent_ = source_->size();
    while (sent_ < source_->size() && !exchange().congested()) {
      const Bytes lent = source_->lent(sent_).substr(0, kLentBytes);
      if (lent.empty()) {
        if (!send_block()) return exchange().connection().close(CloseReason::kServiceError);
      } else {
        exchange().write_shared(Payload::literal(lent));
        sent_ += lent.size();
      }
    }
    if (sent_ < source_->size()) return;
    exchange().end();
    finish();
  }

 private:
  bool send_block() {
    std::array<char, kBlockBytes> block;
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), source_->size() - sent_));
    if (!source_->read(sent_, std::span(block).first(size))) return false;
    exchange().write(Bytes(block.data(), size));
    sent_ += size;
    return true;
  }

  std::unique_ptr<ByteSource> source_;
  std::uint64_t sent_ = 0;
};

// The same, spread over a time.
class SlowTask final : public PacedTask {
 public:
  SlowTask(Call& call, std::unique_ptr<ByteSource> source, std::chrono::nanoseconds duration)
      : PacedTask(call, {.duration = duration, .count = source->size(), .batch = kBlockBytes}),
        source_(std::move(source)) {}

 private:
  void begin() override {}  // the head is out already
  void write(std::uint64_t first, std::uint64_t count) override {
    std::string bytes(count, '\0');
    if (source_->read(first, bytes)) exchange().write(bytes);
  }

  std::unique_ptr<ByteSource> source_;
};

// Several ranges of a source with the framing around each, as one source.
class MultipartSource final : public ByteSource {
 public:
  MultipartSource(std::unique_ptr<ByteSource> source, const std::vector<ByteRange>& ranges,
                  Bytes boundary, Bytes content_type)
      : source_(std::move(source)) {
    for (const ByteRange& range : ranges) {
      add({polyport::http::part_head(boundary, content_type, range, source_->size()), {}});
      add({{}, range});
    }
    add({polyport::http::part_end(boundary), {}});
  }

  std::uint64_t size() const override { return ends_.back(); }
  bool read(std::uint64_t offset, std::span<char> into) override {
    auto at = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), offset) -
                                       ends_.begin());
    for (; !into.empty() && at < pieces_.size(); ++at) {
      const std::uint64_t start = at == 0 ? 0 : ends_[at - 1];
      const std::uint64_t left = ends_[at] - offset;
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, into.size()));
      const Piece& piece = pieces_[at];
      if (piece.text.empty()) {
        if (!source_->read(piece.range.first + (offset - start), into.first(size))) return false;
      } else {
        piece.text.copy(into.data(), size, static_cast<std::size_t>(offset - start));
      }
      into = into.subspan(size);
      offset += size;
    }
    return true;
  }

 private:
  struct Piece {
    std::string text;  // empty: the range
    ByteRange range;
  };
  void add(Piece piece) {
    const std::uint64_t size = piece.text.empty() ? piece.range.size() : piece.text.size();
    ends_.push_back((ends_.empty() ? 0 : ends_.back()) + size);
    pieces_.push_back(std::move(piece));
  }

  std::unique_ptr<ByteSource> source_;
  std::vector<Piece> pieces_;
  std::vector<std::uint64_t> ends_;  // of each piece, in the whole
};

// One range of a source.
class PartSource final : public ByteSource {
 public:
  PartSource(std::unique_ptr<ByteSource> source, const ByteRange& range)
      : source_(std::move(source)), range_(range) {}
  std::uint64_t size() const override { return range_.size(); }
  bool read(std::uint64_t offset, std::span<char> into) override {
    return source_->read(range_.first + offset, into);
  }
  Bytes lent(std::uint64_t offset) const override {
    return source_->lent(range_.first + offset).substr(0, size() - offset);
  }

 private:
  std::unique_ptr<ByteSource> source_;
  ByteRange range_;
};

void send(Call& call, int status, Call::Headers headers, std::unique_ptr<ByteSource> source,
          std::chrono::nanoseconds duration) {
  Exchange& exchange = call.exchange();
  exchange.begin(status, headers, source->size());
  if (duration > std::chrono::nanoseconds(0) && source->size() > 1) {
    return PacedTask::start(std::make_unique<SlowTask>(call, std::move(source), duration));
  }
  auto task = std::make_unique<BulkTask>(exchange, std::move(source));
  BulkTask& started = *task;
  polyport::http::Task::start(std::move(task));
  started.on_writable();
}

}  // namespace

void answer_bulk(Call& call, std::unique_ptr<ByteSource> source, Call::Headers headers) {
  send(call, 200, headers, std::move(source), {});
}

void answer_ranged(Call& call, RangedAnswer answer) {
  const Request& request = call.request();
  std::vector<Header> headers;
  for (const auto& [name, value] : answer.headers)
    headers.push_back({name, value});
  headers.push_back({"Accept-Ranges", "bytes"});
  if (!answer.etag.empty()) headers.push_back({"ETag", answer.etag});
  char date[polyport::http::kDateSize];
  if (answer.last_modified) {
    polyport::http::write_date(*answer.last_modified, date);
    headers.push_back({"Last-Modified", Bytes(date, sizeof date)});
  }

  const polyport::http::Validators validators{answer.etag, answer.last_modified};
  const Precondition precondition = polyport::http::evaluate(request, validators);
  if (precondition == Precondition::kNotModified) return call.respond(304, {}, {}, headers);
  if (precondition == Precondition::kFailed) {
    return call.exchange().respond_error(412, "If-Match or If-Unmodified-Since does not hold",
                                         headers);
  }

  const std::uint64_t size = answer.source->size();
  const bool may_part = request.method == "GET" && range_applies(request, validators);
  const Ranges ranges =
      may_part ? polyport::http::parse_ranges(request.value("Range"), size) : Ranges{};
  if (ranges.verdict == Ranges::Verdict::kUnsatisfiable) {
    const std::string content_range = polyport::http::unsatisfied_range(size);
    headers.push_back({"Content-Range", content_range});
    return call.exchange().respond_error(416, "no range of it lies within the body", headers);
  }
  if (ranges.verdict == Ranges::Verdict::kWhole) {
    headers.push_back({"Content-Type", answer.content_type});
    return send(call, 200, headers, std::move(answer.source), answer.duration);
  }
  if (ranges.ranges.size() == 1) {
    const std::string content_range = polyport::http::content_range(ranges.ranges[0], size);
    headers.push_back({"Content-Type", answer.content_type});
    headers.push_back({"Content-Range", content_range});
    return send(call, 206, headers,
                std::make_unique<PartSource>(std::move(answer.source), ranges.ranges[0]),
                answer.duration);
  }
  const std::string boundary = hex(random_bytes(16));
  const std::string type = "multipart/byteranges; boundary=" + boundary;
  headers.push_back({"Content-Type", type});
  send(call, 206, headers,
       std::make_unique<MultipartSource>(std::move(answer.source), ranges.ranges, boundary,
                                         answer.content_type),
       answer.duration);
}

}  // namespace polyport::services::http

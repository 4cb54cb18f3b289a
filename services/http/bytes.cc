// Bytes by number: random ones, patterns, ranges of them, and pages of links.
#include <algorithm>

#include "core/base/text.h"
#include "core/http/task.h"
#include "services/http/endpoints.h"
#include "services/http/ranged.h"

namespace polyport::services::http {
namespace {

using In = RouteParameter::In;

constexpr std::size_t kLentBlock = 256 * 1024;

// --- sources -------------------------------------------------------------------------------------

// Random bytes in order: it can only be read from start to end.
class RandomSource final : public ByteSource {
 public:
  RandomSource(std::uint64_t size, std::mt19937_64 dice) : size_(size), dice_(dice) {}
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t, std::span<char> into) override {
    std::size_t at = 0;
    while (left_ != 0 && at < into.size())
      into[at++] = next();
    // Whole numbers of the dice at once; the compiler makes one store of the eight.
    for (; into.size() - at >= sizeof bits_; at += sizeof bits_) {
      const std::uint64_t bits = dice_();
      for (std::size_t i = 0; i < sizeof bits; ++i)
        into[at + i] = static_cast<char>(bits >> (8 * i) & 0xff);
    }
    while (at < into.size())
      into[at++] = next();
    return true;
  }

 private:
  char next() {
    if (left_ == 0) {
      bits_ = dice_();
      left_ = 8;
    }
    const char byte = static_cast<char>(bits_ & 0xff);
    bits_ >>= 8;
    --left_;
    return byte;
  }

  std::uint64_t size_;
  std::mt19937_64 dice_;
  std::uint64_t bits_ = 0;
  unsigned left_ = 0;
};

// A block of bytes over and over, from some place in it on. The block lives as long as the process.
class RepeatedSource final : public ByteSource {
 public:
  RepeatedSource(std::uint64_t size, Bytes block, std::uint64_t start)
      : size_(size), block_(block), start_(start) {}
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t offset, std::span<char> into) override {
    while (!into.empty()) {
      const std::size_t count = rest_of_block(offset).copy(into.data(), into.size());
      into = into.subspan(count);
      offset += count;
    }
    return true;
  }
  Bytes lent(std::uint64_t offset) const override {
    const std::uint64_t left = size_ - offset;
    return rest_of_block(offset).substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(left, block_.size())));
  }

 private:
  Bytes rest_of_block(std::uint64_t offset) const {
    return block_.substr(static_cast<std::size_t>((start_ + offset) % block_.size()));
  }

  std::uint64_t size_;
  Bytes block_;
  std::uint64_t start_;
};

// "abc…zabc…", for ever the same at the same place.
std::unique_ptr<ByteSource> alphabet(std::uint64_t size) {
  static const std::string block = [] {
    constexpr Bytes kAlphabet = "abcdefghijklmnopqrstuvwxyz";
    std::string letters;
    while (letters.size() + kAlphabet.size() <= kLentBlock)
      letters += kAlphabet;
    return letters;
  }();
  return std::make_unique<RepeatedSource>(size, block, 0);
}

std::string random_block(std::uint64_t seed) {
  std::string bytes(kLentBlock, '\0');
  RandomSource(bytes.size(), std::mt19937_64(seed)).read(0, bytes);
  return bytes;
}

// With a seed the same bytes everywhere and for ever. Without one a piece, from anywhere, of random
// bytes that were made once: a load test asks for bytes, and not for the making of them. Null where
// the seed is none, which has been answered.
std::unique_ptr<ByteSource> random_source(Call& call, std::uint64_t size) {
  if (call.arguments().value("seed").empty()) {
    static const std::string block = random_block(call.site().random()());
    return std::make_unique<RepeatedSource>(size, block, call.site().random()() % kLentBlock);
  }
  const auto dice = call.dice();
  return dice ? std::make_unique<RandomSource>(size, *dice) : nullptr;
}

// --- bytes ---------------------------------------------------------------------------------------

std::int64_t most_bytes(Call& call) {
  return static_cast<std::int64_t>(call.options().max_body);
}

void bytes(Call& call) {
  const auto count = call.path_number("n", 0, most_bytes(call));
  if (!count) return;
  auto source = random_source(call, static_cast<std::uint64_t>(*count));
  if (!source) return;
  const Header type{"Content-Type", kOctets};
  answer_bulk(call, std::move(source), {&type, 1});
}

// One chunk of the chunked coding for each chunk_size bytes.
class ChunkTask final : public polyport::http::Task {
 public:
  ChunkTask(Exchange& exchange, std::unique_ptr<ByteSource> source, std::uint64_t chunk)
      : Task(exchange), source_(std::move(source)), chunk_(chunk) {}

  void on_writable() override {
    while (sent_ < source_->size() && !exchange().congested()) {
      const std::uint64_t size = std::min(chunk_, source_->size() - sent_);
      const Bytes lent = source_->lent(sent_);
      if (lent.size() >= size) {
        exchange().write(lent.substr(0, static_cast<std::size_t>(size)));
      } else {
        block_.resize(static_cast<std::size_t>(size));
        source_->read(sent_, block_);
        exchange().write(block_);
      }
      sent_ += size;
    }
    if (sent_ < source_->size()) return;
    exchange().end();
    finish();
  }

 private:
  std::unique_ptr<ByteSource> source_;
  std::string block_;
  std::uint64_t chunk_;
  std::uint64_t sent_ = 0;
};

void stream_bytes(Call& call) {
  const auto count = call.path_number("n", 0, most_bytes(call));
  if (!count) return;
  const auto chunk =
      call.number("chunk_size", 10'240, 1, std::max<std::int64_t>(1, most_bytes(call)));
  if (!chunk) return;
  auto source = random_source(call, static_cast<std::uint64_t>(*count));
  if (!source) return;
  const Header type{"Content-Type", kOctets};
  call.exchange().begin(200, {&type, 1}, std::nullopt);
  auto task = std::make_unique<ChunkTask>(call.exchange(), std::move(source),
                                          static_cast<std::uint64_t>(*chunk));
  ChunkTask& started = *task;
  polyport::http::Task::start(std::move(task));
  started.on_writable();
}

void range(Call& call) {
  const auto count = call.path_number("n", 1, most_bytes(call));
  if (!count) return;
  const auto duration = call.duration("duration", {});
  if (!duration) return;
  RangedAnswer answer;
  answer.source = alphabet(static_cast<std::uint64_t>(*count));
  answer.content_type = kText;
  answer.etag = "\"range" + std::to_string(*count) + "\"";
  answer.duration = *duration;
  answer_ranged(call, std::move(answer));
}

// --- data ----------------------------------------------------------------------------------------

std::optional<std::int64_t> unit_bytes(std::string_view unit) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {{"", 1},
                                                                  {"b", 1},
                                                                  {"kb", 1'000},
                                                                  {"mb", 1'000'000},
                                                                  {"gb", 1'000'000'000},
                                                                  {"tb", 1'000'000'000'000}};
  for (const auto& known : kUnits) {
    if (equals_ignoring_case(unit, known.first)) return known.second;
  }
  return std::nullopt;
}

// The size that the query asks for, in bytes; nothing where that has been answered with 400.
std::optional<std::int64_t> read_data_size(Call& call) {
  const std::string_view unit = call.arguments().value("unit");
  const auto factor = unit_bytes(unit);
  if (!factor) {
    call.bad("unit", quoted(unit, 60) + " is none of b, kb, mb, gb, tb");
    return std::nullopt;
  }
  std::string_view text = call.arguments().value("size");
  if (text.empty()) text = "1";
  const auto choices = parse_choices(text);
  if (!choices) {
    call.bad("size", quoted(text, 60) + " is no number, nor a list such as 100:0.9,10000:0.1");
    return std::nullopt;
  }
  constexpr std::int64_t kMost = 1'000'000'000'000'000;  // a thousand terabytes
  for (const Weighted& choice : *choices) {
    if (!call.read_number("size", choice.value, 0, kMost / *factor)) return std::nullopt;
  }
  const Weighted& chosen = choose(*choices, call.site().random());
  return *factor * parse_number<std::int64_t>(chosen.value).value_or(0);
}

void data(Call& call) {
  const auto size = read_data_size(call);
  if (!size) return;
  const std::string_view attachment = call.arguments().value("attachment");
  std::vector<Header> headers = {{"Content-Type", kText}};
  if (equals_ignoring_case(attachment, "true")) {
    headers = {{"Content-Type", kOctets},
               {"Content-Disposition", "attachment; filename=\"data.txt\""}};
  }
  answer_bulk(call, alphabet(static_cast<std::uint64_t>(*size)), headers);
}

// --- links ---------------------------------------------------------------------------------------

void links(Call& call) {
  const auto count = call.path_number("n", 0, 256);
  if (!count) return;
  call.redirect(302, call.local("/links/" + std::to_string(*count) + "/0"));
}

void links_page(Call& call) {
  const auto count = call.path_number("n", 0, 256);
  if (!count) return;
  const auto here = call.path_number("i", 0, 1'000'000);
  if (!here) return;
  const std::string base = call.local("/links/" + std::to_string(*count) + "/");
  std::string page = "<html><head><title>Links</title></head><body>";
  for (std::int64_t i = 0; i < *count; ++i) {
    const std::string number = std::to_string(i);
    page += i == *here ? number + " " : "<a href=\"" + base + number + "\">" + number + "</a> ";
  }
  call.respond(200, kHtml, page + "</body></html>");
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kSeed{
    .name = "seed", .type = "integer", .help = "the same number gives the same bytes"};
constexpr RouteParameter kBytes[] = {
    {.name = "n", .in = In::kPath, .type = "integer", .help = "0 to max_body"}, kSeed};
constexpr RouteParameter kStreamBytes[] = {
    {.name = "n", .in = In::kPath, .type = "integer", .help = "0 to max_body"},
    kSeed,
    {.name = "chunk_size", .type = "integer", .fallback = "10240", .help = "1 to max_body"}};
constexpr RouteParameter kRange[] = {
    {.name = "n", .in = In::kPath, .type = "integer", .help = "1 to max_body"},
    {.name = "duration",
     .fallback = "0s",
     .help = "the body is spread over it, up to max_duration"},
    {.name = "Range", .in = In::kHeader, .help = "bytes=0-9, several with commas; 206, or 416"}};
constexpr RouteParameter kData[] = {
    {.name = "size",
     .type = "integer",
     .fallback = "1",
     .help = "or several with weights: 100:0.9,10000:0.1"},
    {.name = "unit", .help = "b, kb, mb, gb or tb; 1000 each"},
    {.name = "attachment", .type = "boolean", .fallback = "false", .help = "true: to be saved"}};
constexpr RouteParameter kLinks[] = {
    {.name = "n", .in = In::kPath, .type = "integer", .help = "0 to 256"}};
constexpr RouteParameter kLinksPage[] = {
    {.name = "n", .in = In::kPath, .type = "integer", .help = "0 to 256"},
    {.name = "i", .in = In::kPath, .type = "integer", .help = "the page that is no link"}};

}  // namespace

std::span<const Route> byte_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/bytes/{n}", "n random bytes", bytes, kBytes, "/bytes/1024"},
      {"*", "/stream-bytes/{n}", "the same, chunked", stream_bytes, kStreamBytes,
       "/stream-bytes/1024"},
      {"*", "/range/{n}", "n bytes of the alphabet, in ranges too", range, kRange, "/range/1024"},
      {"*", "/data", "as many bytes as you like, in constant memory", data, kData,
       "/data?size=10&unit=kb"},
      {"*", "/links/{n}", "sends you to the first of n pages of links", links, kLinks, "/links/10"},
      {"*", "/links/{n}/{i}", "a page of n links", links_page, kLinksPage, "/links/10/0"},
  };
  return kRoutes;
}

}  // namespace polyport::services::http

// Statuses, failures and delays, chosen by the client.
#include "core/http/status.h"
#include "core/base/text.h"
#include "services/http/endpoints.h"
#include "services/http/timed_task.h"

namespace polyport::services::http {
namespace {

using Body = Route::Body;
using In = RouteParameter::In;

// --- statuses with something to say --------------------------------------------------------------

std::string choices_page(Call& call) {
  std::string page = "<!doctype html>\n<title>Multiple Choices</title>\n<ul>\n";
  for (const std::string_view kind : {"jpeg", "png", "svg", "webp"}) {
    const std::string path = call.local("/image/" + std::string(kind));
    page += "<li><a href=\"" + path + "\">" + path + "</a></li>\n";
  }
  return page + "</ul>\n";
}

std::string moved_page(const std::string& location) {
  return "<!doctype html>\n<title>Permanent Redirect</title>\n<p>Permanently redirected to <a "
         "href=\"" +
         location + "\">" + location + "</a></p>\n";
}

std::string acceptable_types() {
  return json_object([](JsonWriter& json) {
    json.field("message", "the client asked for no media type that there is");
    json.key("accept");
    json.begin_array();
    for (const std::string_view type :
         {"image/webp", "image/svg+xml", "image/jpeg", "image/png", "image/*"})
      json.value(type);
    json.end_array();
  });
}

void answer_status(Call& call, int status) {
  switch (status) {
    case 300:
      return call.respond(status, kHtml, choices_page(call),
                          {{"Location", call.local("/image/jpeg")}});
    case 301:
    case 302:
    case 303:
    case 305:
    case 307:
      return call.text("", status, {{"Location", call.local("/redirect/1")}});
    case 308: {
      const std::string location = call.local("/image/jpeg");
      return call.respond(status, kHtml, moved_page(location), {{"Location", location}});
    }
    case 401:
      return call.text("", status, {{"WWW-Authenticate", "Basic realm=\"Fake Realm\""}});
    case 402:
      return call.text("Pay first, please!\n", status);
    case 406:
      return call.json(acceptable_types(), status);
    case 407:
      return call.text("", status, {{"Proxy-Authenticate", "Basic realm=\"Fake Realm\""}});
    case 418:
      return call.text("I'm a teapot!\n", status,
                       {{"X-More-Info", "https://www.rfc-editor.org/rfc/rfc2324"}});
    default:
      return call.text("", status);
  }
}

// A list of choices whose values are statuses, or nothing where that has been answered with 400.
std::optional<std::vector<Weighted>> read_statuses(Call& call, std::string_view name,
                                                   std::string_view text) {
  auto choices = parse_choices(text);
  if (!choices) {
    call.bad(name, quoted(text, 60) + " is no list such as 200:0.9,500:0.1");
    return std::nullopt;
  }
  for (const Weighted& choice : *choices) {
    if (!call.read_number(name, choice.value, 100, 599)) return std::nullopt;
  }
  return choices;
}

int status_of(const Weighted& choice) {
  return parse_number<int>(choice.value).value_or(500);
}

// A status below 200 announces an answer: it goes out before one, as net/http does it. 101 would
// promise another protocol, and HTTP/1.0 knows no such statuses.
void announce(Call& call, int status) {
  if (status == 101)
    return call.bad("code", "101 is the answer to an Upgrade, which nobody asked for");
  if (call.request().minor >= 1) {
    call.exchange().connection().send("HTTP/1.1 " + std::to_string(status) + " " +
                                      std::string(polyport::http::reason_phrase(status)) +
                                      "\r\n\r\n");
  }
  call.text("");
}

void status(Call& call) {
  const auto choices = read_statuses(call, "code", call.path("code"));
  if (!choices) return;
  const int chosen = status_of(choose(*choices, call.site().random()));
  if (chosen < 200) return announce(call, chosen);
  answer_status(call, chosen);
}

// --- failures ------------------------------------------------------------------------------------

void unstable(Call& call) {
  auto dice = call.dice();
  if (!dice) return;
  const auto rate = call.fraction("failure_rate", 0.5);
  if (!rate) return;
  call.text("", uniform(*dice) < *rate ? 500 : 200);
}

void flaky(Call& call) {
  const auto failures = call.path_number("n", 0, 1'000'000);
  if (!failures) return;
  const auto code = call.number("status", 503, 400, 599);
  if (!code) return;
  const std::string key(call.arguments().value("key"));
  if (key.size() > Flaky::kMostKeyBytes) return call.bad("key", "it is longer than 256 bytes");
  if (call.request().method == "DELETE") {
    call.site().flaky.forget(key);
    return call.text("", 204);
  }
  const std::uint64_t request = call.site().flaky.count(key);
  const auto left = static_cast<std::uint64_t>(*failures);
  const bool fails = request <= left;
  const std::string body = json_object([&](JsonWriter& json) {
    json.field("key", key);
    json.field("request", request);
    json.field("failures", *failures);
    json.field("failures_left", fails ? left - request : 0);
  });
  call.json(body, fails ? static_cast<int>(*code) : 200);
}

// --- delays --------------------------------------------------------------------------------------

// "total;dur=1500.00" (Server-Timing, W3C).
std::string server_timing(std::string_view name, std::chrono::nanoseconds duration,
                          std::string_view description) {
  char number[40];
  std::snprintf(number, sizeof number, "%.2f",
                std::chrono::duration<double, std::milli>(duration).count());
  return std::string(name) + ";dur=" + number + ";desc=\"" + std::string(description) + "\"";
}

// The durations of a weighted list; nothing where that has been answered with 400.
std::optional<std::vector<std::chrono::nanoseconds>> read_delays(
    Call& call, std::string_view name, const std::vector<Weighted>& choices) {
  std::vector<std::chrono::nanoseconds> delays;
  for (const Weighted& choice : choices) {
    const auto delay = call.read_duration(name, choice.value);
    if (!delay) return std::nullopt;
    delays.push_back(*delay);
  }
  return delays;
}

void delay(Call& call) {
  const std::string text = call.path("duration");
  const auto choices = parse_choices(text);
  if (!choices)
    return call.bad("duration", quoted(text, 60) + " is no duration, nor a list of them");
  const auto delays = read_delays(call, "duration", *choices);
  if (!delays) return;
  const Weighted& chosen = choose(*choices, call.site().random());
  const auto wait = (*delays)[static_cast<std::size_t>(&chosen - choices->data())];
  answer_after(call, wait, [wait](Call& later) {
    answer_with_request(later,
                        {{"Server-Timing", server_timing("initial_delay", wait, "initial delay")}});
  });
}

// --- fortio's echo -------------------------------------------------------------------------------

// What the arguments asked for, each chosen from its weighted list.
struct Wishes {
  std::chrono::nanoseconds delay{0};
  int status = 200;
  std::int64_t size = -1;  // of the body; -1: that of the request
};

// The percentages of a list may leave something over, which means "as usual", but not more than
// 100.
std::optional<std::vector<Weighted>> read_percentages(Call& call, std::string_view name) {
  const std::string_view text = call.arguments().value(name);
  if (text.empty()) return std::vector<Weighted>{};
  auto choices = parse_weighted(text);
  double sum = 0;
  if (choices) {
    for (const Weighted& choice : *choices)
      sum += choice.has_weight ? choice.weight : 0;
  }
  if (choices && sum <= 100) return choices;
  call.bad(name, quoted(text, 60) + " is no list such as 10:50,20:5, percent behind the colons");
  return std::nullopt;
}

std::optional<Wishes> read_wishes(Call& call) {
  Wishes wishes;
  auto& random = call.site().random();
  const auto delays = read_percentages(call, "delay");
  if (!delays) return std::nullopt;
  const auto times = read_delays(call, "delay", *delays);
  if (!times) return std::nullopt;
  if (const Weighted* chosen = choose_percent(*delays, random)) {
    wishes.delay = (*times)[static_cast<std::size_t>(chosen - delays->data())];
  }
  const auto statuses = read_percentages(call, "status");
  if (!statuses) return std::nullopt;
  for (const Weighted& choice : *statuses) {
    if (!call.read_number("status", choice.value, 200, 599)) return std::nullopt;
  }
  if (const Weighted* chosen = choose_percent(*statuses, random))
    wishes.status = status_of(*chosen);
  const auto sizes = read_percentages(call, "size");
  if (!sizes) return std::nullopt;
  const auto most = static_cast<std::int64_t>(call.options().max_body);
  for (const Weighted& choice : *sizes) {
    if (!call.read_number("size", choice.value, 0, most)) return std::nullopt;
  }
  if (const Weighted* chosen = choose_percent(*sizes, random)) {
    wishes.size = parse_number<std::int64_t>(chosen->value).value_or(0);
  }
  return wishes;
}

void answer_wishes(Call& call, const Wishes& wishes) {
  const Request& request = call.request();
  std::string body(request.body);
  if (wishes.size >= 0) body.assign(static_cast<std::size_t>(wishes.size), '.');
  Bytes type = request.value("Content-Type");
  if (type.empty() || call.is_risky(type)) type = kOctets;
  call.respond(wishes.status, type, body);
}

void fortio(Call& call) {
  const auto wishes = read_wishes(call);
  if (!wishes) return;
  answer_after(call, wishes->delay,
               [wished = *wishes](Call& later) { answer_wishes(later, wished); });
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kCode[] = {
    {.name = "code",
     .in = In::kPath,
     .help = "100 to 599, or several with weights: 200:0.9,500:0.1"}};
constexpr RouteParameter kUnstable[] = {
    {.name = "failure_rate", .type = "number", .fallback = "0.5", .help = "0 to 1"},
    {.name = "seed", .type = "integer", .help = "the same number gives the same answer"}};
constexpr RouteParameter kFlaky[] = {
    {.name = "n", .in = In::kPath, .type = "integer", .help = "failures, 0 to 1000000"},
    {.name = "key", .help = "counted apart from every other, at most 256 bytes"},
    {.name = "status", .type = "integer", .fallback = "503", .help = "of a failure, 400 to 599"}};
constexpr RouteParameter kDelay[] = {
    {.name = "duration",
     .in = In::kPath,
     .help =
         "1.5s, 250ms, 2 (seconds), at most max_duration; or several with weights: 10ms:50,1s:5"}};
constexpr RouteParameter kFortio[] = {
    {.name = "delay",
     .help = "durations with percent: 10ms:50,100ms:5; what is left to 100 waits not"},
    {.name = "status", .fallback = "200", .help = "statuses from 200 with percent: 503:10"},
    {.name = "size", .help = "bytes with percent, up to max_body; else as many as were sent"}};

}  // namespace

std::span<const Route> status_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/status/{code}", "an answer with that status", status, kCode, "/status/418"},
      {"*", "/unstable", "500 now and then, else 200", unstable, kUnstable},
      {"*", "/flaky/{n}", "n failures, then 200, for each key; DELETE starts again", flaky, kFlaky,
       "/flaky/2?key=a"},
      {"*", "/delay/{duration}", "the answer of /anything, later", delay, kDelay, "/delay/1.5s",
       Body::kBuffer},
      {"*", "/fortio", "your body back, with delay, status and size by chance, as fortio does it",
       fortio, kFortio, "/fortio?delay=10ms:50,100ms:5&status=503:10", Body::kBuffer},
  };
  return kRoutes;
}

}  // namespace polyport::services::http

#include "app/commands/demo/stage.h"

#include <poll.h>

#include <cerrno>
#include <cstring>

#include "app/commands/exit_code.h"
#include "core/base/layout.h"

namespace polyport::demo {
namespace {

constexpr std::size_t kCall = 2;
constexpr std::size_t kAnswer = 4;
constexpr std::size_t kVerdict = 11;

std::string reason(int error) {
  return error_word(error) + " (" + std::strerror(error) + ")";
}

}  // namespace

void Stage::title(std::string_view text) {
  chapter_as_expected_ = true;
  write_("\n" + paragraph(text) + "\n");
}

void Stage::say(std::string_view text) {
  write_(paragraph(text));
}

void Stage::line(std::string_view text) {
  write_(std::string(kCall, ' ') + std::string(text) + "\n");
}

void Stage::quote(std::string_view words) {
  write_(hanging("  |", words, kAnswer));
}

void Stage::gap() {
  write_("\n");
}

bool Stage::answered(std::string_view call, int error, int expected, std::string_view sentence) {
  asked_ = true;
  write_(paragraph(std::string(call) + ": " + error_word(error), kCall));
  if (error == expected) {
    write_(paragraph(sentence, kAnswer));
  } else {
    differ("This kernel answered otherwise: " + error_word(error) + ", where " +
           error_word(expected) + " was expected.");
  }
  return error == expected;
}

bool Stage::found(bool as_expected, std::string_view sentence, std::string_view otherwise) {
  asked_ = true;
  if (as_expected) {
    write_(paragraph(sentence, kAnswer));
  } else {
    differ(otherwise);
  }
  return as_expected;
}

void Stage::differ(std::string_view how) {
  write_(paragraph(how, kAnswer));
  chapter_as_expected_ = false;
  differed_ = true;
}

void Stage::therefore(std::string_view text) {
  if (chapter_as_expected_) write_("\n" + paragraph(text));
}

void Stage::verdict(std::string_view word, std::string_view sentence) {
  const std::string told = chapter_as_expected_
                               ? std::string(word) + ". " + std::string(sentence)
                               : "open. What this kernel answered does not decide it.";
  write_(hanging("  verdict", told, kVerdict));
}

void Stage::untried(std::string_view what, int error) {
  write_(paragraph(std::string(what) + ": not tried, " + reason(error), kCall));
  chapter_as_expected_ = false;
  untried_ = true;
}

void Stage::cannot(std::string_view what, int error) {
  cannot(std::string(what) + ": " + reason(error));
}

void Stage::cannot(std::string_view what) {
  write_("\n" + paragraph("This cannot be shown here. " + std::string(what) + "."));
  chapter_as_expected_ = false;
  failed_ = true;
}

bool Stage::has(std::string_view what, const Opened& opened) {
  if (!opened.ok()) {
    cannot("No " + std::string(what) + ": " + std::string(name(opened.step)) + " answered " +
           reason(opened.error));
  }
  return opened.ok();
}

void Stage::pause() {
  if (pause_.count() > 0) ::poll(nullptr, 0, static_cast<int>(pause_.count()));
}

int Stage::exit_code() const {
  if (failed_ || (untried_ && !asked_)) return kExitFailed;
  return differed_ ? kExitNo : kExitOk;
}

bool loopback_works(Stage& stage, Lab& lab) {
  const Opened server = lab.open({.address = Address::loopback(Family::kIPv4)});
  if (!stage.has("port on 127.0.0.1", server)) return false;
  const Opened client = lab.connect({.peer = server.local, .wait = milliseconds(1000)});
  lab.reset(client.socket);
  lab.close(server.socket);
  return stage.has("connection to 127.0.0.1", client);
}

std::string error_word(int error) {
  if (error == 0) return "ok";
  const char* const name = strerrorname_np(error);
  return name != nullptr ? name : "errno " + std::to_string(error);
}

std::string counted(std::size_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace polyport::demo

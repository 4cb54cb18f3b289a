// Stage: where a demo tells what it tries and what the kernel answers.
//
// It keeps the rule of all demos: a sentence that claims something is bound to an answer of this
// run. An answer other than the expected one is told as such, and the demo then does not end well.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "app/commands/demo/lab.h"

namespace polyport::demo {

class Stage {
 public:
  using Write = std::function<void(std::string_view lines)>;
  Stage(Write write, std::chrono::milliseconds pause) : write_(std::move(write)), pause_(pause) {}

  // What is going to be tried, or asked. Never a claim.
  void title(std::string_view text);
  void say(std::string_view text);
  // A line of a table, or what was counted; as it is, indented.
  void line(std::string_view text);
  void quote(std::string_view words);  // of another program
  void gap();                          // an empty line

  // One question to the kernel, and its answer: an errno, or 0. The sentence is told where the
  // answer is the expected one; returns whether it is.
  bool answered(std::string_view call, int error, int expected, std::string_view sentence);
  // The same for what was counted, compared or looked up.
  bool found(bool as_expected, std::string_view sentence, std::string_view otherwise);
  // What follows from everything since the last title; told only where all was as expected.
  void therefore(std::string_view text);

  // What a claim is worth: "false", "half true", …; told on the same terms, else that this run
  // leaves it open.
  void verdict(std::string_view word, std::string_view sentence);

  // One part that this machine or this user does not let be tried, and why: no fault, and no proof.
  void untried(std::string_view what, int error);
  // The demo cannot go on, and why.
  void cannot(std::string_view what, int error);
  void cannot(std::string_view what);

  // Whether a socket that the demo needs is there; if not, the demo cannot go on: "no port for a
  // server: bind answered EADDRINUSE".
  bool has(std::string_view what, const Opened& opened);

  // Time to read, or to look from another terminal.
  void pause();

  bool as_expected() const { return !differed_ && !failed_; }
  bool failed() const { return failed_; }
  int exit_code() const;

 private:
  void differ(std::string_view how);

  Write write_;
  std::chrono::milliseconds pause_;
  bool chapter_as_expected_ = true;
  bool asked_ = false;  // at least one question was answered
  bool untried_ = false;
  bool differed_ = false;
  bool failed_ = false;
};

// Whether a connection to 127.0.0.1 can be made at all; if not, the stage has been told. Where the
// loopback interface is down, bind still works and nobody is ever reached.
bool loopback_works(Stage& stage, Lab& lab);

// "EADDRINUSE", or "ok" for 0.
std::string error_word(int error);
// "1 client", "3 clients".
std::string counted(std::size_t number, std::string_view noun);
// "a", "a and b", "a, b and c".
template <class Range>
std::string listed(const Range& words) {
  std::string text;
  std::size_t left = words.size();
  for (const auto& word : words) {
    text += word;
    --left;
    text += left == 0 ? "" : left == 1 ? " and " : ", ";
  }
  return text;
}

}  // namespace polyport::demo

#include "core/settings/toml_scan.h"

#include <algorithm>
#include <string>

#include "core/base/text.h"

namespace polyport {

namespace {

constexpr int kMaxDotsInLine = 100;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_ascii(char character) {
  return static_cast<unsigned char>(character) < 0x80;
}

bool is_continuation(char character) {
  return (static_cast<unsigned char>(character) & 0xC0u) == 0x80u;
}

bool is_any_of(std::string_view character, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), character) != list.end();
}

class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {
    if (text.starts_with(kByteOrderMark)) at_ = line_start_ = kByteOrderMark.size();
  }

  std::optional<TomlError> run();

 private:
  enum class Ends : std::uint8_t { kInItsLine, kAnywhere };

  bool here(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  void step();  // over one byte
  void skip_comment();
  void skip_string(char quote);
  void skip_string_body(std::string_view closing, Ends ends);
  void skip_escape(Ends ends);
  void refuse(std::string what, std::string hint);
  void refuse_character();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t line_ = 1;
  int dots_ = 0;
  std::optional<TomlError> found_;
};

std::optional<TomlError> Scan::run() {
  while (at_ < text_.size() && !found_) {
    const char character = text_[at_];
    if (character == '#') {
      skip_comment();
    } else if (character == '"' || character == '\'') {
      skip_string(character);
    } else if (!is_ascii(character)) {
      refuse_character();
    } else if (character == '.' && ++dots_ > kMaxDotsInLine) {
      refuse("the line has more than 100 dots",
             "a setting is three names deep: services.web.listen");
    } else {
      step();
    }
  }
  return std::move(found_);
}

void Scan::step() {
  if (text_[at_++] != '\n') return;
  ++line_;
  line_start_ = at_;
  dots_ = 0;
}

void Scan::skip_comment() {
  at_ = std::min(text_.find('\n', at_), text_.size());
}

void Scan::skip_string(char quote) {
  // Elsewhere the library reads on as if it were a letter, and what follows would be no text to it.
  constexpr std::string_view kBeforeText = " \t\r\n=[{,.";
  if (at_ > line_start_ && kBeforeText.find(text_[at_ - 1]) == std::string_view::npos) {
    return refuse("not TOML: a quote stands in the middle of a word",
                  "a text has one quote before and one behind it");
  }
  const std::string three(3, quote);
  const bool long_string = here(three);
  at_ += long_string ? 3 : 1;
  skip_string_body(long_string ? three : three.substr(2),
                   long_string ? Ends::kAnywhere : Ends::kInItsLine);
  // """a""""" ends in two quotes of its own.
  for (int i = 0; long_string && i < 2 && here(three.substr(2)); ++i)
    ++at_;
}

void Scan::skip_string_body(std::string_view closing, Ends ends) {
  while (at_ < text_.size() && !found_) {
    if (here(closing)) {
      at_ += closing.size();
      return;
    }
    // The library stops here, at a text without its closing quote.
    if (ends == Ends::kInItsLine && text_[at_] == '\n') return;
    if (closing.front() == '"' && text_[at_] == '\\') {
      skip_escape(ends);
    } else {
      step();
    }
  }
}

// A backslash and what it escapes: one character, or the white space up to the next text.
void Scan::skip_escape(Ends ends) {
  step();
  bool any_space = false;
  while (ends == Ends::kAnywhere && at_ < text_.size() &&
         std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
    any_space = true;
    step();
  }
  if (at_ == text_.size()) return;
  if (!is_ascii(text_[at_])) {
    refuse("a backslash cannot stand before a letter beyond ASCII",
           "write the text without the backslash");
  } else if (!any_space && text_[at_] != '\n') {
    step();
  }
}

void Scan::refuse(std::string what, std::string hint) {
  const std::string_view before = text_.substr(line_start_, at_ - line_start_);
  const auto column = std::count_if(before.begin(), before.end(),
                                    [](char character) { return !is_continuation(character); });
  found_ = TomlError{{0, line_, static_cast<std::uint32_t>(column + 1)},
                     {ErrorCode::kSyntax, std::move(what), {}, std::move(hint)}};
}

void Scan::refuse_character() {
  const std::size_t length = utf8_length(text_, at_);
  if (length == 0) return refuse("not TOML: the text is not UTF-8", "save the file as UTF-8");
  const std::string_view character = text_.substr(at_, length);
  std::string hint = "a key or a value with such letters needs quotes";
  // “ ” ‘ ’ and the no-break space come with text that was copied from a page.
  if (is_any_of(character,
                {"\u201C", "\u201D", "\u2018", "\u2019", "\u201E", "\u00AB", "\u00BB"})) {
    hint = "use the plain quotes of the keyboard: \"text\"";
  }
  if (is_any_of(character, {"\u00A0", "\u202F", "\u2003", "\u3000", "\u200B", "\uFEFF"})) {
    return refuse("not TOML: a special space stands outside of quotes", "put a plain space there");
  }
  refuse("not TOML: " + quoted(character) + " stands outside of quotes", std::move(hint));
}

}  // namespace

std::optional<TomlError> scan_toml(std::string_view text) {
  return Scan(text).run();
}

}  // namespace polyport

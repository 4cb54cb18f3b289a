#include "tests/support/http_cases.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/paths.h"

namespace polyport::test {
namespace {

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw std::runtime_error(where + ": " + what);
}

// The byte that an escape other than \{N} stands for; `at` is moved behind it.
char escaped(const std::string& line, std::size_t& at, const std::string& where) {
  switch (line[at++]) {
    case '*':
      return kAnyRun;
    case 'r':
      return '\r';
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case '\\':
      return '\\';
    case 'x':
      at += 2;
      return static_cast<char>(std::stoi(line.substr(at - 2, 2), nullptr, 16));
    default:
      fail(where, "unknown escape");
  }
}

std::string unescape(const std::string& line, const std::string& where) {
  std::string bytes;
  std::size_t count = 1;
  for (std::size_t at = 0; at < line.size();) {
    char byte = line[at++];
    if (byte == '\\') {
      if (at == line.size()) fail(where, "a lone backslash");
      if (line[at] == '{') {
        const std::size_t end = line.find('}', at);
        if (end == std::string::npos) fail(where, "a count without its end");
        count = std::stoul(line.substr(at + 1, end - at - 1));
        at = end + 1;
        continue;
      }
      byte = escaped(line, at, where);
    }
    bytes.append(count, byte);
    count = 1;
  }
  return bytes;
}

std::string refusal(const std::string& status) {
  return "HTTP/1.1 " + status + " " + kAnyRun + "\r\nServer: t\r\nDate: " + kAnyRun +
         "\r\nContent-Type: application/json\r\nContent-Length: " + kAnyRun +
         "\r\nConnection: close\r\n\r\n{\"status_code\":" + status + "," + kAnyRun + "}\n";
}

// Reads one file line by line; what a line means depends on the block it stands in.
class Reader {
 public:
  explicit Reader(std::string name) : name_(std::move(name)) {}

  void take(const std::string& line) {
    if (block_.empty()) {
      if (line.starts_with("## ")) begin(line.substr(3));
      if (line.starts_with("```")) open(line.substr(3));
    } else if (line == "```") {
      close();
    } else {
      add(line);
    }
  }

  std::vector<HttpCase> finish() {
    if (!block_.empty()) fail(where(), "a block has no end");
    begin({});
    return std::move(cases_);
  }

 private:
  std::string where() const { return name_ + ": " + heading_; }

  void begin(const std::string& heading) {
    if (!heading_.empty()) {
      if (current_.request.empty() || current_.answer.empty()) fail(where(), "it lacks a block");
      cases_.push_back(current_);
    }
    heading_ = heading;
    current_ = HttpCase{};
    current_.name = where();
  }

  void open(const std::string& block) {
    block_ = block;
    if (block.starts_with("refused ") || block == "answer close") current_.closes = true;
    if (block == "events") current_.events.emplace();
    for (const char* known : {"request", "answer", "answer close", "events", "options"}) {
      if (block == known) return;
    }
    if (!block.starts_with("refused ")) fail(where(), "unknown block " + block);
  }

  void add(const std::string& line) {
    if (block_ == "events") {
      current_.events->push_back(line);
    } else if (block_ == "options") {
      const std::size_t equals = line.find(" = ");
      if (equals == std::string::npos) fail(where(), "an option is name = value");
      current_.options[line.substr(0, equals)] =
          static_cast<unsigned>(std::stoul(line.substr(equals + 3)));
    } else {
      (block_ == "request" ? current_.request : current_.answer).append(unescape(line, where()));
    }
  }

  void close() {
    if (block_.starts_with("refused ")) current_.answer += refusal(block_.substr(8));
    block_.clear();
  }

  std::string name_, heading_, block_;
  HttpCase current_;
  std::vector<HttpCase> cases_;
};

}  // namespace

std::vector<HttpCase> load_http_cases() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(source_path("tests/data/http"))) {
    if (entry.path().extension() == ".md") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<HttpCase> cases;
  for (const auto& path : files) {
    Reader reader(path.filename().string());
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
      reader.take(line);
    for (HttpCase& one : reader.finish())
      cases.push_back(std::move(one));
  }
  return cases;
}

bool matches(const std::string& answer, const std::string& bytes) {
  std::size_t at = 0;    // in bytes
  std::size_t from = 0;  // in answer
  bool any = false;      // a run of unknown bytes stands before
  for (;;) {
    const std::size_t mark = answer.find(kAnyRun, from);
    const std::string part = answer.substr(from, mark == std::string::npos ? mark : mark - from);
    std::size_t found = any ? bytes.find(part, at)
                            : (bytes.compare(at, part.size(), part) == 0 ? at : std::string::npos);
    if (found == std::string::npos) return false;
    if (bytes.substr(at, found - at).find('\n') != std::string::npos) return false;
    at = found + part.size();
    if (mark == std::string::npos) return at == bytes.size();
    from = mark + 1;
    any = true;
  }
}

std::string without_dates(std::string answer) {
  for (std::size_t at = answer.find("\r\nDate: "); at != std::string::npos;
       at = answer.find("\r\nDate: ", at + 8)) {
    const std::size_t end = answer.find("\r\n", at + 8);
    if (end == std::string::npos) break;
    answer.replace(at + 8, end - at - 8, "*");
  }
  return answer;
}

}  // namespace polyport::test

#include "tests/support/http_cases.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/paths.h"

namespace polyport::test {
namespace {

std::string unescape(const std::string& line, const std::string& where) {
  std::string bytes;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      bytes += line[i];
      continue;
    }
    if (++i == line.size()) throw std::runtime_error(where + ": a lone backslash");
    switch (line[i]) {
      case '*':
        bytes += kAnyRun;
        break;
      case 'r':
        bytes += '\r';
        break;
      case 'n':
        bytes += '\n';
        break;
      case 't':
        bytes += '\t';
        break;
      case '\\':
        bytes += '\\';
        break;
      case 'x':
        bytes += static_cast<char>(std::stoi(line.substr(i + 1, 2), nullptr, 16));
        i += 2;
        break;
      default:
        throw std::runtime_error(where + ": unknown escape");
    }
  }
  return bytes;
}

void load_file(const std::filesystem::path& path, std::vector<HttpCase>& cases) {
  std::ifstream file(path);
  const std::string name = path.filename().string();
  std::string line, heading;
  std::string* block = nullptr;
  HttpCase current;
  while (std::getline(file, line)) {
    if (block == nullptr && line.starts_with("## ")) {
      heading = line.substr(3);
      current = HttpCase{name + ": " + heading, {}, {}, false};
    } else if (line == "```request") {
      block = &current.request;
    } else if (line == "```answer" || line == "```answer close") {
      block = &current.answer;
      current.closes = line.ends_with("close");
    } else if (line == "```") {
      if (block == &current.answer) cases.push_back(current);
      block = nullptr;
    } else if (block != nullptr) {
      block->append(unescape(line, name + ": " + heading));
    } else if (line.starts_with("```")) {
      throw std::runtime_error(name + ": unknown block " + line);
    }
  }
}

}  // namespace

std::vector<HttpCase> load_http_cases() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(source_path("tests/data/http"))) {
    if (entry.path().extension() == ".md") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<HttpCase> cases;
  for (const auto& file : files)
    load_file(file, cases);
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

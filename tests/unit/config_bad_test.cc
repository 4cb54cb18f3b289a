// The broken files of config/bad: each begins with the messages it must give, "# expect: MESSAGE" a
// line, and gives exactly these, in this order. Checked against the services of the program.
#include <algorithm>
#include <filesystem>
#include <vector>

#include "app/types.h"
#include "core/base/text.h"
#include "tests/support/catch.h"
#include "tests/support/paths.h"

using namespace polyport;

namespace {

constexpr std::string_view kExpect = "# expect: ";

std::vector<std::string> expected_messages(std::string_view text) {
  std::vector<std::string> messages;
  for (const std::string_view line : split(text, '\n')) {
    if (!line.starts_with(kExpect)) break;
    messages.emplace_back(line.substr(kExpect.size()));
  }
  return messages;
}

std::vector<std::string> messages_of(std::string_view text) {
  std::vector<std::string> messages;
  for (const Error& error : load_settings(text, "FILE", make_schema()).errors) {
    const std::string line = error.text();
    messages.push_back(line.substr(line.find(':') + 1));
  }
  return messages;
}

std::vector<std::string> broken_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_path("config/bad"))) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST_CASE("every broken file gives exactly the messages it announces") {
  const std::vector<std::string> files = broken_files();
  CHECK(files.size() >= 20);
  for (const std::string& file : files) {
    INFO(file);
    const std::string text = test::read_file(file);
    const std::vector<std::string> expected = expected_messages(text);
    CHECK_FALSE(expected.empty());
    CHECK(messages_of(text) == expected);
  }
}

TEST_CASE("wherever a broken file is cut, each message is one line with its place") {
  for (const std::string& file : broken_files()) {
    const std::string text = test::read_file(file);
    for (std::size_t length = 0; length < text.size(); length += 7) {
      INFO(file << " cut to " << length);
      const auto result =
          load_settings(std::string_view(text).substr(0, length), "FILE", make_schema());
      for (const Error& error : result.errors) {
        CHECK(error.where.starts_with("FILE"));
        CHECK(error.text().find('\n') == std::string::npos);
      }
    }
  }
}

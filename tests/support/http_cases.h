// Golden cases of HTTP: tests/data/http/*.md, written by hand from the RFCs.
//
// A case is a heading, prose, and these blocks:
//
//   ```request        the bytes of the client. The line ends of the file count for nothing, and
//                     \r \n \t \\ \xHH stand for bytes, so that every byte that matters is seen.
//                     \{8000}a is the byte behind it so many times.
//   ```answer         the bytes of the server, which leaves the connection open; \* is any run of
//                     bytes within a line.
//   ```answer close   the same, and it ends the connection.
//   ```refused 400    instead: what stands in the block, mostly nothing, and then an error of that
//                     status as JSON, and the end of the connection.
//   ```events         what the handler was told, one line each: "head METHOD path",
//                     "request METHOD path BYTES", "abort". Left out where the answer says it all.
//   ```options        "name = value", a number: settings that differ from those of the runner.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace polyport::test {

inline constexpr char kAnyRun = '\x01';  // \* of an answer

struct HttpCase {
  std::string name;  // file and heading
  std::string request;
  std::string answer;
  bool closes = false;
  std::optional<std::vector<std::string>> events;
  std::map<std::string, unsigned> options;
};

// All cases of all files in tests/data/http; throws where a file is malformed.
std::vector<HttpCase> load_http_cases();

// Whether `bytes` are what the answer of a case, with its \*, says.
bool matches(const std::string& answer, const std::string& bytes);

// Replaces what stands after each "Date: " of an answer's head by "*".
std::string without_dates(std::string answer);

}  // namespace polyport::test

// Golden cases of HTTP: tests/data/http/*.md, written by hand from the RFCs.
//
// A case is a heading, prose, a block ```request and a block ```answer. In a block the line ends of
// the file count for nothing and \r \n \t \\ \xHH stand for bytes, so that every byte that matters
// is seen. In an answer \* is any run of bytes within a line. "```answer close" says that the
// server ends the connection afterwards,
// "```answer" that it stays open.
#pragma once

#include <string>
#include <vector>

namespace polyport::test {

inline constexpr char kAnyRun = '\x01';  // \* of an answer

struct HttpCase {
  std::string name;  // file and heading
  std::string request;
  std::string answer;
  bool closes = false;
};

// All cases of all files in tests/data/http; throws where a file is malformed.
std::vector<HttpCase> load_http_cases();

// Whether `bytes` are what the answer of a case, with its \*, says.
bool matches(const std::string& answer, const std::string& bytes);

// Replaces what stands after each "Date: " of an answer's head by "*".
std::string without_dates(std::string answer);

}  // namespace polyport::test

// One GET of a page, for commands that ask a running server something. It blocks, within a time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace polyport {

struct HttpPage {
  int status = 0;
  std::string body;
};

// "http://HOST[:PORT]", without a path: the errors say what is wrong with it.
Result<std::string> check_base_url(std::string_view url);

// `path` begins with a slash. Fails where there is no answer within `timeout`, or none that can be
// read, or one of more than 8 MiB.
Result<HttpPage> http_get(std::string_view base_url, std::string_view path,
                          std::chrono::milliseconds timeout);

}  // namespace polyport

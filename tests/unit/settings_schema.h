// What the tests of the settings share: rows like those of the real services, but fixed here, so
// that a new option of a service changes no test, and a few words for loading and looking.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/settings/settings.h"

namespace polyport::test {

const Schema& settings_schema();

// `text` as the file a.toml, against the rows above.
LoadResult load(std::string_view text, const std::vector<Override>& overrides = {});
// The override of a good "PATH=VALUE".
Override set(std::string_view argument);
// What is wrong, one message a line.
std::string errors_of(const LoadResult& result);
// The service of this name in a good result; fails the test otherwise.
ServiceSettings service(const LoadResult& result, std::string_view name);
// "tcp://localhost:1 udp://localhost:2"
std::string endpoints(const OptionValues& values, std::string_view option = "listen");

}  // namespace polyport::test

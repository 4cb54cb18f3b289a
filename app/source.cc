#include "app/source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

#include "app/build_info.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"

namespace polyport {
namespace {

constexpr std::string_view kAdHocName = "command line";

// TYPE[@NAME]:ENDPOINT
struct AdHoc {
  std::string_view argument;
  std::string_view type;
  std::string_view name;
  std::string_view endpoint;
};

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// Nothing where the argument does not look like one, a path for instance.
std::optional<AdHoc> split_ad_hoc(std::string_view argument) {
  const std::size_t colon = argument.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view head = argument.substr(0, colon);
  const std::size_t at = head.find('@');
  AdHoc parts{argument, head.substr(0, at), {}, argument.substr(colon + 1)};
  parts.name = at == std::string_view::npos ? parts.type : head.substr(at + 1);
  if (!is_word(parts.type) || !is_word(parts.name)) return std::nullopt;
  return parts;
}

Error usage(std::string what, std::string where, std::string hint) {
  return {ErrorCode::kNotFound, std::move(what), std::move(where), std::move(hint)};
}

// Reads at most one byte more than may be there. False with errno set.
bool read_all(int fd, std::string& text) {
  std::array<char, 65536> piece{};
  while (text.size() <= kMaxConfigurationBytes) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got == 0) return true;
    if (got > 0) {
      text.append(piece.data(), static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return false;
    }
  }
  errno = EFBIG;
  return false;
}

Source file_source(const std::string& path) {
  Source source;
  const bool standard_input = path == "-";
  source.name = standard_input ? "standard input" : printable(path);
  const int fd = standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || !read_all(fd, source.text)) {
    const int error = errno;
    const std::string hint =
        error == ENOENT ? "to start a service without a file write TYPE:PORT, as http:8080" : "";
    source.errors.push_back(usage(std::string("cannot read the configuration: ") +
                                      (error == EFBIG ? "over 1 MiB" : std::strerror(error)),
                                  source.name, hint));
  }
  if (fd >= 0 && !standard_input) ::close(fd);
  return source;
}

// Writes the text line by line and remembers which argument each line belongs to.
class AdHocWriter {
 public:
  explicit AdHocWriter(Source& source) : source_(source) {}

  void line(std::string_view text, std::string_view argument = {}) {
    source_.text.append(text).append("\n");
    source_.arguments.emplace_back(argument);
  }

  void service(const std::vector<AdHoc>& parts) {
    const AdHoc& first = parts.front();
    if (is_internal(first.type)) {
      line("[" + std::string(first.type) + "]", first.argument);
    } else {
      line("[services." + std::string(first.name) + "]", first.argument);
      line("type = " + json_string(first.type), first.argument);
    }
    line("listen = [", first.argument);
    for (const AdHoc& part : parts)
      line(json_string(part.endpoint) + ",", part.argument);
    line("]", first.argument);
  }

  static bool is_internal(std::string_view type) { return type == "health" || type == "admin"; }

 private:
  Source& source_;
};

}  // namespace

Source ad_hoc_source(const std::vector<std::string>& arguments) {
  Source source;
  source.name = kAdHocName;
  std::vector<std::string_view> names;  // in the order they were given
  std::map<std::string_view, std::vector<AdHoc>> services;
  for (const std::string& argument : arguments) {
    const auto parts = split_ad_hoc(argument);
    if (!parts) {
      source.errors.push_back(usage(quoted(argument) + " is no service", std::string(kAdHocName),
                                    "write TYPE:PORT, TYPE:ADDRESS:PORT or TYPE@NAME:PORT"));
      continue;
    }
    auto& list = services[parts->name];
    if (list.empty()) names.push_back(parts->name);
    if (!list.empty() && list.front().type != parts->type) {
      source.errors.push_back(usage("a service has one type", printable(argument),
                                    "give it a name of its own: TYPE@NAME:ENDPOINT"));
      continue;
    }
    list.push_back(*parts);
  }

  AdHocWriter writer(source);
  for (const std::string_view internal : {"health", "admin"}) {
    if (services.contains(internal)) continue;
    writer.line("[" + std::string(internal) + "]");
    writer.line("enabled = false");
  }
  for (const std::string_view name : names)
    writer.service(services.at(name));
  return source;
}

Source read_source(const std::vector<std::string>& what) {
  if (what.empty()) {
    return {.text = std::string(demo_configuration()), .name = "demo"};
  }
  const bool is_file = ::access(what.front().c_str(), F_OK) == 0 || !split_ad_hoc(what.front());
  if (what.size() == 1 && is_file) return file_source(what.front());
  return ad_hoc_source(what);
}

std::string Source::named_place(const std::string& place) const {
  const std::string start = name + ":";
  if (arguments.empty() || !place.starts_with(start)) return place;
  const std::string_view rest = std::string_view(place).substr(start.size());
  const auto line = parse_number<std::size_t>(rest.substr(0, rest.find(':')), 1);
  if (!line || *line > arguments.size() || arguments[*line - 1].empty()) return place;
  return printable(arguments[*line - 1]);
}

}  // namespace polyport

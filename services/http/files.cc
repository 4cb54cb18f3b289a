// Files of a folder: with types, conditions and ranges, packed beforehand where they are, an index
// for a folder or a listing of it.
#include <unistd.h>

#include <cerrno>

#include "core/base/text.h"
#include "core/http/accept.h"
#include "core/http/compress.h"
#include "core/http/url.h"
#include "services/http/endpoints.h"
#include "services/http/ranged.h"

namespace polyport::services::http {
namespace {

using In = RouteParameter::In;
using polyport::http::Coding;

class FileSource final : public ByteSource {
 public:
  explicit FileSource(OpenFile file) : file_(std::move(file)) {}
  std::uint64_t size() const override { return file_.size(); }
  bool read(std::uint64_t offset, std::span<char> into) override {
    while (!into.empty()) {
      const ssize_t count =
          ::pread(file_.fd(), into.data(), into.size(), static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;  // it has become shorter, or the disk fails
      into = into.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
    return true;
  }

 private:
  OpenFile file_;
};

Bytes type_by_name(std::string_view path) {
  constexpr std::pair<std::string_view, Bytes> kTypes[] = {
      {"html", "text/html; charset=utf-8"},
      {"htm", "text/html; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"json", "application/json"},
      {"map", "application/json"},
      {"txt", "text/plain; charset=utf-8"},
      {"log", "text/plain; charset=utf-8"},
      {"toml", "text/plain; charset=utf-8"},
      {"md", "text/markdown; charset=utf-8"},
      {"csv", "text/csv; charset=utf-8"},
      {"xml", "application/xml"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"avif", "image/avif"},
      {"ico", "image/vnd.microsoft.icon"},
      {"woff", "font/woff"},
      {"woff2", "font/woff2"},
      {"ttf", "font/ttf"},
      {"otf", "font/otf"},
      {"wasm", "application/wasm"},
      {"pdf", "application/pdf"},
      {"zip", "application/zip"},
      {"gz", "application/gzip"},
      {"zst", "application/zstd"},
      {"tar", "application/x-tar"},
      {"mp3", "audio/mpeg"},
      {"ogg", "audio/ogg"},
      {"wav", "audio/wav"},
      {"mp4", "video/mp4"},
      {"webm", "video/webm"}};
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  const std::string ending = dot == std::string_view::npos ? "" : to_lower(name.substr(dot + 1));
  for (const auto& known : kTypes) {
    if (ending == known.first) return known.second;
  }
  return kOctets;
}

// A file beside the wanted one that holds it packed ("a.css.br"), in a coding the client takes.
OpenFile packed_beside(Call& call, const std::string& path, Coding& coding) {
  const Bytes accept = call.request().value("Accept-Encoding");
  if (accept.empty()) return {};
  constexpr std::pair<Coding, std::string_view> kEndings[] = {
      {Coding::kZstd, ".zst"}, {Coding::kBrotli, ".br"}, {Coding::kGzip, ".gz"}};
  for (const auto& [one, ending] : kEndings) {
    const int any = polyport::http::coding_quality(accept, "*").value_or(0);
    if (polyport::http::coding_quality(accept, name(one)).value_or(any) == 0) continue;
    int error = 0;
    OpenFile file = call.site().folder()->open_below(path + std::string(ending), error);
    if (!file.is_regular()) continue;
    coding = one;
    return file;
  }
  return {};
}

void answer_file(Call& call, const std::string& path, OpenFile file) {
  RangedAnswer answer;
  answer.content_type = type_by_name(path);
  answer.headers = {{"Vary", "Accept-Encoding"}, {"X-Content-Type-Options", "nosniff"}};
  Coding coding{};
  if (OpenFile packed = packed_beside(call, path, coding); packed.is_regular()) {
    answer.headers.emplace_back("Content-Encoding", name(coding));
    file = std::move(packed);
  }
  answer.etag = file.etag();
  answer.last_modified = file.modified();
  answer.source = std::make_unique<FileSource>(std::move(file));
  answer_ranged(call, std::move(answer));
}

void answer_listing(Call& call, const std::string& path, const OpenFile& folder) {
  const std::string title = "/" + path;
  std::string page = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>" + html_escaped(title) +
                     "</title>\n<h1>" + html_escaped(title) + "</h1>\n<ul>\n";
  if (!path.empty()) page += "<li><a href=\"../\">../</a></li>\n";
  const auto entries = Folder::list(folder);
  for (const Folder::Entry& entry : entries) {
    const std::string slash = entry.folder ? "/" : "";
    page += "<li><a href=\"" + polyport::http::percent_encode(entry.name) + slash + "\">" +
            html_escaped(without_controls(entry.name)) + slash + "</a></li>\n";
  }
  if (entries.size() == Folder::kMostEntries) page += "<li>and more</li>\n";
  call.respond(200, kHtml, page + "</ul>\n",
               {{"Content-Security-Policy", "default-src 'none'"}, {"Cache-Control", "no-cache"}});
}

void answer_folder(Call& call, const std::string& path, OpenFile folder) {
  if (!path.empty() && !path.ends_with('/')) {  // what the page names is relative to it
    const Bytes query = call.request().query;
    return call.redirect(301, std::string(call.request().path) + "/" +
                                  (query.empty() ? "" : "?" + std::string(query)));
  }
  int error = 0;
  OpenFile index = call.site().folder()->open_below(path + "index.html", error);
  if (index.is_regular()) return answer_file(call, path + "index.html", std::move(index));
  if (call.options().listing) return answer_listing(call, path, folder);
  call.error(404, "this folder has no index.html, and listing is off");
}

void answer_failure(Call& call, int error) {
  if (error == EACCES) return call.error(403, "this file may not be read");
  if (error == EMFILE || error == ENFILE) {
    return call.error(503, "too many files are open", {{"Retry-After", "1"}});
  }
  call.error(404, "there is no such file");
}

void file(Call& call) {
  const std::string encoded = call.raw_path("path");
  // A slash in a name, or a NUL, is nothing a file system has; a decoded one would mean another
  // path.
  const std::string lower = to_lower(encoded);
  if (lower.find("%2f") != std::string::npos || lower.find("%00") != std::string::npos) {
    return call.error(404, "there is no such file");
  }
  const std::string path = call.path("path");
  int error = 0;
  OpenFile found = call.site().folder()->open_below(path, error);
  if (error != 0) return answer_failure(call, error);
  if (found.is_folder()) return answer_folder(call, path, std::move(found));
  if (path.ends_with('/')) return call.error(404, "a file is no folder");
  answer_file(call, path, std::move(found));
}

void to_folder(Call& call) {
  call.redirect(301, call.local(call.options().root_path + "/"));
}

constexpr RouteParameter kPath[] = {
    {.name = "path",
     .in = In::kPath,
     .help = "of the file; names that begin with a dot are hidden"},
    {.name = "Range", .in = In::kHeader, .help = "bytes=0-9, several with commas; 206, or 416"}};

}  // namespace

std::span<const Route> file_routes() {
  static constexpr Route kRoutes[] = {
      {"GET",
       "/files",
       "sends you to the folder",
       to_folder,
       {},
       {},
       Route::Body::kDiscard,
       Route::When::kFiles},
      {"GET", "/files/{path:path}", "a file of the folder", file, kPath, "/files/",
       Route::Body::kDiscard, Route::When::kFiles},
  };
  return kRoutes;
}

}  // namespace polyport::services::http

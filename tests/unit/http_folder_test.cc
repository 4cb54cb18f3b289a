// The files of a folder, and no way out of it, whoever resolves the path.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "services/http/folder.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::services::http;

namespace {

struct Tree {
  Tree() {
    char name[] = "/tmp/polyport-test-XXXXXX";
    path = ::mkdtemp(name);
    root = path + "/www";
    std::filesystem::create_directories(root + "/sub/deep");
    write("/secret", "secret");
    write("/www/a", "aaa");
    write("/www/sub/b", "bb");
    write("/www/.hidden", "secret");
    std::filesystem::create_symlink("../secret", root + "/out");
    std::filesystem::create_symlink("..", root + "/up");
    std::filesystem::create_symlink("/etc", root + "/absolute");
    REQUIRE(::mkfifo((root + "/fifo").c_str(), 0600) == 0);
  }
  ~Tree() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const char* text) { std::ofstream(path + name) << text; }
  std::string path, root;
};

}  // namespace

TEST_CASE("a folder gives its files and folders, and nothing beyond") {
  const Tree tree;
  const auto folder = Folder::open(tree.root);
  REQUIRE(folder);
  const auto resolve = GENERATE(Folder::Resolve::kByKernel, Folder::Resolve::kByNames);
  int error = 0;
  const auto open = [&](const std::string& path) {
    return (*folder)->open_below(path, error, resolve);
  };
  CHECK(open("a").is_regular());
  CHECK(open("a").size() == 3);
  CHECK(open("sub/b").size() == 2);
  CHECK(open("sub//b").size() == 2);
  CHECK(open("sub").is_folder());
  CHECK(open("sub/").is_folder());
  CHECK(open("sub/deep/").is_folder());
  CHECK(open("").is_folder());
  CHECK(error == 0);
  for (const char* path :
       {"out", "up/secret", "absolute/passwd", "../secret", "sub/../../secret", "sub/../a", ".",
        "..", ".hidden", "fifo", "none", "a/", "a/b", "/etc/passwd", "sub/none", "up", "/secret"}) {
    INFO(path);
    CHECK(open(path).fd() < 0);
    CHECK(error == ENOENT);
  }
  CHECK(open(std::string("a\0b", 3)).fd() < 0);
  CHECK(open(std::string(300, 'a')).fd() < 0);
  CHECK(error == ENAMETOOLONG);
}

TEST_CASE("a listing is sorted and hides what is hidden") {
  const Tree tree;
  const auto folder = Folder::open(tree.root);
  int error = 0;
  std::string names;
  for (const Folder::Entry& entry : Folder::list((*folder)->open_below("", error)))
    names += entry.name + (entry.folder ? "/ " : " ");
  CHECK(names == "a absolute fifo out sub/ up ");
  CHECK(Folder::list(OpenFile()).empty());
}

TEST_CASE("a tag changes with the file") {
  const Tree tree;
  const auto folder = Folder::open(tree.root);
  int error = 0;
  const std::string before = (*folder)->open_below("a", error).etag();
  CHECK(before == (*folder)->open_below("a", error).etag());
  std::ofstream(tree.root + "/a") << "aaaa";
  CHECK(before != (*folder)->open_below("a", error).etag());
}

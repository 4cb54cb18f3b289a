// The development CA: what is made, what is kept, what is refused. Files in a folder of the test;
// the clock is handed in.
#include "core/net/development_ca.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/state_folder.h"
#include "core/net/x509.h"
#include "tests/support/catch.h"

namespace fs = std::filesystem;
namespace x509 = polyport::x509;
using polyport::development_certificate;
using polyport::DevelopmentCertificate;
using polyport::DevelopmentWishes;
using polyport::ErrorCode;
using polyport::Result;
using polyport::Secrecy;
using polyport::StateFolder;

namespace {

using Time = std::chrono::system_clock::time_point;
using std::chrono::days;
using std::chrono::hours;

const Time kNow{std::chrono::seconds(1'800'000'000)};  // 2027-01-15

// A state directory that goes with the test.
class StateDir {
 public:
  StateDir() {
    std::string pattern = (fs::temp_directory_path() / "polyport-ca-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
  }
  ~StateDir() {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }
  StateDir(const StateDir&) = delete;
  StateDir& operator=(const StateDir&) = delete;

  std::string path() const { return (root_ / "state").string(); }
  fs::path file(const std::string& name) const { return root_ / "state" / "tls" / name; }

  std::string text(const std::string& name) const {
    std::ifstream in(file(name));
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(root_ / "state" / "tls"))
      found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }
  unsigned mode(const std::string& name) const {
    struct stat status {};
    REQUIRE(::stat(file(name).c_str(), &status) == 0);
    return status.st_mode & 07777;
  }

 private:
  fs::path root_;
};

const DevelopmentWishes kWishes{.names = {"localhost", "*.localhost", "127.0.0.1", "::1", "box"},
                                .host_name = "box"};

DevelopmentCertificate made(const StateDir& dir, Time now = kNow,
                            const DevelopmentWishes& wishes = kWishes) {
  auto result = development_certificate(dir.path(), wishes, now);
  INFO((result ? std::string() : result.error().text()));
  REQUIRE(result.has_value());
  return std::move(*result);
}

polyport::Error refused(const StateDir& dir, Time now = kNow,
                        const DevelopmentWishes& wishes = kWishes) {
  auto result = development_certificate(dir.path(), wishes, now);
  REQUIRE(!result.has_value());
  return result.error();
}

std::string base_name(const std::string& path) {
  return fs::path(path).filename().string();
}

}  // namespace

TEST_CASE("the first call makes a CA and a certificate, the second finds them") {
  const StateDir dir;
  const DevelopmentCertificate first = made(dir);
  CHECK(first.ca_is_new);
  CHECK(first.ca.path == dir.file("ca.crt").string());
  CHECK(first.names == kWishes.names);
  CHECK(first.refused.empty());
  CHECK(dir.names() == std::vector<std::string>{"ca.crt", "ca.key", "lock",
                                                base_name(first.chain_path), "server.key"});
  CHECK(dir.mode("ca.key") == 0600);
  CHECK(dir.mode("server.key") == 0600);
  CHECK(dir.mode("") == 0700);

  const std::string ca = dir.text("ca.crt");
  const std::string chain = dir.text(base_name(first.chain_path));
  const DevelopmentCertificate second = made(dir, kNow + days(300));
  CHECK(!second.ca_is_new);
  CHECK(second.ca.fingerprint == first.ca.fingerprint);
  CHECK(second.until == first.until);
  CHECK(dir.text("ca.crt") == ca);
  CHECK(dir.text(base_name(first.chain_path)) == chain);
}

TEST_CASE("the certificates say what they are for, and for how long") {
  const StateDir dir;
  const DevelopmentCertificate result = made(dir);
  const auto ca = x509::read_certificate(dir.text("ca.crt"));
  const auto server = x509::read_certificate(dir.text(base_name(result.chain_path)));
  const auto key = x509::read_key(dir.text("server.key"));
  REQUIRE(ca != nullptr);
  REQUIRE(server != nullptr);
  REQUIRE(key != nullptr);
  CHECK(x509::is_constrained_authority(ca));
  CHECK(!x509::is_constrained_authority(server));
  CHECK(x509::is_signed_by(server, ca));
  CHECK(!x509::is_signed_by(ca, server));
  CHECK(x509::belongs(server, key));
  CHECK(!x509::belongs(ca, key));
  CHECK(x509::subject_name(ca).starts_with("polyport development CA box "));
  CHECK(x509::fingerprint(ca) == result.ca.fingerprint);
  CHECK(result.ca.fingerprint.size() == 32 * 3 - 1);
  const auto validity = x509::validity(server);
  CHECK(validity.until - validity.from == days(397));
  CHECK(validity.from == std::chrono::floor<std::chrono::seconds>(kNow) - hours(1));
  // Behind the server's certificate stands the CA's.
  const std::string chain = dir.text(base_name(result.chain_path));
  CHECK(chain == x509::certificate_pem(server) + dir.text("ca.crt"));
}

TEST_CASE("the CA may sign for what is near by, and for nothing else") {
  const auto key = x509::make_key();
  REQUIRE(key != nullptr);
  const auto now = std::chrono::floor<std::chrono::seconds>(kNow);
  const auto ca = x509::make_authority(key, {.name = "polyport development CA", .host_name = "box"},
                                       {.from = now, .until = now + days(1)});
  REQUIRE(ca != nullptr);
  for (const char* const name :
       {"localhost", "app.localhost", "*.localhost", "box", "x.box", "a.test", "nas.local",
        "a.internal", "x.home.arpa", "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.31.0.1",
        "192.168.7.7", "169.254.1.1", "100.64.0.1", "::1", "fd00::1", "fe80::1"}) {
    INFO(name);
    CHECK(x509::may_sign(ca, name));
  }
  for (const char* const name : {"example.com", "localhost.example.com", "notlocalhost", "mailbox",
                                 "com", "*.com", "8.8.8.8", "172.32.0.1", "192.169.0.1",
                                 "100.128.0.1", "::2", "2001:db8::1", "::ffff:8.8.8.8"}) {
    INFO(name);
    CHECK(!x509::may_sign(ca, name));
  }
}

TEST_CASE("names the CA may not sign for are left out and told") {
  const StateDir dir;
  DevelopmentWishes wishes = kWishes;
  wishes.names.push_back("www.example.com");
  wishes.names.push_back("8.8.8.8");
  const DevelopmentCertificate result = made(dir, kNow, wishes);
  CHECK(result.names == kWishes.names);
  CHECK(result.refused == std::vector<std::string>{"www.example.com", "8.8.8.8"});
  // Of another host name the kept CA knows nothing.
  wishes = {.names = {"localhost", "crate"}, .host_name = "crate"};
  CHECK(made(dir, kNow, wishes).refused == std::vector<std::string>{"crate"});
}

TEST_CASE("other names have another certificate, of the same key and CA") {
  const StateDir dir;
  const DevelopmentCertificate first = made(dir);
  const std::string chain = dir.text(base_name(first.chain_path));
  DevelopmentWishes wishes = kWishes;
  wishes.names.push_back("192.168.1.20");
  const DevelopmentCertificate second = made(dir, kNow, wishes);
  CHECK(!second.ca_is_new);
  CHECK(second.ca.fingerprint == first.ca.fingerprint);
  CHECK(second.key_path == first.key_path);
  CHECK(second.chain_path != first.chain_path);
  CHECK(dir.text(base_name(first.chain_path)) == chain);  // who runs with it keeps it
  std::reverse(wishes.names.begin(), wishes.names.end());
  CHECK(made(dir, kNow, wishes).chain_path == second.chain_path);
}

TEST_CASE("a certificate is made anew in its last 30 days, and the CA stays") {
  const StateDir dir;
  const DevelopmentCertificate first = made(dir);
  const std::string key = dir.text("server.key");
  CHECK(made(dir, kNow + days(366)).until == first.until);
  const DevelopmentCertificate soon = made(dir, kNow + days(368));
  CHECK(soon.until > first.until);
  CHECK(soon.chain_path == first.chain_path);
  CHECK(soon.ca.fingerprint == first.ca.fingerprint);
  CHECK(!soon.ca_is_new);
  CHECK(dir.text("server.key") == key);
  const DevelopmentCertificate late = made(dir, kNow + days(2000));
  CHECK(late.until > soon.until);
  CHECK(late.ca.fingerprint == first.ca.fingerprint);
}

TEST_CASE("a certificate never outlives its CA, and a CA that ends is made anew with its key") {
  const StateDir dir;
  const DevelopmentCertificate first = made(dir);
  const DevelopmentCertificate last = made(dir, kNow + days(3600));
  CHECK(last.until == first.ca.until);
  const std::string key = dir.text("ca.key");
  const DevelopmentCertificate next = made(dir, kNow + days(3640));
  CHECK(next.ca_is_new);
  CHECK(next.ca.fingerprint != first.ca.fingerprint);
  CHECK(dir.text("ca.key") == key);
}

TEST_CASE("what a wrong clock has made is made anew; a clock of long ago makes nothing") {
  const StateDir dir;
  const DevelopmentCertificate future = made(dir, kNow + days(500));
  const DevelopmentCertificate now = made(dir, kNow);
  CHECK(now.ca_is_new);
  CHECK(now.until < future.until);
  const StateDir other;
  const auto error = refused(other, Time{} + days(1));
  CHECK(error.what == "the clock of this machine stands before the year 2025");
}

TEST_CASE("whoever was killed on the way left something that the next one takes") {
  const StateDir dir;
  made(dir);
  const std::string key = dir.text("ca.key");
  const std::string server_key = dir.text("server.key");
  for (const std::string& name : dir.names()) {
    if (name.ends_with(".crt")) fs::remove(dir.file(name));
  }
  dir.write("ca.crt.new", "-----BEGIN CERTIF");
  dir.write("server.key.new", "");
  const DevelopmentCertificate again = made(dir);
  CHECK(again.ca_is_new);
  CHECK(dir.text("ca.key") == key);
  CHECK(dir.text("server.key") == server_key);
  CHECK(!fs::exists(dir.file("ca.crt.new")));
}

TEST_CASE("a file that is not what it should be is told and left alone") {
  const StateDir dir;
  const std::string chain = base_name(made(dir).chain_path);
  const auto ca_of_others = [] {
    const auto key = x509::make_key();
    const auto now = std::chrono::floor<std::chrono::seconds>(kNow);
    return x509::certificate_pem(x509::make_authority(
        key, {.name = "somebody's CA", .host_name = ""}, {.from = now, .until = now + days(3650)}));
  };
  struct Case {
    std::string file;
    std::string text;
    std::string what;
  };
  const std::vector<Case> cases = {
      {"ca.crt", "", "is no certificate"},
      {"ca.crt", "-----BEGIN CERTIFICATE-----\nMIIB", "is no certificate"},
      {"ca.crt", ca_of_others(), "is not the development CA of a polyport"},
      {"ca.crt", dir.text(chain), "is not the development CA of a polyport"},
      {"ca.crt", std::string(StateFolder::kMaxFileBytes + 1, 'x'), "is larger than 65536 bytes"},
      {"server.key", "half of a k", "is no private key over P-256"},
      {chain, "half of a certifica", "is no certificate"},
      {chain, ca_of_others(), "is a certificate of another authority"},
  };
  for (const Case& each : cases) {
    INFO(each.file << ": " << each.what);
    const std::string good = dir.text(each.file);
    dir.write(each.file, each.text);
    const auto error = refused(dir);
    CHECK(error.what == each.what);
    CHECK(error.where == dir.file(each.file).string());
    CHECK(!error.hint.empty());
    CHECK(dir.text(each.file) == each.text);
    dir.write(each.file, good);
  }
  CHECK(!made(dir).ca_is_new);
}

TEST_CASE("the CA's key is needed to sign only") {
  const StateDir dir;
  made(dir);
  fs::remove(dir.file("ca.key"));
  CHECK(!made(dir).ca_is_new);
  const auto missing = refused(dir, kNow + days(390));
  CHECK(missing.where == dir.file("ca.key").string());
  dir.write("ca.key", dir.text("server.key"));
  fs::permissions(dir.file("ca.key"), fs::perms::owner_read | fs::perms::owner_write);
  CHECK(refused(dir, kNow + days(390)).what == "is not the key of ca.crt beside it");
}

TEST_CASE("files that others may read or change are not trusted") {
  const StateDir dir;
  made(dir);
  const auto mode = [&dir](const std::string& name, unsigned bits) {
    REQUIRE(::chmod(dir.file(name).c_str(), bits) == 0);
  };
  mode("server.key", 0640);
  CHECK(refused(dir).what == "has the mode 0640: others may read it");
  CHECK(refused(dir).code == ErrorCode::kNotPermitted);
  mode("server.key", 0600);
  mode("ca.crt", 0666);
  CHECK(refused(dir).what == "has the mode 0666: others may change it");
  mode("ca.crt", 0644);
  mode("", 0777);
  CHECK(refused(dir).where == dir.file("").string().substr(0, dir.file("").string().size() - 1));
  mode("", 0700);
  fs::rename(dir.file("ca.crt"), dir.file("elsewhere"));
  fs::create_symlink("elsewhere", dir.file("ca.crt"));
  CHECK(refused(dir).what == "is a symbolic link");
  fs::remove(dir.file("ca.crt"));
  fs::create_directory(dir.file("ca.crt"));
  CHECK(refused(dir).what == "is no regular file");
  fs::remove(dir.file("ca.crt"));
  REQUIRE(::mkfifo(dir.file("ca.crt").c_str(), 0600) == 0);
  CHECK(refused(dir).what == "is no regular file");  // and not stopped by it
}

TEST_CASE("what is good is taken without writing") {
  const StateDir dir;
  made(dir);
  fs::remove(dir.file("lock"));
  made(dir);
  CHECK(!fs::exists(dir.file("lock")));
}

TEST_CASE("where nothing can be written, all of it lies in memory, and says why") {
  std::string path;
  {
    const auto made = development_certificate("/dev/null/state", kWishes, kNow);
    REQUIRE(made.has_value());
    REQUIRE(made->not_stored.has_value());
    CHECK(made->not_stored->where == "/dev/null/state/tls");
    CHECK(made->not_stored->what == "cannot be created: Not a directory");
    CHECK(made->ca_is_new);
    CHECK(made->names == kWishes.names);
    path = made->ca.path;
    const auto text = [](const std::string& file) {
      std::ifstream in(file);
      std::stringstream all;
      all << in.rdbuf();
      return all.str();
    };
    const auto ca = x509::read_certificate(text(made->ca.path));
    const auto server = x509::read_certificate(text(made->chain_path));
    const auto key = x509::read_key(text(made->key_path));
    REQUIRE(ca != nullptr);
    REQUIRE(server != nullptr);
    REQUIRE(key != nullptr);
    CHECK(x509::is_signed_by(server, ca));
    CHECK(x509::belongs(server, key));
    CHECK(x509::fingerprint(ca) == made->ca.fingerprint);
  }
  CHECK(!fs::exists(path));
  const auto nowhere = development_certificate("", kWishes, kNow);
  REQUIRE(nowhere.has_value());
  CHECK(nowhere->not_stored->what == "there is no state directory");
  const StateDir dir;
  CHECK(polyport::development_ca(dir.path()).error().code == ErrorCode::kNotFound);
}

TEST_CASE(
    "certificates of other networks go when there are many of them, or when they have ended") {
  const StateDir dir;
  DevelopmentWishes wishes = kWishes;
  wishes.names.push_back("");
  const auto count = [&dir] {
    const auto names = dir.names();
    return std::count_if(names.begin(), names.end(),
                         [](const std::string& name) { return name.starts_with("server-"); });
  };
  const std::string oldest = base_name(made(dir).chain_path);
  const std::string chain = dir.text(oldest);
  for (int i = 0; i < 70; ++i)
    dir.write("server-" + std::to_string(i) + ".crt", chain);
  dir.write("server-foreign.crt", "of somebody else");
  wishes.names.back() = "10.0.0.1";
  made(dir, kNow + hours(1), wishes);
  CHECK(count() == 65);
  made(dir, kNow + hours(2));
  CHECK(count() == 65);
  CHECK(dir.text("server-foreign.crt") == "of somebody else");
  made(dir, kNow + days(500), kWishes);
  CHECK(count() == 2);
}

TEST_CASE("names of a certificate are checked") {
  CHECK(x509::check_name("App.LocalHost").value() == "app.localhost");
  CHECK(x509::check_name("*.test").value() == "*.test");
  CHECK(x509::check_name("0:0:0:0:0:0:0:1").value() == "::1");
  for (const char* const name : {"", "*", "a,b", "a b", "a..b", ".a", "a.", "-a", "a-", "x.*.test",
                                 "fe80::1%lo", "a,permitted;DNS:com", "caf\xc3\xa9.test"}) {
    INFO(name);
    CHECK(!x509::check_name(name).has_value());
  }
  CHECK(!x509::check_name(std::string(64, 'a') + ".test").has_value());
}

TEST_CASE("a lock is waited for, but not for ever") {
  const StateDir dir;
  auto first = StateFolder::make(dir.path());
  REQUIRE(first.has_value());
  REQUIRE(first->lock(std::chrono::seconds(1)).has_value());
  auto second = StateFolder::open(dir.path());
  REQUIRE(second.has_value());
  const auto held = second->lock(std::chrono::milliseconds(30));
  REQUIRE(!held.has_value());
  CHECK(held.error().code == ErrorCode::kConflict);
  { const StateFolder gone = std::move(*first); }
  CHECK(second->lock(std::chrono::seconds(1)).has_value());
}

// Runs one fuzz target over the files named on the command line, without libFuzzer.
//
// The ordinary test run replays each target's small corpus this way, with g++ and with clang, so
// that a finding once fixed stays fixed. It mutates nothing: that is libFuzzer's work (preset
// fuzz).
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", argv[i]);
      return 1;
    }
    std::vector<char> chars{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    // An exact copy: a sanitizer sees a read one byte past the input.
    const std::vector<std::uint8_t> input(chars.begin(), chars.end());
    std::fprintf(stderr, "%s (%zu bytes)\n", argv[i], input.size());
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%d inputs replayed\n", argc - 1);
  return argc > 1 ? 0 : 1;
}

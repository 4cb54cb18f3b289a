// polyport bind-matrix: which two sockets may have one port, tried on this kernel.
//
// Every pair of six addresses is really bound: what is printed is what the kernel answered, and the
// rule beside it is chosen by that answer. Where an answer and the rules of
// core/ports/bind_rules.h differ, it says so instead of naming a rule.
#pragma once

#include <cstdint>

namespace polyport {

struct BindMatrixOptions {
  enum class Extent : std::uint8_t { kTcpListeners, kAll };
  enum class Format : std::uint8_t { kText, kJson };
  enum class Mode : std::uint8_t { kShow, kPredict };
  Extent extent = Extent::kTcpListeners;
  Format format = Format::kText;
  // kPredict: the user fills the table of two TCP listeners first, key by key on a terminal, else
  // with one line of standard input a row.
  Mode mode = Mode::kShow;
};

// The exit code: 0, or 1 where this kernel does not keep to the rules.
int run_command(const BindMatrixOptions& options);

}  // namespace polyport

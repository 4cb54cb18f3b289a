// Result<T>: a value or an Error. The one place that names tl::expected (std::expected needs C++23,
// which clang 14 does not have).
#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "core/base/error.h"

namespace polyport {

template <class T>
using Result = tl::expected<T, Error>;

// The same where the failure is told as facts instead of a sentence.
template <class T, class E>
using Expected = tl::expected<T, E>;

inline tl::unexpected<Error> failure(ErrorCode code, std::string what, std::string where = {},
                                     std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(what), std::move(where), std::move(hint)});
}

}  // namespace polyport

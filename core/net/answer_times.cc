#include "core/net/answer_times.h"

#include <uv.h>

namespace polyport {

std::uint64_t AnswerTimes::now_ns() {
  return uv_hrtime();
}

}  // namespace polyport

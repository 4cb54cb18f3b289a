// Refusal: why a message is not taken, as the status of the answer and one sentence for a person.
#pragma once

#include "core/base/bytes.h"

namespace polyport::http {

struct Refusal {
  int status = 0;     // 0: nothing is wrong
  Bytes detail = {};  // a literal; says what to do where something helps

  explicit operator bool() const { return status != 0; }
};

}  // namespace polyport::http

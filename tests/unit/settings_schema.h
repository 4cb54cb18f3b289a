// Rows for the tests of the settings: like those of the real services, but fixed here, so that a
// new option of a service changes no test.
#pragma once

#include "core/settings/settings.h"

namespace polyport::test {

const Schema& settings_schema();

}  // namespace polyport::test

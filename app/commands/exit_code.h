// ExitCode: what the program tells the shell. The same numbers for every command.
#pragma once

namespace polyport {

enum ExitCode : int {
  kExitOk = 0,
  kExitNo = 1,            // the answer is no: refused, unhealthy, the check found errors
  kExitUsage = 2,         // the command line or what it names cannot be understood
  kExitCannotBind = 3,    // an address or a port could not be had
  kExitNotPermitted = 4,  // the system forbids it
  kExitFailed = 5,        // any other failure while running
};

}  // namespace polyport

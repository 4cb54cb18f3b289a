// The addresses under which other machines may reach this one.
#pragma once

#include <vector>

#include "core/socket/address.h"

namespace polyport {

// Of every interface that is up, without loopback and link-local ones; IPv4 first. Port 0.
std::vector<Address> network_addresses();

}  // namespace polyport

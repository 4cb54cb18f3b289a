#include "core/net/admission.h"

namespace polyport {

bool Admission::admit(const Address& peer) {
  if (limits_.per_address != 0 && !per_address_.add(peer, limits_.per_address)) return false;
  ++open_;
  rate_.take();
  return true;
}

void Admission::leave(const Address& peer) {
  --open_;
  if (limits_.per_address != 0) per_address_.remove(peer);
}

}  // namespace polyport

#include "core/net/stage.h"

#include "core/base/assert.h"
#include "core/net/network.h"

namespace polyport {

StageSet::~StageSet() {
  POLYPORT_ASSERT(wire == nullptr);
}

void Stage::pass_open() {
  if (over()) return;
  if (above_ != nullptr) {
    above_->start();
  } else {
    connection_->network().stages_opened(*connection_);
  }
}

void Stage::pass_up(Bytes bytes) {
  if (bytes.empty() || over()) return;
  if (above_ != nullptr) {
    above_->receive(bytes);
  } else {
    connection_->network().deliver_staged(*connection_, bytes);
  }
}

void Stage::pass_end() {
  if (over()) return;
  if (above_ != nullptr) {
    above_->receive_end();
  } else {
    connection_->network().end_staged(*connection_);
  }
}

void Stage::pass_down(Bytes bytes) {
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  pass_down(&piece, 1);
}

void Stage::pass_down(const iovec* pieces, std::size_t count) {
  if (below_ != nullptr) {
    below_->send(pieces, count);
  } else {
    connection_->network().gather_wire(*connection_, pieces, count);
  }
}

void Stage::pass_shutdown() {
  if (below_ != nullptr) below_->shutdown();
}

void Stage::refuse(CloseReason reason) {
  connection_->network().refuse_staged(*connection_, reason);
}

void Stage::note_failure(std::string_view why) {
  connection_->network().note_handshake_failure(*connection_, why);
}

bool Stage::over() const {
  return connection_->ending();
}

}  // namespace polyport

// The floor of echo over UDP: floor_udp. Sixteen datagrams a call in, the same out, each from the
// address it was sent to (IP_PKTINFO), the kernel's drops counted (SO_RXQ_OVFL), as polyport does.
#include <sys/uio.h>

#include "floor.h"

enum { kBatch = 16, kControlBytes = 128 };

static char input[kBatch][kBufferBytes];
static char control[kBatch][kControlBytes], answer_control[kBatch][CMSG_SPACE(sizeof(struct in_pktinfo))];
static struct sockaddr_storage peers[kBatch];
static struct iovec pieces[kBatch];
static struct mmsghdr questions[kBatch], answers[kBatch];

static void prepare(void) {
  for (int i = 0; i < kBatch; ++i) {
    pieces[i] = (struct iovec){input[i], kBufferBytes};
    questions[i].msg_hdr = (struct msghdr){.msg_name = &peers[i], .msg_namelen = sizeof peers[i],
                                           .msg_iov = &pieces[i], .msg_iovlen = 1,
                                           .msg_control = control[i], .msg_controllen = kControlBytes};
  }
}

static void answer_from_its_address(int i) {
  struct msghdr *const question = &questions[i].msg_hdr, *const answer = &answers[i].msg_hdr;
  *answer = *question;
  pieces[i].iov_len = questions[i].msg_len;
  answer->msg_control = NULL;
  answer->msg_controllen = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(question); c != NULL; c = CMSG_NXTHDR(question, c)) {
    if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO) continue;
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(c), sizeof info);
    info.ipi_ifindex = 0;
    info.ipi_spec_dst = info.ipi_addr;
    struct cmsghdr *const out = (struct cmsghdr *)answer_control[i];
    *out = (struct cmsghdr){.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO,
                            .cmsg_len = CMSG_LEN(sizeof info)};
    memcpy(CMSG_DATA(out), &info, sizeof info);
    answer->msg_control = out;
    answer->msg_controllen = CMSG_SPACE(sizeof info);
  }
}

int main(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  need(fd >= 0, "socket");
  set(fd, IPPROTO_IP, IP_PKTINFO, 1);
  set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  bind_and_tell(fd, 0);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, fd);
  for (;;) {
    static struct epoll_event events[kMostEvents];
    wait_for(epoll, events);
    int count;
    do {  // a full batch means that there may be more
      prepare();
      count = recvmmsg(fd, questions, kBatch, MSG_DONTWAIT, NULL);
      for (int i = 0; i < count; ++i)
        answer_from_its_address(i);
      if (count > 0) sendmmsg(fd, answers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (count == kBatch);
  }
}

package slowpath

import (
	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// sender collects what leaves by one socket and sends it in one system call.
type sender struct {
	v     *vector
	fd    int
	n     int
	count *portCounters
}

func (s *sender) init(v *vector, count *portCounters) { s.v, s.count = v, count }

// next returns the place of another datagram for fd.
func (s *sender) next(fd int) int {
	if s.n == len(s.v.heads) || fd != s.fd {
		s.flush()
		s.fd = fd
	}
	s.n++
	return s.n - 1
}

// flush sends what is collected. What the kernel refuses is skipped: the reason
// (no memory, interface down, no route) is not the next datagram's.
func (s *sender) flush() {
	for from := 0; from < s.n; {
		sent, errno := s.v.send(s.fd, from, s.n)
		if errno == unix.EINTR {
			continue
		}
		s.count.sent.add(uint64(sent))
		from += sent
		if errno != 0 {
			s.count.sendFailed.add(1)
			from++
		}
	}
	s.n = 0
}

// datagram sends a reply through the kernel's UDP and its routing.
func (s *sender) datagram(by *socket, r *frame.Reply, dst frame.IP) {
	i := s.next(by.fd)
	s.v.put(i, r.Buf[frame.Headroom:frame.Headroom+r.Len])
	s.v.address(i, &r.To, dst)
}

package flood

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"needletail/internal/rfc3074"
)

// Config describes a flood.
type Config struct {
	Interface string  // to send through; its far end must take XDP frames
	To        [6]byte // Ethernet address of the server
	Salt      uint8   // second byte of every hardware address
	First     uint32  // number of the first client
	// Wanted tells which RFC 3074 buckets the clients shall fall into; nil: all.
	Wanted func(bucket uint8) bool
	// Malformed gives every query one fault, each kind as often as another.
	Malformed bool
}

// Flood is a loaded program with its template. One goroutine uses it.
type Flood struct {
	objects FloodObjects
	frame   []byte
}

// Open loads the program. It must be called, as must Send, on a thread in the
// network namespace of the interface, with CAP_NET_ADMIN and CAP_BPF.
func Open(c Config) (*Flood, error) {
	ifi, err := net.InterfaceByName(c.Interface)
	if err != nil {
		return nil, fmt.Errorf("flood through %s: %w", c.Interface, err)
	}
	if len(ifi.HardwareAddr) != 6 || ifi.Flags&net.FlagLoopback != 0 {
		return nil, fmt.Errorf("flood through %s: not an Ethernet interface", c.Interface)
	}
	return newFlood(c, ifi.Index, [6]byte(ifi.HardwareAddr))
}

func newFlood(c Config, target int, from [6]byte) (*Flood, error) {
	f := &Flood{frame: template(c.To, from)}
	if err := LoadFloodObjects(&f.objects, nil); err != nil {
		return nil, fmt.Errorf("load the flood program: %w", err)
	}
	s := FloodSettings{First: c.First, Target: uint32(target), Mac: [2]uint8{0x02, c.Salt}, Need: needs(c.Wanted), Table: rfc3074.Table}
	if c.Malformed {
		s.Malformed = 1
	}
	s.IpSum, s.IpSumFragment = sums(f.frame)
	if err := f.objects.Shared.Put(uint32(0), s); err != nil {
		f.Close()
		return nil, fmt.Errorf("set up the flood program: %w", err)
	}
	return f, nil
}

// Made returns how many queries the program has made.
func (f *Flood) Made() (n uint64, err error) {
	err = f.objects.Made.Lookup(uint32(0), &n)
	return n, err
}

// batch is how many frames the kernel makes before it hands them over: as many
// as it takes by itself.
const batch = 64

// Send makes n queries as fast as the kernel can.
func (f *Flood) Send(n uint32) error {
	_, err := f.objects.FloodPrograms.Flood.Run(&ebpf.RunOptions{Data: f.frame, Repeat: n, Flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES, BatchSize: batch})
	if err != nil {
		return fmt.Errorf("send live frames: %w", err)
	}
	return nil
}

// tick is how often a paced flood sends; within a tick frames come as fast as
// they can be made.
const tick = 2 * time.Millisecond

// behindMax bounds what a flood makes up for in one go after it was held up;
// a processor that cannot keep the rate thus floods without a pause.
const behindMax = 50 * time.Millisecond

// Run sends rate queries a second until ctx ends, fewer if the processor cannot
// make so many: Made tells. A system call that a signal interrupts begins anew,
// so what is due follows from what was made.
func (f *Flood) Run(ctx context.Context, rate float64) error {
	begin := time.Now()
	first, err := f.Made()
	for ctx.Err() == nil && err == nil {
		var made uint64
		if made, err = f.Made(); err != nil {
			break
		}
		due := min(time.Since(begin).Seconds()*rate-float64(made-first), rate*behindMax.Seconds())
		if due >= 1 {
			err = f.Send(uint32(due))
		}
		select {
		case <-ctx.Done():
		case <-time.After(tick):
		}
	}
	return err
}

// Close frees the program.
func (f *Flood) Close() error { return f.objects.Close() }

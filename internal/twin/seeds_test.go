package twin

import (
	"bytes"
	"testing"
	"time"

	"needletail/internal/frame"
	"needletail/internal/transcript"
)

// recorder is a server that answers nobody and keeps what it was sent.
type recorder struct{ frames [][]byte }

func (r *recorder) Start([]byte, []transcript.Interface) error { return nil }
func (r *recorder) Advance(time.Duration) error                { return nil }
func (r *recorder) Restart() error                             { return nil }
func (r *recorder) Reload([]byte) error                        { return nil }
func (r *recorder) Do(transcript.Step) ([]string, error)       { return nil, nil }
func (r *recorder) Exchange(q transcript.Query) (transcript.Reply, error) {
	if len(q.Message) <= frame.MessageMax {
		r.frames = append(r.frames, wrap(q))
	}
	return transcript.Reply{}, nil
}

// wrap makes a frame of a message.
func wrap(q transcript.Query) []byte {
	var m frame.Reply
	m.Buf = make([]byte, frame.Headroom+frame.MessageMax)
	m.Len = copy(m.Message(), q.Message)
	m.To = frame.Destination{DstMAC: frame.Broadcast, SrcPort: q.Src.Port(), DstPort: frame.ServerPort}
	if q.Src.IsValid() {
		m.To.Src = q.Src.Addr().As4()
	}
	m.To.Dst = frame.BroadcastIP
	if q.Dst.IsValid() {
		m.To.Dst = q.Dst.Addr().As4()
	}
	var src [6]byte
	copy(src[:], q.SrcMAC)
	return frame.Write(&m, src)
}

// transcripts returns the frame of every query in the transcripts.
func transcripts(t testing.TB) [][]byte {
	var r recorder
	for _, f := range transcript.Files(t, "../../slowpath/testdata/*.txt") {
		// A step that needs an answer it did not get ends the recording of
		// this transcript, not of the others.
		_, _ = f.Run(&r)
	}
	return r.frames
}

// tagged puts tags into a frame.
func tagged(f []byte, tags ...byte) []byte {
	return append(append(append([]byte(nil), f[:12]...), tags...), f[12:]...)
}

// The headers of a frame of frame.Write, in bytes.
const (
	ipAt      = 14
	udpAt     = ipAt + 20
	messageAt = udpAt + 8
	optionsAt = messageAt + 240
)

// lengthened puts so many bytes of IPv4 options into a frame, all no operation
// (RFC 791).
func lengthened(f []byte, n int) []byte {
	g := append(append(append([]byte(nil), f[:udpAt]...), bytes.Repeat([]byte{1}, n)...), f[udpAt:]...)
	g[ipAt] += byte(n / 4)
	put(g, ipAt+2, len(g)-ipAt)
	return summed(g)
}

// places are addresses of relays in and about the subnets of the territories.
var places = [][4]byte{{10, 0, 0, 1}, {10, 0, 0, 9}, {10, 0, 1, 1}, {10, 0, 1, 9}, {10, 0, 2, 1}, {10, 0, 2, 9}, {10, 0, 3, 9}, {10, 0, 4, 9}, {172, 16, 0, 1}, {172, 16, 0, 2}}

// relayed has the query come by a relay.
func relayed(f []byte, relay [4]byte) []byte {
	g := append([]byte(nil), f...)
	copy(g[messageAt+24:], relay[:])
	return g
}

// put writes 16 bits.
func put(f []byte, at, v int) { f[at], f[at+1] = byte(v>>8), byte(v) }

// summed puts the checksum of the IPv4 header right.
func summed(f []byte) []byte {
	put(f, ipAt+10, 0)
	sum := 0
	for i := ipAt; i < ipAt+int(f[ipAt]&0xf)*4; i += 2 {
		sum += int(f[i])<<8 | int(f[i+1])
	}
	sum = sum>>16 + sum&0xffff
	put(f, ipAt+10, ^(sum>>16+sum)&0xffff)
	return f
}

// cut shortens the message to n bytes of options, with lengths that agree.
func cut(f []byte, n int) []byte {
	g := append([]byte(nil), f[:optionsAt+n]...)
	put(g, ipAt+2, len(g)-ipAt)
	put(g, udpAt+4, len(g)-udpAt)
	return summed(g)
}

// liars are a frame once for each of its options and each length that the option
// does not have: none, one less, one more, all that there can be.
func liars(f []byte) (all [][]byte) {
	for at := optionsAt; at+1 < len(f) && f[at] != 255; {
		if f[at] == 0 {
			at++
			continue
		}
		n := f[at+1]
		for _, lie := range []byte{0, n - 1, n + 1, 255} {
			g := append([]byte(nil), f...)
			g[at+1] = lie
			all = append(all, g)
		}
		at += 2 + int(n)
	}
	return all
}

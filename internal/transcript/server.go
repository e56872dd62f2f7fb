package transcript

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// Server is what a transcript runs against.
type Server interface {
	// Start makes the server serve this configuration (a whole Kea document)
	// on these interfaces, with an empty lease database.
	Start(config []byte, ifs []Interface) error
	// Exchange sends one query and returns the reply; Message is nil if none
	// came.
	Exchange(q Query) (Reply, error)
	// Advance lets time pass.
	Advance(d time.Duration) error
	// Restart ends the server and starts it over the same lease database.
	Restart() error
	// Reload replaces the configuration.
	Reload(config []byte) error
	// Do runs a step only some servers know (leases, scope, unacked) and
	// returns its output lines.
	Do(s Step) ([]string, error)
}

// ErrCannot is returned by a Server for a step it cannot do; the transcript
// is then not for that server.
var ErrCannot = errors.New("this server cannot do that")

// Interface is an interface of the server.
type Interface struct {
	Name  string
	Addrs []netip.Addr
}

// Query is one message on its way to the server.
type Query struct {
	Message   []byte
	SrcMAC    net.HardwareAddr
	Src, Dst  netip.AddrPort
	Interface string
}

// Reply is what came back.
type Reply struct {
	Message []byte // nil: none
	Silence string // why, if the server can tell
	DstMAC  net.HardwareAddr
	Dst     netip.AddrPort
	Src     netip.Addr
	Pending bool // nobody answered, but something was written (RELEASE)
}

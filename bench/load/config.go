package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Config describes one run.
type Config struct {
	Clients  int           // distinct clients, 1..ClientsMax
	Mix      Mix           // what they do
	Rate     float64       // exchanges begun per second
	Duration time.Duration // time in which exchanges begin; answers are awaited Timeout longer
	Timeout  time.Duration // an exchange without its answer by then is lost
	// Retransmit lets clients send again as RFC 2131 section 4.1 asks: after
	// 4, 8, 16, 32 and 64 s, each give or take up to one, secs growing. Off,
	// one message without answer loses the exchange.
	Retransmit bool
	BackOff    time.Duration // the first wait; 0: 4 s
	FlatRetry  bool          // every wait is BackOff: to time an outage, not to play a client
	Salt       uint8         // second byte of every hardware address
	ClientID   bool          // send option 61
	Broadcast  bool          // clients without an address ask for broadcast answers
	Server     netip.Addr    // where relays and renewing clients send
	ServerMAC  [6]byte
	Own        netip.Addr   // source of direct unicasts when a client has no address
	OwnMAC     [6]byte      // source of relayed frames
	Relays     []netip.Addr // empty: direct broadcast
	Seed       int64
	// Fresh: a DORA is never begun by a client that holds a lease. Without one
	// left it is skipped.
	Fresh bool
	// Restart lets a client that is refused begin anew by a DISCOVER, as RFC 2131
	// section 3.2 asks. The exchange goes on as a DORA and counts as one when it
	// ends. Off, a NAK loses the exchange.
	Restart bool
	// Only tells which clients take part, by their client identifier; nil: all.
	Only func(id []byte) bool
}

// Patience is a timeout for clients that retransmit: by then the back-off of RFC
// 2131 section 4.1 has reached its longest wait of 64 s.
const Patience = 150 * time.Second

// rateMax is more exchanges a second than frames fit on a wire of 100 Gbit/s.
const rateMax = 100e6

// Check reports what is wrong with a Config.
func (c *Config) Check() error {
	switch {
	case c.Clients < 1 || c.Clients > ClientsMax:
		return fmt.Errorf("clients: %d, must be 1 to %d", c.Clients, ClientsMax)
	case !(c.Rate > 0 && c.Rate <= rateMax): // not a number is neither
		return fmt.Errorf("rate: %g, must be more than 0 and at most %.0f exchanges a second", c.Rate, rateMax)
	case c.Duration <= 0 || c.Timeout <= 0:
		return errors.New("duration and timeout must be more than 0")
	case c.Rate*c.Duration.Seconds() < 1:
		return fmt.Errorf("rate: not one exchange begins at %g a second in %v", c.Rate, c.Duration)
	case c.Mix.total() == 0:
		return errors.New("mix: nothing to do")
	case !c.Server.Is4():
		return errors.New("server: an IPv4 address is needed, relays and renewing clients send there")
	}
	for _, r := range c.Relays {
		if !r.Is4() {
			return fmt.Errorf("relay %s: not an IPv4 address", r)
		}
	}
	return nil
}

func (c *Config) backOff() time.Duration {
	if c.BackOff > 0 {
		return c.BackOff
	}
	return 4 * time.Second
}

package load

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Exchange is a conversation between one client and the server.
type Exchange uint8

// Exchanges. Release and Decline expect no answer (RFC 2131 section 3.1) and
// count as done when sent.
const (
	DORA       Exchange = iota // DISCOVER, OFFER, REQUEST, ACK
	Renew                      // REQUEST to the server that leased, RENEWING
	Rebind                     // REQUEST to everybody, REBINDING
	InitReboot                 // REQUEST for the remembered address
	Release
	Decline
	Inform
	exchanges
)

var exchangeNames = [exchanges]string{"dora", "renew", "rebind", "init-reboot", "release", "decline", "inform"}

// String returns the name used on the command line and in results.
func (e Exchange) String() string { return exchangeNames[e] }

// bound tells whether a client must hold a lease to begin.
func (e Exchange) bound() bool { return e != DORA }

// first returns the type of the message that begins the exchange.
func (e Exchange) first() uint8 {
	switch e {
	case DORA:
		return discover
	case Release:
		return release
	case Decline:
		return decline
	case Inform:
		return inform
	}
	return request
}

// wants returns the type of the answer to a message of kind, 0 if none comes.
func wants(kind uint8) uint8 {
	switch kind {
	case discover:
		return offer
	case request, inform:
		return ack
	}
	return 0
}

// Mix is how often each exchange is begun, relative to the others.
type Mix [exchanges]int

// ParseMix reads "dora" or "dora:1,renew:8,release:1".
func ParseMix(s string) (Mix, error) {
	var m Mix
	for _, part := range strings.Split(s, ",") {
		name, weight, weighted := strings.Cut(strings.TrimSpace(part), ":")
		w := 1
		if weighted {
			var err error
			if w, err = strconv.Atoi(weight); err != nil || w < 0 {
				return m, fmt.Errorf("mix %q: the weight of %s must be a whole number from 0", s, name)
			}
		}
		e, ok := exchangeByName(name)
		if !ok {
			return m, fmt.Errorf("mix %q: no exchange %q; there are %s", s, name, strings.Join(exchangeNames[:], ", "))
		}
		m[e] += w
	}
	if m.total() == 0 {
		return m, fmt.Errorf("mix %q: all weights are 0", s)
	}
	return m, nil
}

func exchangeByName(name string) (Exchange, bool) {
	for e, n := range exchangeNames {
		if n == name {
			return Exchange(e), true
		}
	}
	return 0, false
}

// NeedsLeases tells whether every exchange is one of clients that hold a lease.
func (m Mix) NeedsLeases() bool {
	for e, w := range m {
		if w > 0 && !Exchange(e).bound() {
			return false
		}
	}
	return true
}

func (m Mix) total() int {
	n := 0
	for _, w := range m {
		n += w
	}
	return n
}

// String is what ParseMix reads, the heaviest first.
func (m Mix) String() string {
	var all []Exchange
	for e, w := range m {
		if w > 0 {
			all = append(all, Exchange(e))
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return m[all[i]] > m[all[j]] })
	parts := make([]string, len(all))
	for i, e := range all {
		parts[i] = fmt.Sprintf("%s:%d", e, m[e])
	}
	return strings.Join(parts, ",")
}

// A deck deals exchanges in the proportions of a Mix, evenly spread rather
// than at random, so that short runs have the mix that was asked for.
type deck struct {
	mix    Mix
	credit [exchanges]int
}

func (d *deck) next() Exchange {
	best := -1
	for e, w := range d.mix {
		d.credit[e] += w
		if w > 0 && (best < 0 || d.credit[e] > d.credit[best]) {
			best = e
		}
	}
	d.credit[best] -= d.mix.total()
	return Exchange(best)
}

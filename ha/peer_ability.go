package ha

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ability is what a peer was found to understand.
type ability uint32

const (
	abilityKnown    ability = 1 << iota // it has been asked
	abilityNeedle                       // a needletail: batches, streams, nudges
	abilityReleased                     // lease state 3 (Kea 2.7.0 and later)
)

func (a ability) known() bool    { return a&abilityKnown != 0 }
func (a ability) batch() bool    { return a&abilityNeedle != 0 }
func (a ability) released() bool { return a&(abilityReleased|abilityNeedle) != 0 }

// known keeps the ability of a peer until the peer is silent: it may come back
// as another program. Any goroutine may use it.
type known struct {
	can    atomic.Uint32 // ability
	asking sync.Mutex    // held while the peer is asked

	mu    sync.Mutex // guards lives, and writing can
	lives int        // how often it was forgotten
}

func (k *known) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lives++
	k.can.Store(0)
}

func (k *known) life() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lives
}

// learn takes in what a peer said in one of its lives, unless that is over.
func (k *known) learn(can ability, life int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if life == k.lives {
		k.can.Store(uint32(can))
	}
}

func (p *peer) ability() ability { return ability(p.known.can.Load()) }

// learn finds out what the peer understands, unless that is known. Who comes
// while it is being asked waits for its answer.
func (p *peer) learn(timeout time.Duration) {
	p.known.asking.Lock()
	defer p.known.asking.Unlock()
	if p.ability().known() {
		return
	}
	life := p.known.life()
	if can, err := p.discover(timeout); err == nil {
		p.known.learn(can, life)
	}
	p.route.choose(p.ability())
}

// isNeedletail takes a peer for one by what it has just sent. A server that comes
// back is forgotten, and reads our leases before anybody asks it; the changes sent
// to it meanwhile would each be a request of its own, as to a Kea, and those that
// pile up behind them would keep clients waiting for seconds.
func (p *peer) isNeedletail() {
	p.known.learn(abilityKnown|abilityNeedle, p.known.life())
	p.route.choose(p.ability())
}

// discover asks the peer for its list of commands and for its status: Kea shows
// dhcp-state since 2.7.1, and lease state 3 exists since 2.7.0. A peer that
// refuses to tell is taken for a Kea 2.2, and one that does not answer at all
// remains unknown, which is treated alike until it is asked again.
func (p *peer) discover(timeout time.Duration) (can ability, err error) {
	can = abilityKnown
	a, err := p.ctl.call(command("list-commands", nil), timeout)
	if err != nil {
		return 0, err
	}
	var names []string
	if json.Unmarshal(a.Arguments, &names) == nil && slices.Contains(names, applyName) {
		can |= abilityNeedle
	}
	if a, err = p.ctl.call(command("status-get", nil), timeout); err != nil {
		return 0, err
	}
	var status map[string]json.RawMessage
	if json.Unmarshal(a.Arguments, &status) == nil && status["dhcp-state"] != nil {
		can |= abilityReleased
	}
	return can, nil
}

// discoverEvery is how often a backup that did not answer is asked again what
// it understands.
const discoverEvery = 5 * time.Second

// keepKnown finds out what a backup understands; it is sent no heartbeats,
// with which the partner is asked.
func (p *peer) keepKnown(ctx context.Context) {
	for tick := time.NewTicker(discoverEvery); ; {
		p.learn(requestTimeout)
		p.route.choose(p.ability())
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

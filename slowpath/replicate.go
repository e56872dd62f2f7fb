package slowpath

import (
	"time"

	"needletail/leases"
)

// Replicator sends lease changes to HA partners. It is declared here because
// workers need it; package ha satisfies it.
type Replicator interface {
	// Replicate sends b's changes to the partners. It returns false if nothing
	// of b needs awaiting; done is then never called. Else done is called
	// exactly once, from any goroutine, after b's queries whose reply must not
	// leave were refused on b.
	Replicate(b *leases.Batch, done func(*leases.Batch)) bool

	// TakenOverAfter is how long this server may stand still before a partner
	// can have taken its clients over; 0: none would. Any goroutine may ask.
	TakenOverAfter() time.Duration
}

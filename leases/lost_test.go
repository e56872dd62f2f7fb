package leases

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

// staged is a disk whose first sync fails when told to, and whose second waits
// until the disk was mended and then says that all is well.
type staged struct {
	*faultDisk
	syncs    int
	syncing  chan struct{} // the first sync has begun
	failNow  chan struct{}
	mendedTo chan struct{}
}

func (d *staged) sync() error {
	switch d.syncs++; d.syncs {
	case 1:
		close(d.syncing)
		<-d.failNow
		return errInjected
	case 2:
		<-d.mendedTo
	}
	return nil
}

func (d *staged) mend() error {
	close(d.mendedTo)
	return nil
}

// The kernel tells once that a sync failed. What was written before the disk was
// mended is not durable, whatever a later sync says.
func TestWrittenBeforeAFailedSync(t *testing.T) {
	d := &staged{newFaultDisk(), 0, make(chan struct{}), make(chan struct{}), make(chan struct{})}
	s := openFault(t, d, &fakeClock{now: time.Unix(1e9, 0)})
	results := [3]chan error{}
	submit := func(i int) {
		b := new(Batch)
		results[i] = make(chan error, 1)
		l := Lease{Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + i)}), SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, byte(i)}, CLTT: time.Unix(1e9, 0), ValidLft: 60}
		if _, err := s.Put(b, &l); err != nil {
			t.Fatal(err)
		}
		s.Submit(b, func(_ *Batch, err error) { results[i] <- err })
	}
	submit(0)
	<-d.syncing
	submit(1) // written while the sync runs that will fail
	close(d.failNow)
	if err := <-results[0]; !errors.Is(err, errInjected) {
		t.Errorf("the first: %v", err)
	}
	submit(2) // has the disk mended
	if err := <-results[2]; err != nil {
		t.Errorf("after mending: %v", err)
	}
	if err := <-results[1]; err == nil {
		t.Error("what was written before the failed sync was called durable")
	}
}

package fastpath

import (
	"log/slog"
	"strings"
	"testing"
)

// Active tells what each interface really has: what bench and operators read.
func TestActive(t *testing.T) {
	b := newBed(t, 2)
	p := b.open(Config{XDP: Native, AFXDP: ZeroCopy, Workers: 1, Queues: []int{1}}, everybody)
	all := p.Active()
	if len(all) != 1 {
		t.Fatalf("%+v, want one interface", all)
	}
	a := all[0]
	if a.Interface != "srv" || a.Driver != "veth" || a.XDP != Native || a.Queues != 2 || a.Sockets != 1 || a.ZeroCopy != 0 {
		t.Errorf("%+v", a)
	}
	if len(a.Remarks) == 0 || !strings.Contains(strings.Join(a.Remarks, ";"), "no zero-copy on queue 1") {
		t.Errorf("remarks %q lack the reason for the copy", a.Remarks)
	}

	var second *Path
	b.check(b.ns.Do(func() (err error) {
		second, err = Open(Config{XDP: Auto, AFXDP: Off, Log: slog.New(slog.DiscardHandler)})
		return err
	}))
	defer second.Close()
	b.check(b.serve(second))
	all = second.Active()
	if len(all) != 1 || all[0].XDP != Off || all[0].Sockets != 0 || !strings.Contains(strings.Join(all[0].Remarks, ";"), "another program holds the hook") {
		t.Errorf("an interface whose hook is taken: %+v", all)
	}
	b.check(b.ns.Do(func() error { return second.SetInterfaces(nil) }))
	if all = second.Active(); len(all) != 0 {
		t.Errorf("an interface served no more is still told of: %+v", all)
	}
}

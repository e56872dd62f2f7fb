package leasecmds

import (
	"context"
	"errors"
	"fmt"
	"time"

	"needletail/internal/control"
	"needletail/leases"
)

// add creates a lease that must not exist yet.
func (c commands) add(ctx context.Context, args *control.Arguments) (control.Response, error) {
	l, err := c.parseLease(args)
	if err != nil {
		return control.Response{}, err
	}
	var b leases.Batch
	done, err := c.within(ctx, args, &l.Lease, func() (bool, error) {
		return c.Store.PutUnless(&b, &l.Lease, func(*leases.Lease, bool) bool { return true })
	})
	switch {
	case err != nil:
		return control.Response{}, err
	case !done:
		return control.Response{}, conflictf("IPv4 lease already exists.")
	}
	if err := c.Store.Write(&b); err != nil {
		return control.Response{}, err
	}
	return control.Response{Text: fmt.Sprintf("Lease for address %s, subnet-id %d added.", l.Addr, l.SubnetID)}, nil
}

// update overwrites a lease, whatever it was; with force-create it may be new.
// This is what a partner sends for every change; a partner's may be refused.
func (c commands) update(ctx context.Context, args *control.Arguments) (control.Response, error) {
	l, err := c.parseLease(args)
	if err != nil {
		return control.Response{}, err
	}
	_, existed := c.Store.Get(l.Addr)
	if !existed && !l.ForceCreate {
		return control.Response{}, conflictf("no lease of %s to update; force-create adds it", l.Addr)
	}
	var b leases.Batch
	done, err := c.within(ctx, args, &l.Lease, func() (bool, error) { return c.take(ctx, &b, l) })
	if err == nil && !done {
		err = conflictf("the address %s is another client's here", l.Addr)
	}
	if err == nil {
		err = c.Store.Write(&b)
	}
	if err != nil {
		return control.Response{}, err
	}
	if existed {
		return control.Response{Text: "IPv4 lease updated."}, nil
	}
	return control.Response{Text: "IPv4 lease added."}, nil
}

// within puts the time of a lease on our clock and runs the change it is for, if that
// may be made now.
func (c commands) within(ctx context.Context, args *control.Arguments, l *leases.Lease, change func() (bool, error)) (done bool, err error) {
	refused := c.Taking(ctx, args, l.Addr, func(ours func(time.Time) time.Time) {
		if l.CLTT.Unix() > 0 { // else it has none
			l.CLTT = ours(l.CLTT)
		}
		done, err = change()
	})
	return done, errors.Join(refused, err)
}

// take puts an update's lease into b, unless it is refused. One that its client's
// next has overtaken is done with when that one is on disk: it is written again.
func (c commands) take(ctx context.Context, b *leases.Batch, l *leases.KeaLease) (done bool, err error) {
	partner := l.Origin == partnerOrigin
	for put, again := l.Lease, true; again; {
		again = false
		done, err = c.Store.PutUnless(b, &put, func(have *leases.Lease, _ bool) bool {
			if c.Passed(ctx, partner, have, &put) {
				put, again = *have, true
				return true
			}
			return c.Refuses(ctx, partner, have, &put)
		})
	}
	return done, err
}

// partnerOrigin is the origin of a partner's commands, as JSON; Kea 2.3.8 and
// later send it.
const partnerOrigin = `"ha-partner"`

// del removes a lease named by its address or by its client in a subnet. A
// partner sends the whole lease; its client and time tell whether it comes too late.
func (c commands) del(ctx context.Context, args *control.Arguments) (control.Response, error) {
	q, err := parseQuestion(args)
	if err != nil {
		return control.Response{}, err
	}
	l, ok := c.find(q)
	if !ok {
		return control.Response{Result: control.ResultEmpty, Text: "IPv4 lease not found."}, nil
	}
	var b leases.Batch
	q.whose.Addr = l.Addr
	gone, err := c.within(ctx, args, &q.whose, func() (bool, error) {
		_, gone := c.Store.DeleteUnless(&b, l.Addr, func(have *leases.Lease, _ bool) bool {
			return c.RefusesDeletion(ctx, q.partner, have, &q.whose)
		})
		return gone, nil
	})
	switch {
	case err != nil:
		return control.Response{}, err
	case !gone:
		return control.Response{Result: control.ResultEmpty, Text: "IPv4 lease not found: the address is another client's."}, nil
	}
	if err := c.Store.Write(&b); err != nil {
		return control.Response{}, err
	}
	return control.Response{Text: "IPv4 lease deleted."}, nil
}

// wipe removes all leases of a subnet, or of all with subnet-id 0 or none.
func (c commands) wipe(_ context.Context, args *control.Arguments) (control.Response, error) {
	subnet := optionalSubnet(args)
	if err := args.Err(); err != nil {
		return control.Response{}, err
	}
	where := "all subnets"
	if subnet != 0 {
		where = fmt.Sprintf("subnet %d", subnet)
		if c.subnet(subnet) == nil {
			return control.Response{}, fmt.Errorf("no subnet with subnet-id %d", subnet)
		}
	}
	var b leases.Batch
	n := c.Store.Wipe(&b, subnet)
	if err := c.Store.Write(&b); err != nil {
		return control.Response{}, err
	}
	r := control.Response{Text: fmt.Sprintf("Deleted %d IPv4 lease(s) from %s", n, where)}
	if n == 0 {
		r.Result = control.ResultEmpty
	}
	return r, nil
}

// write exports all leases as Kea's CSV file, where files of leases may lie.
func (c commands) write(_ context.Context, args *control.Arguments) (control.Response, error) {
	name := args.String("filename")
	if err := args.Err(); err != nil {
		return control.Response{}, err
	}
	name, err := c.Place(name)
	if err != nil {
		return control.Response{}, err
	}
	if err := c.Store.ExportFile(name); err != nil {
		return control.Response{Result: control.ResultFatal, Text: err.Error()}, nil
	}
	return control.Response{Text: fmt.Sprintf("IPv4 lease database written into '%s'.", name)}, nil
}

// resendDDNS answers as a Kea does whose DNS updates are off; ours make none.
func (c commands) resendDDNS(_ context.Context, args *control.Arguments) (control.Response, error) {
	q, err := parseQuestion(args)
	if err != nil {
		return control.Response{}, err
	}
	if _, ok := c.find(q); !ok {
		return control.Response{Result: control.ResultEmpty, Text: "IPv4 lease not found."}, nil
	}
	return control.Response{}, conflictf("DDNS updating is not enabled")
}

package leasecmds

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/netip"

	"needletail/internal/control"
	"needletail/leases"
)

// keaForm is how leases are shown: as Kea 3.x does.
var keaForm = leases.KeaForm{PoolID: true}

// get answers with the lease itself as arguments.
func (c commands) get(_ context.Context, args *control.Arguments) (control.Response, error) {
	q, err := parseQuestion(args)
	if err != nil {
		return control.Response{}, err
	}
	l, ok := c.find(q)
	if !ok {
		return control.Response{Result: control.ResultEmpty, Text: "Lease not found."}, nil
	}
	return control.Response{Text: "IPv4 lease found.", Arguments: json.RawMessage(leases.AppendKea(nil, &l, keaForm))}, nil
}

// getAll answers with all leases, or those of some subnets.
func (c commands) getAll(ctx context.Context, args *control.Arguments) (control.Response, error) {
	if !args.Given() {
		c.FromStart(ctx)
		return c.answer(ctx, c.Store.All(), false), nil
	}
	subnets := args.Numbers("subnets")
	if err := args.Err(); err != nil {
		return control.Response{}, err
	}
	if len(subnets) == 0 {
		return c.answer(ctx, nil, false), nil
	}
	return c.answer(ctx, c.Store.All(subnets...), false), nil
}

// getPage answers with leases after an address, in the order of addresses: a
// Kea partner's sync reads this. There is always an arguments map: a Kea that
// gets a success without one dies.
func (c commands) getPage(ctx context.Context, args *control.Arguments) (control.Response, error) {
	var from netip.Addr
	if args.String("from") != "start" {
		from = args.Addr("from")
	}
	limit := args.Int("limit", 1, math.MaxUint32)
	if err := args.Err(); err != nil {
		return control.Response{}, err
	}
	if !from.IsValid() {
		c.FromStart(ctx)
	}
	return c.answer(ctx, c.Store.Page(from, int(limit)), true), nil
}

func (c commands) byHW(ctx context.Context, args *control.Arguments) (control.Response, error) {
	hw := identifier(args, "hw-address")
	if err := args.Err(); err != nil {
		return control.Response{}, err
	}
	return c.answer(ctx, c.Store.ByHW(0, hw), false), nil
}

func (c commands) byClientID(ctx context.Context, args *control.Arguments) (control.Response, error) {
	id := identifier(args, "client-id")
	if err := args.Err(); err != nil {
		return control.Response{}, err
	}
	return c.answer(ctx, c.Store.ByClientID(id), false), nil
}

func (c commands) byHostname(ctx context.Context, args *control.Arguments) (control.Response, error) {
	name := args.String("hostname")
	if name == "" {
		args.Fail("'hostname' parameter must not be empty")
	}
	if err := args.Err(); err != nil {
		return control.Response{}, err
	}
	return c.answer(ctx, c.Store.ByHostname(name), false), nil
}

func (c commands) byState(ctx context.Context, args *control.Arguments) (control.Response, error) {
	state, subnet := stateOf(args), optionalSubnet(args)
	if err := args.Err(); err != nil {
		return control.Response{}, err
	}
	return c.answer(ctx, c.Store.ByState(state, subnet), false), nil
}

// stateOf reads a state, a number or Kea's word (since 3.1.5).
func stateOf(args *control.Arguments) leases.State {
	if !args.IsString("state") {
		return leases.State(args.Int("state", 0, int64(leases.Released)))
	}
	state, err := leases.ParseState(args.String("state"))
	if err != nil {
		args.Fail("%w", err)
	}
	return state
}

// optionalSubnet reads the subnet a command is about; 0 is all of them.
func optionalSubnet(args *control.Arguments) uint32 {
	return uint32(args.IntOr("subnet-id", 0, math.MaxUint32, 0))
}

// answer lists leases; none is result 3 with an empty list. The count is a
// member of pages only.
func (c commands) answer(ctx context.Context, ls []leases.Lease, page bool) control.Response {
	r := control.Response{Text: fmt.Sprintf("%d IPv4 lease(s) found.", len(ls))}
	if len(ls) == 0 {
		r.Result = control.ResultEmpty
	}
	if c.HidesReleased(ctx) {
		for i := range ls {
			if ls[i].State == leases.Released {
				ls[i].State = leases.Reclaimed // both: nobody's, remembered for its former client
			}
		}
	}
	r.Arguments = control.Stream(func(w io.Writer) error {
		head := `{"leases":[`
		if page {
			head = fmt.Sprintf(`{"count":%d,"leases":[`, len(ls))
		}
		if _, err := io.WriteString(w, head); err != nil {
			return err
		}
		var b []byte
		for i := range ls {
			if b = b[:0]; i > 0 {
				b = append(b, ',')
			}
			if _, err := w.Write(leases.AppendKea(b, &ls[i], keaForm)); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, "]}")
		return err
	})
	return r
}

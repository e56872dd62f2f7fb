package leasecmds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"needletail/internal/control"
	"needletail/leases"
)

// keaForm is how leases are shown: as Kea 3.x does.
var keaForm = leases.KeaForm{PoolID: true}

// get answers with the lease itself as arguments.
func (c commands) get(_ context.Context, args json.RawMessage) (control.Response, error) {
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
func (c commands) getAll(ctx context.Context, args json.RawMessage) (control.Response, error) {
	var in struct{ Subnets *[]uint32 }
	if len(args) > 0 {
		if err := parse(args, &in); err != nil {
			return control.Response{}, err
		}
		if in.Subnets == nil {
			return control.Response{}, errors.New("'subnets' is mandatory: a list of subnet-ids; or no arguments at all")
		}
	}
	if in.Subnets == nil {
		return c.answer(ctx, c.Store.All(), false), nil
	}
	if len(*in.Subnets) == 0 {
		return c.answer(ctx, nil, false), nil
	}
	return c.answer(ctx, c.Store.All(*in.Subnets...), false), nil
}

// getPage answers with leases after an address, in the order of addresses: a
// Kea partner's sync reads this. There is always an arguments map: a Kea that
// gets a success without one dies.
func (c commands) getPage(ctx context.Context, args json.RawMessage) (control.Response, error) {
	var in struct {
		From  *string
		Limit *int64
	}
	if err := parse(args, &in); err != nil {
		return control.Response{}, err
	}
	switch {
	case in.From == nil:
		return control.Response{}, errors.New("'from' is mandatory: an IPv4 address or 'start'")
	case in.Limit == nil:
		return control.Response{}, errors.New("'limit' is mandatory: the number of leases of a page")
	case *in.Limit < 1 || *in.Limit > 1<<31:
		return control.Response{}, errors.New("page size of retrieved leases must not be 0")
	}
	var from netip.Addr
	if *in.From != "start" {
		var err error
		if from, err = netip.ParseAddr(*in.From); err != nil || !from.Is4() {
			return control.Response{}, fmt.Errorf("'from' must be an IPv4 address or 'start': %s", *in.From)
		}
	}
	return c.answer(ctx, c.Store.Page(from, int(*in.Limit)), true), nil
}

func (c commands) byHW(ctx context.Context, args json.RawMessage) (control.Response, error) {
	hw, err := identifier(args, "hw-address")
	if err != nil {
		return control.Response{}, err
	}
	return c.answer(ctx, c.Store.ByHW(0, hw), false), nil
}

func (c commands) byClientID(ctx context.Context, args json.RawMessage) (control.Response, error) {
	id, err := identifier(args, "client-id")
	if err != nil {
		return control.Response{}, err
	}
	return c.answer(ctx, c.Store.ByClientID(id), false), nil
}

func (c commands) byHostname(ctx context.Context, args json.RawMessage) (control.Response, error) {
	var in struct{ Hostname json.RawMessage }
	if err := parse(args, &in); err != nil {
		return control.Response{}, err
	}
	name, err := leases.ParseKeaHostname(in.Hostname)
	switch {
	case err != nil:
		return control.Response{}, fmt.Errorf("'hostname': %w", err)
	case name == "":
		return control.Response{}, errors.New("'hostname' is mandatory and must not be empty")
	}
	return c.answer(ctx, c.Store.ByHostname(name), false), nil
}

// byState takes a state as a number or as Kea's word (since 3.1.5).
func (c commands) byState(ctx context.Context, args json.RawMessage) (control.Response, error) {
	var in struct {
		State  any
		Subnet uint32 `json:"subnet-id"`
	}
	if err := parse(args, &in); err != nil {
		return control.Response{}, err
	}
	state, err := leases.Active, error(nil)
	switch s := in.State.(type) {
	case string:
		state, err = leases.ParseState(s)
	case float64:
		state = leases.State(s)
		if s != float64(state) || state > leases.Released {
			err = fmt.Errorf("lease state %v: want 0 to %d", s, leases.Released)
		}
	default:
		err = errors.New("'state' is mandatory: a number or a word")
	}
	if err != nil {
		return control.Response{}, err
	}
	return c.answer(ctx, c.Store.ByState(state, in.Subnet), false), nil
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

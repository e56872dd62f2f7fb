package transcript

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// defaults are the members of Dhcp4 a transcript need not write.
const defaults = `{
  "interfaces-config": {"interfaces": ["*"]},
  "lease-database": {"type": "memfile", "persist": false},
  "valid-lifetime": 3600,
  "subnet4": [{
    "id": 1, "subnet": "192.0.2.0/24",
    "pools": [{"pool": "192.0.2.10 - 192.0.2.20"}],
    "option-data": [{"name": "routers", "data": "192.0.2.1"}]
  }]
}`

// run is a transcript being run.
type run struct {
	server  Server
	config  []byte
	ifs     []Interface
	started bool
	xid     uint32
	offered map[string]netip.Addr // server that offered last, by hardware address
	lines   []string
}

// Run runs the transcript against a server and returns the lines of each
// block.
func (f *File) Run(s Server) ([][]string, error) {
	config, err := document("{}")
	if err != nil {
		return nil, err
	}
	r := run{
		server: s, config: config, offered: map[string]netip.Addr{},
		ifs: []Interface{{Name: "eth0", Addrs: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, 1})}}},
	}
	var out [][]string
	for _, b := range f.Blocks {
		r.lines = nil
		for _, step := range b.Steps {
			if err := r.step(step); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", f.Name, step.Line, err)
			}
		}
		out = append(out, r.lines)
	}
	return out, nil
}

// document makes a whole Kea document of members of Dhcp4.
func document(members string) ([]byte, error) {
	var whole, own map[string]json.RawMessage
	if err := json.Unmarshal([]byte(defaults), &whole); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(members), &own); err != nil {
		return nil, fmt.Errorf("the configuration is no JSON object: %w", err)
	}
	if _, ok := own["shared-networks"]; ok {
		delete(whole, "subnet4")
	}
	for k, v := range own {
		whole[k] = v
	}
	return json.Marshal(map[string]any{"Dhcp4": whole})
}

func (r *run) step(s Step) (err error) {
	switch s.Verb {
	case "config":
		r.config, err = document(s.JSON)
		return err
	case "interface":
		return r.addInterface(s)
	}
	if !r.started {
		if err := r.server.Start(r.config, r.ifs); err != nil {
			return err
		}
		r.started = true
	}
	switch s.Verb {
	case "reload":
		config, err := document(s.JSON)
		if err != nil {
			return err
		}
		return r.server.Reload(config)
	case "restart":
		return r.server.Restart()
	case "advance":
		return r.advance(s)
	}
	if _, ok := verbs[s.Verb]; ok {
		return r.query(s)
	}
	lines, err := r.server.Do(s)
	r.lines = append(r.lines, lines...)
	return err
}

func (r *run) addInterface(s Step) error {
	var i Interface
	for n, a := range s.Args {
		if n == 0 {
			i.Name = a.Value
			continue
		}
		addr, err := netip.ParseAddr(a.Value)
		if err != nil {
			return err
		}
		i.Addrs = append(i.Addrs, addr)
	}
	if i.Name == "eth0" {
		r.ifs[0] = i
	} else {
		r.ifs = append(r.ifs, i)
	}
	return nil
}

func (r *run) advance(s Step) error {
	if len(s.Args) != 1 {
		return fmt.Errorf("advance needs one duration")
	}
	d, err := time.ParseDuration(s.Args[0].Value)
	if err != nil {
		return err
	}
	return r.server.Advance(d)
}

func (r *run) query(s Step) error {
	r.xid++
	mac, _ := s.Get("mac")
	q, err := build(s, r.xid, r.ifs[0].Addrs[0], r.offered[mac])
	if err != nil {
		return err
	}
	reply, err := r.server.Exchange(q)
	if err != nil {
		return err
	}
	line, err := describe(s, q, reply)
	if err != nil {
		return err
	}
	if m, err := dhcpv4.FromBytes(reply.Message); err == nil && m.MessageType() == dhcpv4.MessageTypeOffer {
		if id, ok := netip.AddrFromSlice(m.ServerIdentifier().To4()); ok {
			r.offered[mac] = id
		}
	}
	r.lines = append(r.lines, line)
	return nil
}

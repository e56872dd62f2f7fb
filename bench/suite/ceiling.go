package suite

import (
	"context"

	"needletail/bench/echo"
	"needletail/bench/load"
	"needletail/bench/record"
)

// Ceiling finds the highest DORA rate of the generator itself, against a server
// that costs next to nothing: an XDP program that sends every query back as its
// answer. No server measured here can show more.
func (s *Suite) Ceiling(ctx context.Context) error {
	s.prepare()
	st, err := newSite(ctx, s.Medium, nil, 1)
	if err != nil {
		return err
	}
	defer st.close()
	s.env.XDP, s.env.Driver = st.mode, st.driver
	var server *echo.Server
	err = st.servers[0].Do(func() error { server, err = echo.Attach(serverIf); return err })
	if err != nil {
		return err
	}
	defer server.Close()
	g, err := load.New(st.config(s.Clients, nil), st.link)
	if err != nil {
		return err
	}
	who := record.Server{Name: "echo", Version: "1", Durability: "no leases", Mode: "XDP_TX", Servers: 1}
	_, err = s.search(ctx, st, who, quest{work: "ceiling", mix: load.Mix{load.DORA: 1}, g: g})
	return err
}

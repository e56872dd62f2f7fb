package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"needletail/bench/load"
)

// A stormTarget is what the flags of storm say.
type stormTarget struct {
	target
	within time.Duration
	reboot bool
}

func stormCommand() *cobra.Command {
	s := &stormTarget{target: target{name: "storm", cfg: load.Config{ClientID: true}}}
	c := &cobra.Command{
		Use:   "storm -i INTERFACE --server ADDRESS --server-mac MAC",
		Short: "Let many clients come at once, trying again until they are bound",
		Long: "Let all clients begin within a short time, as after a power cut, and try again as\n" +
			"RFC 2131 asks, secs growing. With --reboot they get leases first, gently, and\n" +
			"come back asking for their old addresses (INIT-REBOOT); a refused one begins\n" +
			"anew. Only load servers that are yours. The result is one JSON line, whose\n" +
			"timeline report plots.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.settle(); err != nil {
				return err
			}
			return s.run(cmd)
		},
	}
	f := c.Flags()
	s.place(c)
	f.IntVarP(&s.cfg.Clients, "clients", "c", 100000, "clients, each of which begins once")
	f.DurationVar(&s.within, "within", time.Minute, "how long it takes until all have begun")
	f.BoolVar(&s.reboot, "reboot", false, "clients hold leases and come back to them")
	f.Float64Var(&s.bindRate, "bind-rate", 1000, "with --reboot how many clients get their leases per second before")
	f.DurationVar(&s.cfg.Timeout, "timeout", load.Patience, "a client not bound by then is lost")
	return c
}

// settle makes a run of a storm.
func (s *stormTarget) settle() error {
	if s.within <= 0 || s.cfg.Clients < 1 || !(s.bindRate > 0) {
		return errors.New("--within, --clients and --bind-rate must be more than 0")
	}
	s.mix = load.DORA.String()
	if s.reboot {
		s.mix, s.bind = load.InitReboot.String(), s.cfg.Clients
	}
	s.cfg.Rate, s.cfg.Duration = float64(s.cfg.Clients)/s.within.Seconds(), s.within
	s.cfg.Retransmit, s.cfg.Restart = true, true
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"needletail/bench/flood"
)

// floodMax is more queries a second than frames fit on a wire of 100 Gbit/s.
const floodMax = 100e6

func floodCommand() *cobra.Command {
	var cfg flood.Config
	var mac string
	var rate float64
	var d time.Duration
	share, of := 0, 1
	c := &cobra.Command{
		Use:   "flood -i INTERFACE --server-mac MAC",
		Short: "Flood one server with queries made in the kernel",
		Long: "Flood one DHCPv4 server with DISCOVERs of clients that nobody plays, whole or\n" +
			"malformed. Only flood servers that are yours. With --of 2 --share 1 the clients\n" +
			"are those of the second of two servers that share load by RFC 3074.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			hw, err := net.ParseMAC(mac)
			switch {
			case err != nil || len(hw) != 6:
				return fmt.Errorf("--server-mac %q: not an Ethernet address", mac)
			case of < 1 || of > 256 || share < 0 || share >= of:
				return fmt.Errorf("--share %d --of %d: want 0 <= share < of <= 256", share, of)
			case !(rate > 0 && rate <= floodMax): // not a number is neither
				return fmt.Errorf("--rate %g: want more than 0 and at most %.0f queries a second", rate, floodMax)
			case d <= 0:
				return fmt.Errorf("--duration %v: want more than 0", d)
			}
			cfg.To = [6]byte(hw)
			cfg.Wanted = func(b uint8) bool { return int(b)%of == share }
			begin := time.Now()
			made, err := flooding(cmd.Context(), cfg, rate, d)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d queries made, %.0f a second\n", made, float64(made)/time.Since(begin).Seconds())
			return errors.Join(err, cmd.Context().Err())
		},
	}
	f := c.Flags()
	f.StringVarP(&cfg.Interface, "interface", "i", "", "interface to flood through; a veth's far end needs XDP or GRO (required)")
	f.StringVar(&mac, "server-mac", "", "hardware address of the server (required)")
	f.Float64VarP(&rate, "rate", "r", 10000, "queries per second")
	f.DurationVarP(&d, "duration", "d", 10*time.Second, "how long")
	f.BoolVar(&cfg.Malformed, "malformed", false, "every query has one fault")
	f.IntVar(&share, "share", share, "which share of the clients, from 0")
	f.IntVar(&of, "of", of, "how many shares there are")
	for _, name := range []string{"interface", "server-mac"} {
		_ = c.MarkFlagRequired(name) // the flag exists
	}
	return c
}

func flooding(ctx context.Context, cfg flood.Config, rate float64, d time.Duration) (uint64, error) {
	f, err := flood.Open(cfg)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if err := f.Run(ctx, rate); err != nil {
		return 0, err
	}
	return f.Made()
}

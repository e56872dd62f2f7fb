package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/suite"
)

// A comparison is what the flags of compare say.
type comparison struct {
	s      suite.Suite
	binary string
	output string
	works  []string
	peers  []string
	own    []string // variants of needletail in the work dora
}

func compareCommand() *cobra.Command {
	c := &comparison{s: suite.Suite{Trial: 2 * time.Second, Confirm: 10 * time.Second, Steps: 3, Clients: load.ClientsMax, Dir: os.TempDir()}}
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Measure needletail and the peers installed here, side by side in namespaces",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd.Context(), func(f string, a ...any) { fmt.Fprintf(cmd.OutOrStdout(), f+"\n", a...) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.binary, "needletail", "bin/needletail", "the server's binary")
	f.StringVarP(&c.output, "output", "o", "bench.jsonl", "file for the records, begun anew")
	f.StringSliceVar(&c.works, "work", workNames(), "what to measure")
	f.StringSliceVar(&c.peers, "peer", peerNames(), "whom to compare with, where installed")
	f.StringSliceVar(&c.own, "variant", variantNames[:7:7], "variants of needletail in the work dora")
	f.DurationVar(&c.s.Trial, "trial", c.s.Trial, "length of one trial of a search")
	f.DurationVar(&c.s.Confirm, "confirm", c.s.Confirm, "length of the run that confirms the rate a search found; 0: none")
	f.IntVar(&c.s.Steps, "steps", c.s.Steps, "halvings of a search after its ramp")
	f.StringVar(&c.s.Dir, "dir", c.s.Dir, "scratch space on the disk whose syncs are measured")
	f.StringVar((*string)(&c.s.Medium), "medium", "auto", mediumHelp)
	return cmd
}

// known returns an error if a flag was given a name that is none.
func known(flag string, given, names []string) error {
	for _, g := range given {
		if !slices.Contains(names, g) {
			return fmt.Errorf("--%s %q: want some of %s", flag, g, strings.Join(names, ", "))
		}
	}
	return nil
}

func (c *comparison) check() error {
	if c.s.Trial <= 0 || c.s.Confirm < 0 || c.s.Steps < 0 {
		return errors.New("--trial must be more than 0, --confirm and --steps not less")
	}
	return errors.Join(known("work", c.works, workNames()), known("peer", c.peers, peerNames()), known("variant", c.own, variantNames))
}

func (c *comparison) run(ctx context.Context, say func(string, ...any)) error {
	if err := c.check(); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("compare needs root: it makes network namespaces")
	}
	scratch, err := filepath.Abs(c.s.Dir) // some servers change their directory
	if err != nil {
		return err
	}
	c.s.Dir = scratch
	set, err := c.contenders(say)
	if err != nil {
		return err
	}
	f, err := os.Create(c.output) // last, so that a mistake above costs no old records
	if err != nil {
		return err
	}
	defer f.Close()
	c.s.Out, c.s.Say = f, say
	c.s.Run, c.s.Command = time.Now().UTC().Format("20060102-150405"), strings.Join(os.Args, " ")
	failed := 0
	for _, w := range works {
		if !slices.Contains(c.works, w.name) {
			continue
		}
		say("%s: %s", w.name, w.about)
		err := w.run(ctx, &c.s, set)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed++
			say("  FAILED %v", err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of the works failed, as said above", failed)
	}
	return nil
}

// A set is who takes part.
type set struct {
	kea      *suite.Contender // nil: not installed
	others   []suite.Contender
	binary   string
	variants []string
}

// own returns needletail with a durability and the fast path on or off.
func (s *set) own(durability string, fast bool) suite.Contender {
	c := suite.Contender{Peer: peer.Needletail(s.binary), Durability: durability, XDP: "off", AFXDP: "off"}
	if fast {
		c.XDP, c.AFXDP, c.Send = "native", "on", "live"
	}
	return c
}

// peers are all that there may be.
func peers() []*peer.Peer { return []*peer.Peer{peer.Kea(), peer.ISC(), peer.Dnsmasq()} }

func peerNames() (names []string) {
	for _, p := range peers() {
		names = append(names, p.Name)
	}
	return names
}

func (c *comparison) contenders(say func(string, ...any)) (*set, error) {
	binary, err := filepath.Abs(c.binary)
	if err != nil {
		return nil, err
	}
	s := &set{binary: binary, variants: c.own}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("the server's binary (make build): %w", err)
	}
	for _, p := range peers() {
		if !slices.Contains(c.peers, p.Name) {
			continue
		}
		if _, err := p.Find(); err != nil {
			say("not measured: %v", err)
			continue
		}
		say("%s: %s", p.Name, p.Version())
		if p.Name == "kea" {
			s.kea = &suite.Contender{Peer: p}
		} else {
			s.others = append(s.others, suite.Contender{Peer: p})
		}
	}
	return s, nil
}

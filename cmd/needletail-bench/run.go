package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"needletail/bench/load"
	"needletail/bench/record"
)

// A target is what the flags of run say.
type target struct {
	ifname, mac, server, mix string
	relays                   []string
	output                   string
	pid                      int
	medium                   string
	search                   bool
	confirm                  time.Duration
	cfg                      load.Config
	bind, queues             int
	bindRate                 float64       // 0: the rate of the mix
	every                    time.Duration // between transmissions; 0: back off
	name                     string        // of the work; "": made of the mix
}

// shortly is the timeout of clients that do not try again.
const shortly = time.Second

// timeout is the default for the other flags: none of the clients that try
// again would, if all were lost before the first back-off is over.
func (t *target) timeout() time.Duration {
	if t.cfg.Retransmit {
		return load.Patience
	}
	return shortly
}

// mediumHelp says what --medium takes.
const mediumHelp = "how the generator receives and sends: auto, live (frames made in the kernel), af-xdp or af-packet"

func runCommand() *cobra.Command {
	return (&target{cfg: load.Config{ClientID: true}}).command()
}

func (t *target) command() *cobra.Command {
	c := &cobra.Command{
		Use:   "run -i INTERFACE --server ADDRESS --server-mac MAC",
		Short: "Load one server, at a set rate or searching its highest",
		Long: "Load one DHCPv4 server through an interface. Only load servers that are yours.\n" +
			"Without --relay clients broadcast; with it, queries come from those relays,\n" +
			"whose addresses must be this machine's. The result is one JSON line; with\n" +
			"--output each trial of a search is one too, for report to plot. Interrupted, a\n" +
			"run at a set rate still writes its result, marked so, and ends with status 130.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.every > 0 {
				t.cfg.Retransmit, t.cfg.FlatRetry, t.cfg.BackOff = true, true, t.every
			}
			if !cmd.Flags().Changed("timeout") {
				t.cfg.Timeout = t.timeout()
			}
			return t.run(cmd)
		},
	}
	f := c.Flags()
	t.place(c)
	f.StringVar(&t.mix, "mix", "dora", "exchanges and their weights, as dora:1,renew:8,release:1")
	f.Float64VarP(&t.cfg.Rate, "rate", "r", 1000, "exchanges to begin per second; with --search where to start")
	f.DurationVarP(&t.cfg.Duration, "duration", "d", 10*time.Second, "how long exchanges begin; with --search per trial")
	f.DurationVar(&t.cfg.Timeout, "timeout", shortly, "an exchange not over by then is lost; with --retransmit or --retry-every by default 2m30s")
	f.IntVarP(&t.cfg.Clients, "clients", "c", 100000, "distinct clients")
	f.IntVar(&t.bind, "bind", 0, "clients to bind by DORA, at --rate, before the mix begins; renewals and the like need some")
	f.BoolVar(&t.cfg.Retransmit, "retransmit", false, "clients try again after 4, 8, 16 ... s as RFC 2131 asks, secs growing; not in a search")
	f.BoolVar(&t.search, "search", false, "find the highest rate with at most 0.1 % loss")
	f.DurationVar(&t.confirm, "confirm", 10*time.Second, "with --search the length of the run that confirms the rate found; 0: none")
	f.BoolVar(&t.cfg.Fresh, "fresh", false, "a DORA is only begun by clients without a lease, and skipped when none is left")
	f.DurationVar(&t.cfg.BackOff, "back-off", 0, "with --retransmit the first wait instead of 4s; the others grow with it")
	f.DurationVar(&t.every, "retry-every", 0, "clients try again at this interval: the longest latency tells how long no server answered, as in a failover")
	return c
}

// place defines the flags that say where a server is and how to load it.
func (t *target) place(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&t.ifname, "interface", "i", "", "interface to load through (required)")
	f.StringVar(&t.server, "server", "", "IPv4 address of the server (required)")
	f.StringVar(&t.mac, "server-mac", "", "hardware address of the server, or of the router to it (required)")
	f.StringSliceVar(&t.relays, "relay", nil, "play relays with these addresses")
	f.BoolVar(&t.cfg.Broadcast, "broadcast", false, "clients without an address ask for broadcast answers, where a switch or NIC drops the others")
	f.StringVar(&t.medium, "medium", "auto", mediumHelp)
	f.IntVar(&t.queues, "queues", 1, "queues of the interface to use with AF_XDP")
	f.IntVar(&t.pid, "pid", 0, "process of the server, to count its processor time")
	f.StringVarP(&t.output, "output", "o", "", "append the record to this file instead of printing it")
	for _, name := range []string{"interface", "server", "server-mac"} {
		_ = c.MarkFlagRequired(name) // the flag exists
	}
}

func (t *target) run(cmd *cobra.Command) error {
	if err := t.parse(); err != nil {
		return err
	}
	link, err := load.Open(t.ifname, load.Medium(t.medium), t.queues)
	if err != nil {
		return fmt.Errorf("%w (--medium af-packet does without XDP)", err)
	}
	defer link.Close()
	g, err := load.New(t.cfg, link)
	if err != nil {
		return err
	}
	progress := cmd.ErrOrStderr()
	g.Tick = func(r *load.Result) { line(progress, r) }
	env := record.Machine()
	env.Driver, env.XDP = record.Driver(t.ifname), link.Mode()
	run := time.Now().UTC().Format("20060102-150405")
	keep := func(rec *record.Record) error {
		rec.Server = record.Server{Name: t.server, Servers: 1}
		rec.Run, rec.Time, rec.Command, rec.Environment = run, time.Now().UTC(), strings.Join(os.Args, " "), env
		return t.write(cmd.OutOrStdout(), rec)
	}
	result, err := t.measure(cmd.Context(), g, progress, keep)
	if err != nil {
		return err
	}
	return honest(result)
}

// honest returns an error if the server answered wrongly.
func honest(r *load.Result) error {
	if why := r.Lies(); why != "" {
		return fmt.Errorf("the server answered wrongly: %s", why)
	}
	return nil
}

func (t *target) parse() (err error) {
	if t.cfg.Mix, err = load.ParseMix(t.mix); err != nil {
		return err
	}
	if t.cfg.Server, err = netip.ParseAddr(t.server); err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	mac, err := net.ParseMAC(t.mac)
	if err != nil || len(mac) != 6 {
		return fmt.Errorf("--server-mac %q: not an Ethernet address", t.mac)
	}
	t.cfg.ServerMAC = [6]byte(mac)
	if t.cfg.Relays, err = ownAddresses(t.relays); err != nil {
		return fmt.Errorf("--relay: %w", err)
	}
	ifi, err := net.InterfaceByName(t.ifname)
	if err != nil {
		return fmt.Errorf("--interface %s: %w", t.ifname, err)
	}
	copy(t.cfg.OwnMAC[:], ifi.HardwareAddr)
	if t.pid != 0 {
		if _, err := record.ProcessCPU(t.pid); err != nil {
			return fmt.Errorf("--pid %d: no such process: %w", t.pid, err)
		}
	}
	switch {
	case t.every < 0 || t.cfg.BackOff < 0:
		return errors.New("--retry-every and --back-off must not be less than 0")
	case t.cfg.BackOff > 0 && !t.cfg.Retransmit:
		return errors.New("--back-off: only with --retransmit do clients try again")
	case t.search && t.cfg.Retransmit:
		return errors.New("--retransmit with --search: a search counts every message without an answer as lost")
	case t.bind < 0 || t.bind > t.cfg.Clients:
		return fmt.Errorf("--bind %d: want 0 to the %d of --clients", t.bind, t.cfg.Clients)
	case t.bind == 0 && t.cfg.Mix.NeedsLeases():
		return fmt.Errorf("--mix %s: only clients with a lease do that, give some by --bind", t.mix)
	}
	return t.cfg.Check()
}

// ownAddresses reads addresses that must be this machine's: a server asks for
// their hardware address, and only the kernel answers.
func ownAddresses(texts []string) (all []netip.Addr, err error) {
	if len(texts) == 0 {
		return nil, nil
	}
	here, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, err
		}
		owned := func(n net.Addr) bool {
			p, err := netip.ParsePrefix(n.String())
			return err == nil && p.Addr() == a
		}
		if !slices.ContainsFunc(here, owned) {
			return nil, fmt.Errorf("%s is no address of this machine (ip address add)", a)
		}
		all = append(all, a)
	}
	return all, nil
}

// measure runs the generator and hands every record to keep: of a search the
// trials, where records go to a file, and the result; of a run at one rate its
// timeline, also if that ends early.
func (t *target) measure(ctx context.Context, g *load.Generator, progress io.Writer, keep func(*record.Record) error) (*load.Result, error) {
	if err := t.fill(ctx, g); err != nil {
		return nil, err
	}
	lap := t.laps()
	if t.search {
		return t.seek(ctx, g, progress, lap, keep)
	}
	r, err := g.Run(ctx)
	fmt.Fprintln(progress)
	if r == nil {
		return nil, err
	}
	return r, errors.Join(err, keep(&record.Record{Work: "timeline/" + t.work(), Result: r, CPU: lap(), Values: t.values(r)}))
}

// bindPatience lets clients that are to be bound try three times.
const bindPatience = 15 * time.Second

// fill binds clients before the mix begins.
func (t *target) fill(ctx context.Context, g *load.Generator) error {
	if t.bind == 0 {
		return nil
	}
	rate := t.cfg.Rate
	if t.bindRate > 0 {
		rate = t.bindRate
	}
	g.Set(load.Mix{load.DORA: 1}, rate, time.Duration(float64(t.bind)/rate*float64(time.Second)), true)
	g.Await(max(t.cfg.Timeout, bindPatience))
	r, err := g.Run(ctx)
	if err != nil {
		return err
	}
	if r.Completed == 0 {
		return fmt.Errorf("--bind %d: the server gave no client a lease", t.bind)
	}
	g.Set(t.cfg.Mix, t.cfg.Rate, t.cfg.Duration, t.cfg.Retransmit)
	g.Await(t.cfg.Timeout)
	return honest(r)
}

func (t *target) seek(ctx context.Context, g *load.Generator, progress io.Writer, lap func() record.CPU, keep func(*record.Record) error) (*load.Result, error) {
	var last record.Record
	var failed error
	s := load.Search{Start: t.cfg.Rate, Max: 2e6, LossMax: 0.001, Trial: t.cfg.Duration, Confirm: t.confirm, Steps: 4, Settle: 500 * time.Millisecond}
	s.Progress = func(r *load.Result, ok bool) {
		fmt.Fprintln(progress)
		line(progress, r)
		fmt.Fprintln(progress)
		trial := record.Record{Work: "sweep/" + t.work(), Result: r, CPU: lap()}
		if ok {
			last = trial
		}
		if t.output != "" && failed == nil {
			failed = keep(&trial)
		}
	}
	if _, err := s.Run(ctx, g, t.cfg.Mix); err != nil {
		return nil, errors.Join(err, failed)
	}
	last.Work = t.work()
	return last.Result, errors.Join(failed, keep(&last))
}

// values tells what clients that try again are played for: how long the longest
// was without an answer, and whether and when all had one.
func (t *target) values(r *load.Result) map[string]float64 {
	if !t.cfg.Retransmit {
		return nil
	}
	good, last := r.Goodput(time.Duration(r.Seconds * float64(time.Second))) // perhaps interrupted
	return map[string]float64{"longest_wait_ms": float64(r.Longest().Milliseconds()), "goodput_per_s": good, "last_bound_s": last, "unbound": float64(r.Failed)}
}

// work names what a run measures, by the exchanges of its mix if it has no name.
func (t *target) work() string {
	if t.name != "" {
		return t.name
	}
	var names []string
	for _, part := range strings.Split(t.cfg.Mix.String(), ",") {
		name, _, _ := strings.Cut(part, ":")
		names = append(names, name)
	}
	return "run-" + strings.Join(names, "+")
}

// laps returns a function that tells the processor time since its last call.
func (t *target) laps() func() record.CPU {
	own, server := record.OwnCPU(), t.serverCPU()
	return func() record.CPU {
		o, s := record.OwnCPU(), t.serverCPU()
		c := record.CPU{Generator: o - own, Server: s - server}
		own, server = o, s
		return c
	}
}

func (t *target) serverCPU() float64 {
	if t.pid == 0 {
		return 0
	}
	cpu, err := record.ProcessCPU(t.pid)
	if err != nil {
		return 0 // it ended: the loss of the run tells
	}
	return cpu
}

// line shows where a run stands, over the line before.
func line(w io.Writer, r *load.Result) {
	fmt.Fprintf(w, "\r%5.0f s  %d done  %d lost  %d sent again  %d wrong ", r.Elapsed().Seconds(), r.Completed, r.Failed, r.Retransmitted, r.Wrong+r.Duplicates)
}

func (t *target) write(stdout io.Writer, rec *record.Record) error {
	if t.output == "" {
		rec.Schema = record.Schema
		b, err := json.MarshalIndent(rec, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "%s\n", b)
		return err
	}
	f, err := os.OpenFile(t.output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(record.Write(f, rec), f.Close())
}

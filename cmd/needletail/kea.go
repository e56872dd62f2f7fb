package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"needletail/internal/server"
)

// keaUsage is in the form of the program we stand in for.
const keaUsage = `Usage: kea-dhcp4 -[v|V|W] [-d] [-X] [-{c|t|T} cfgfile] [-p number] [-P number]
  -v: print version number and exit
  -V: print extended version and exit
  -W: display the configuration report and exit
  -d: debug mode, log everything
  -c file: specify configuration file
  -t file: check the configuration file and the files it names, and exit
  -T file: the same
  -p number: specify non-standard server port number 1-65535 (useful for testing only)
  -P number: specify non-standard client port number 1-65535 (useful for testing only)
  -X: allow files outside the KEA_* directories
`

// keaArgs are kea-dhcp4's options.
type keaArgs struct {
	file                      string // the last one given, whatever for
	check                     bool
	version, extended, report bool
	debug, unconfined         bool
	serverPort, clientPort    int // 0: the usual
}

// runKea is the program under the name kea-dhcp4: same options, same lines that
// scripts wait for, same exit codes.
func runKea(ctx context.Context, e env, args []string) int {
	a, err := parseKea(args)
	if err != nil {
		fmt.Fprintf(e.stderr, "%v\nneedletail DHCPv4 server, version %s\n\n%s", err, version, keaUsage)
		return 1
	}
	o := options(e)
	o.Debug, o.Dirs.Unconfined, o.PIDFile = a.debug, a.unconfined, true
	o.File = a.file
	o.ServerPort, o.ClientPort = uint16(a.serverPort), uint16(a.clientPort)
	switch {
	case a.version:
		fmt.Fprintln(e.stdout, version)
	case a.extended:
		fmt.Fprintln(e.stdout, server.ExtendedVersion(version))
	case a.report:
		fmt.Fprintln(e.stdout, server.BuildReport(version))
	case a.check:
		return keaCheck(e, o)
	default:
		if serve(ctx, e, o) != nil {
			return 1
		}
	}
	return 0
}

// keaCheck prints the first line as Kea does, for those who look for it, and
// then every problem.
func keaCheck(e env, o server.Options) int {
	var report strings.Builder
	if check(&report, o) == nil {
		io.WriteString(e.stderr, report.String())
		return 0
	}
	fmt.Fprintf(e.stderr, "Syntax check failed with: %s", report.String())
	return 1
}

// keaError is a complaint in Kea's own words, capital and full stop included.
type keaError string

// Error implements error.
func (e keaError) Error() string { return string(e) }

func parseKea(args []string) (a keaArgs, err error) {
	f := flag.NewFlagSet("kea-dhcp4", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&a.file, "c", "", "")
	for _, name := range []string{"t", "T"} {
		f.Func(name, "", func(file string) error {
			a.file, a.check = file, true
			return nil
		})
	}
	f.BoolVar(&a.version, "v", false, "")
	f.BoolVar(&a.extended, "V", false, "")
	f.BoolVar(&a.report, "W", false, "")
	f.BoolVar(&a.debug, "d", false, "")
	f.BoolVar(&a.unconfined, "X", false, "")
	port := func(to *int, what string) func(string) error {
		return func(text string) error {
			n, err := parsePort(text)
			if err != nil {
				return keaError(fmt.Sprintf("Failed to parse %s port number: [%s], 1-65535 allowed.", what, text))
			}
			*to = n
			return nil
		}
	}
	f.Func("p", "", port(&a.serverPort, "server"))
	f.Func("P", "", port(&a.clientPort, "client"))
	if err := f.Parse(spread(args)); err != nil {
		return a, err
	}
	switch {
	case f.NArg() > 0:
		return a, keaError("Extraneous parameters.")
	case a.file == "" && !a.version && !a.extended && !a.report:
		return a, keaError("Configuration file not specified.")
	}
	return a, nil
}

func parsePort(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err == nil && n == 0 {
		err = strconv.ErrRange
	}
	return int(n), err
}

// spread takes getopt's short forms apart: -dc FILE is -d -c FILE, and -cFILE is
// -c FILE.
func spread(args []string) (out []string) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' {
			return append(out, args[i:]...)
		}
		for at := 1; at < len(arg); at++ {
			out = append(out, "-"+arg[at:at+1])
			if !strings.ContainsRune("ctTpP", rune(arg[at])) {
				continue
			}
			if at+1 < len(arg) {
				out = append(out, arg[at+1:])
			} else if i++; i < len(args) {
				out = append(out, args[i])
			}
			break
		}
	}
	return out
}

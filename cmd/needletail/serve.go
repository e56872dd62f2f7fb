package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"needletail/internal/cli"
	"needletail/internal/server"
)

// defaultConfig is where Debian's Kea has it.
const defaultConfig = "/etc/kea/kea-dhcp4.conf"

func serveCommand(e env) *cobra.Command {
	o := options(e)
	c := &cobra.Command{
		Use: "serve", Short: "serve DHCP clients, in the foreground", Args: cobra.NoArgs,
		Long: "Serves until SIGTERM or SIGINT. SIGHUP reads the configuration again.\n" +
			"Nothing is touched before the whole configuration has been checked.",
		RunE: func(c *cobra.Command, _ []string) error { return serve(c.Context(), e, o) },
	}
	c.Flags().StringVarP(&o.File, "config", "c", defaultConfig, "configuration in Kea's grammar")
	c.Flags().BoolVarP(&o.Debug, "debug", "d", false, "log everything, whatever loggers say")
	unconfined(c, &o)
	return c
}

// unconfined is the option of every command that looks for a server's files.
func unconfined(c *cobra.Command, o *server.Options) {
	c.Flags().BoolVarP(&o.Dirs.Unconfined, "unconfined", "X", false, "allow files outside the KEA_* directories")
}

func options(e env) server.Options {
	fast := new(server.FastPath)
	return server.Options{
		Version: version, Dirs: server.DirsFrom(e.getenv), LogTo: e.getenv("KEA_LOGGER_DESTINATION"), Stdout: e.stdout, Stderr: e.stderr,
		Joiners: []server.Joiner{fast.Join, server.HighAvailability(fast)}, Ports: []server.PortSource{fast.Ports},
	}
}

// serve runs the server with the process's signals and its service manager.
func serve(ctx context.Context, e env, o server.Options) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	o.Reload = hup
	o.Notify, o.Watchdog = manager(ctx)
	err := server.Run(ctx, o)
	var refused *server.RefusedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		fmt.Fprintln(e.stderr, "Failed to apply configuration:", refused)
	default:
		fmt.Fprintln(e.stderr, "Failed to initialize server:", err)
	}
	return cli.Exit(1)
}

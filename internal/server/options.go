package server

import (
	"io"
	"log/slog"
	"os"

	"needletail/internal/config"
)

// Options are what the command line and the environment say.
type Options struct {
	File       string // configuration
	Version    string
	ServerPort uint16 // 0: 67; another is for tests and implies UDP sockets
	ClientPort uint16 // 0: 68
	Debug      bool   // log everything
	PIDFile    bool   // keep one, as Kea does
	Dirs       Dirs
	LogTo      string // output, as in loggers, of what no configuration sends elsewhere; empty: Stdout
	Stdout     io.Writer
	Stderr     io.Writer
	Reload     <-chan os.Signal   // a value asks for a reload; nil: none
	Notify     func(state string) // service manager's sd_notify; nil: nobody listens
	Watchdog   <-chan struct{}    // a value asks for a sign of life by Notify; nil: none
	Ports      []PortSource       // besides kernel sockets, which are always there
	Joiners    []Joiner           // in the order they start; stopped in reverse
}

// RefusedError says that the configuration is the reason not to start. All else
// that keeps a server from starting is the world's fault.
type RefusedError struct{ Err error }

// Error implements error.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns what config found.
func (e *RefusedError) Unwrap() error { return e.Err }

// load reads the configuration and applies the directories. Warnings are
// logged; nothing else is touched.
func (o *Options) load(log *slog.Logger) (*config.Dhcp4, error) {
	cfg, err := config.Load(o.File)
	if err != nil {
		return nil, &RefusedError{err}
	}
	placed, err := o.Dirs.Place(cfg)
	if err != nil {
		return nil, &RefusedError{err}
	}
	for _, w := range cfg.Warnings {
		log.Warn(w.String(), "logger", "dhcp4", "id", "DHCP4_CONFIG_UNSUPPORTED")
	}
	return placed, nil
}

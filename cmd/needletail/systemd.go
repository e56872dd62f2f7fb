package main

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// manager connects the server with systemd, if that started us: where states
// are told, and when a sign of life is due.
func manager(ctx context.Context) (notify func(string), watchdog <-chan struct{}) {
	notify = func(state string) {
		// No socket in the environment, or a manager that went away: nothing
		// that a server could do about it.
		_, _ = daemon.SdNotify(false, state)
	}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every <= 0 {
		return notify, nil
	}
	due := make(chan struct{})
	go tick(ctx, every/2, due)
	return notify, due
}

// tick asks for signs of life until ctx ends. It waits for each to be taken:
// a server that hangs gives none.
func tick(ctx context.Context, every time.Duration, due chan<- struct{}) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		select {
		case <-ctx.Done():
			return
		case due <- struct{}{}:
		}
	}
}

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"needletail/internal/config"
	"needletail/internal/logging"
	"needletail/leases"
	"needletail/slowpath"
)

// ExportLeases writes the leases of a stopped server as Kea's memfile: to a
// file, or to o.Stdout if name is empty. There must be a lease database.
func ExportLeases(ctx context.Context, o Options, name string) error {
	return withStore(ctx, o, true, func(s *leases.Store) error {
		if name == "" {
			return s.ExportCSV(o.Stdout)
		}
		return s.ExportFile(name)
	})
}

// ImportLeases reads Kea's memfile into the lease database of a stopped server,
// which need not exist. n is the number of changes; problems are lines that
// were refused.
func ImportLeases(ctx context.Context, o Options, in io.Reader) (n int, problems []error, err error) {
	err = withStore(ctx, o, false, func(s *leases.Store) (err error) {
		n, problems, err = s.ImportCSV(in)
		return err
	})
	return n, problems, err
}

// withStore opens the lease database of a configuration for one job.
func withStore(ctx context.Context, o Options, mustExist bool, job func(*leases.Store) error) error {
	cfg, err := config.Load(o.File)
	if err != nil {
		return err
	}
	if cfg, err = o.Dirs.Place(cfg); err != nil {
		return err
	}
	if !cfg.LeaseDatabase.Persist {
		return fmt.Errorf("%s keeps no leases on disk: its lease-database has persist: false", o.File)
	}
	if err := checkOwner(storeDir(cfg.LeaseDatabase.Name), os.Geteuid()); err != nil {
		return err
	}
	store, err := openStore(ctx, cfg, logging.New(o.Stderr, o.Stderr, false).Logger(), mustExist)
	if err != nil {
		return err
	}
	if _, err := slowpath.NewEngine(cfg, store, nil); err != nil { // tells the store its subnets
		return errors.Join(err, store.Close())
	}
	return errors.Join(job(store), store.Close())
}

// checkOwner keeps root from leaving files in a store that its server, which
// runs as another user, could not open.
func checkOwner(dir string, euid int) error {
	info, err := os.Stat(dir)
	if err != nil {
		info, err = os.Stat(filepath.Dir(dir))
	}
	if err != nil || euid != 0 {
		return nil // opening says what is wrong
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if owner == 0 {
		return nil
	}
	name := strconv.Itoa(int(owner))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return fmt.Errorf("%s is user %s's, and root's files in it would keep the server from its leases: run this as that user (runuser -u %s -- needletail lease)", dir, name, name)
}

package server

import (
	"context"
	"log/slog"

	"needletail/internal/config"
	"needletail/leases"
)

// openStore opens the lease database a configuration names.
func openStore(ctx context.Context, cfg *config.Dhcp4, log *slog.Logger, mustExist bool) (*leases.Store, error) {
	o := leases.Options{Log: log.With("logger", "leases"), MustExist: mustExist}
	if cfg.LeaseDatabase.Persist {
		d, err := leases.ParseDurability(cfg.Needletail.Durability)
		if err != nil {
			return nil, err
		}
		o.Dir, o.Durability = storeDir(cfg.LeaseDatabase.Name), d
	}
	return leases.Open(ctx, o)
}

// storeDir is the store's directory beside the memfile that Kea would write.
func storeDir(memfile string) string { return memfile + ".needletail" }

package server

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"

	"needletail/internal/config"
)

// persist true is a store in a directory beside the name, false is memory only.
func TestPersist(t *testing.T) {
	for _, persist := range []bool{true, false} {
		dir := t.TempDir()
		cfg, err := config.Parse("test", fmt.Appendf(nil, `{ "Dhcp4": { "lease-database": { "type": "memfile", "persist": %v, "name": "%s/leases.csv" } } }`, persist, dir))
		if err != nil {
			t.Fatal(err)
		}
		store, err := openStore(t.Context(), cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), false)
		if err != nil {
			t.Fatal(err)
		}
		configureTestSubnet(t, store)
		fill(t, store, 1)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		var names []string
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if want := map[bool]string{true: "[leases.csv.needletail]", false: "[]"}[persist]; err != nil || fmt.Sprint(names) != want {
			t.Errorf("persist %v leaves %v, %v, want %s", persist, names, err, want)
		}
	}
}

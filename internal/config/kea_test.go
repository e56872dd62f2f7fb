package config

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Every case that Kea can judge is judged by a real kea-dhcp4 -t as well.
// keaDiffers lists the cases where the two part, each with the reason.
func TestKeaAgrees(t *testing.T) {
	kea, err := exec.LookPath("kea-dhcp4")
	if err != nil {
		t.Skip("kea-dhcp4 is not installed (Debian: kea-dhcp4-server)")
	}
	if testing.Short() {
		t.Skip("some two hundred runs of kea-dhcp4")
	}
	work := t.TempDir()
	t.Chdir("testdata/cases")
	judged := 0
	for _, file := range []string{"text", "keys", "warnings", "lifetimes", "subnets", "networks", "pools", "options", "definitions", "service"} {
		for _, c := range readCases(t, file+".txt") {
			id := file + ": " + c.title
			accepted := keaAccepts(t, kea, filepath.Join(work, "kea.conf"), c.config)
			ours := strings.HasPrefix(c.want, "ok\n")
			_, differs := keaDiffers[id]
			judged++
			if (accepted == ours) == differs {
				t.Errorf("%s: Kea accepts %t, we %t; listed as different %t\n%s", id, accepted, ours, differs, c.config)
			}
			delete(keaUnused, id)
		}
	}
	t.Logf("%d configurations judged, %d of them differently for a reason", judged, len(keaDiffers))
	for id := range keaUnused {
		t.Errorf("%s is listed as different and is no case", id)
	}
}

// keaUnused starts as all of keaDiffers; what is left names no case.
var keaUnused = func() map[string]bool {
	all := make(map[string]bool)
	for id := range keaDiffers {
		all[id] = true
	}
	return all
}()

func keaAccepts(t *testing.T, kea, file, config string) bool {
	t.Helper()
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, kea, "-t", file)
	cmd.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+filepath.Dir(file), "KEA_LOCKFILE_DIR=none")
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("kea-dhcp4 -t does not end on\n%s", config)
	}
	return err == nil
}

package fastpath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// The oldest kernel the program is made for.
const kernelMajor, kernelMinor = 6, 1

// capabilities are what the fast path needs, by their numbers in
// linux/capability.h.
var capabilities = []struct {
	bit  int
	name string
	why  string
}{
	{unix.CAP_BPF, "CAP_BPF", "load the XDP program"},
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", "attach it"},
	{unix.CAP_NET_RAW, "CAP_NET_RAW", "open AF_XDP sockets"},
	{unix.CAP_PERFMON, "CAP_PERFMON", "let the program compute with packet pointers"},
}

// able checks kernel and capabilities before anything is tried, because the
// errors that the kernel gives for lack of them name neither.
func able() error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return fmt.Errorf("read the kernel's version: %w", err)
	}
	if err := recent(unix.ByteSliceToString(u.Release[:])); err != nil {
		return err
	}
	have, err := effective()
	if err != nil {
		return err
	}
	return lacking(have)
}

// lacking names what is missing of the capabilities and what it is needed for.
func lacking(have uint64) error {
	var missing []error
	for _, c := range capabilities {
		if have&(1<<c.bit) == 0 && have&(1<<unix.CAP_SYS_ADMIN) == 0 {
			missing = append(missing, fmt.Errorf("%s is missing, needed to %s (systemd: AmbientCapabilities=)", c.name, c.why))
		}
	}
	return errors.Join(missing...)
}

// recent refuses a kernel release, such as "6.1.0-56-amd64", that is too old.
func recent(release string) error {
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return fmt.Errorf("kernel release %q is not a version: %w", release, err)
	}
	if major < kernelMajor || major == kernelMajor && minor < kernelMinor {
		return fmt.Errorf("kernel %s is too old: the fast path needs Linux %d.%d or newer", release, kernelMajor, kernelMinor)
	}
	return nil
}

// effective returns the effective capabilities of this thread.
func effective() (uint64, error) {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	if err := unix.Capget(&h, &d[0]); err != nil {
		return 0, fmt.Errorf("read capabilities: %w", err)
	}
	return uint64(d[1].Effective)<<32 | uint64(d[0].Effective), nil
}

// explainLoad adds to an error of loading the program what the verifier said.
func explainLoad(err error) error {
	var v *ebpf.VerifierError
	if errors.As(err, &v) {
		return fmt.Errorf("load the XDP program: the kernel's verifier refuses it: %+v", v)
	}
	return fmt.Errorf("load the XDP program: %w", err)
}

package peer

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

type object = map[string]any

// keaConfig is the Dhcp4 document that Kea and needletail both read.
func keaConfig(s *Setup, dir string) object {
	d := object{
		"interfaces-config": object{"interfaces": []string{s.Interface}, "dhcp-socket-type": "raw"},
		"lease-database":    object{"type": "memfile", "persist": true, "name": filepath.Join(dir, "leases.csv"), "lfc-interval": 0},
		"multi-threading":   object{"enable-multi-threading": true, "thread-pool-size": s.workers(), "packet-queue-size": 64 * s.workers()},
		"control-socket":    object{"socket-type": "unix", "socket-name": filepath.Join(dir, "control")},
		"valid-lifetime":    int(s.Lifetime.Seconds()),
		"sanity-checks":     object{"lease-checks": "none"},
		"subnet4":           keaSubnets(s),
		"loggers": []object{{
			"name": "kea-dhcp4", "severity": s.severity(),
			"output_options": []object{{"output": filepath.Join(dir, "server.log")}},
		}},
	}
	if s.Cache > 0 {
		d["cache-threshold"] = s.Cache
	}
	if s.Spokes > 0 {
		d["hooks-libraries"] = []object{
			{"library": hook("libdhcp_lease_cmds.so")},
			{"library": hook("libdhcp_ha.so"), "parameters": object{"high-availability": keaSpokes(s)}},
		}
	}
	if s.HA != nil {
		d["hooks-libraries"] = []object{
			{"library": hook("libdhcp_lease_cmds.so")},
			{"library": hook("libdhcp_ha.so"), "parameters": object{"high-availability": []object{keaPair(s.HA, s.workers())}}},
		}
	}
	return d
}

// hook returns the path of a hook library as Debian installs it.
func hook(name string) string {
	found, err := filepath.Glob("/usr/lib/*/kea/hooks/" + name)
	if err != nil || len(found) == 0 {
		return "/usr/lib/kea/hooks/" + name
	}
	return found[0]
}

func keaSubnets(s *Setup) []object {
	if s.Subnets < 2 {
		one := object{"id": 1, "subnet": s.Prefix.String(), "pools": keaPools(s)}
		if s.Agents > 0 {
			one["relay"] = object{"ip-addresses": texts(s.agents())}
		} else {
			one["interface"] = s.Interface
		}
		return []object{one}
	}
	var out []object
	bits := s.Prefix.Bits()
	for 1<<(bits-s.Prefix.Bits()) < s.Subnets {
		bits++
	}
	size := uint32(1) << (32 - bits)
	base := binary.BigEndian.Uint32(s.Prefix.Masked().Addr().AsSlice())
	for i := range uint32(s.Subnets) {
		first := base + i*size
		out = append(out, object{
			"id": i + 1, "subnet": fmt.Sprintf("%s/%d", addr(first), bits),
			"relay": object{"ip-addresses": []string{addr(first + 1).String()}},
			"pools": []object{{"pool": fmt.Sprintf("%s - %s", addr(first+10), addr(first+size-2))}},
		})
		if s.Spokes > 0 {
			out[i]["user-context"] = object{"ha-server-name": hub(int(i) % s.Spokes)}
		}
	}
	return out
}

// keaPools returns the pool, in load-balancing cut in two halves, one for each
// server's clients as Kea's manual advises: two servers that share a pool can
// give one address to two clients at the same moment.
func keaPools(s *Setup) []object {
	if s.HA == nil || s.HA.Mode == "hot-standby" {
		return []object{{"pool": s.First.String() + " - " + s.Last.String()}}
	}
	first, last := binary.BigEndian.Uint32(s.First.AsSlice()), binary.BigEndian.Uint32(s.Last.AsSlice())
	half := first + (last-first)/2
	return []object{
		{"pool": fmt.Sprintf("%s - %s", addr(first), addr(half)), "client-class": "HA_server1"},
		{"pool": fmt.Sprintf("%s - %s", addr(half+1), addr(last)), "client-class": "HA_server2"},
	}
}

// agents are the relays of the one subnet, from the second address past the
// pool on.
func (s *Setup) agents() []netip.Addr {
	base := binary.BigEndian.Uint32(s.Last.AsSlice()) + 2
	out := make([]netip.Addr, s.Agents)
	for i := range out {
		out[i] = addr(base + uint32(i))
	}
	return out
}

func texts(addrs []netip.Addr) (out []string) {
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}

// Relays returns the addresses of the relays through which a Setup is reached;
// none: clients are on the server's own link.
func (s *Setup) Relays() []netip.Addr {
	if s.Agents > 0 {
		return s.agents()
	}
	var out []netip.Addr
	for _, sub := range keaSubnets(s) {
		if r, ok := sub["relay"].(object); ok {
			out = append(out, netip.MustParseAddr(r["ip-addresses"].([]string)[0]))
		}
	}
	return out
}

func addr(v uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

func keaPair(p *Pair, threads int) object {
	mode, second := "load-balancing", "secondary"
	if p.Mode == "hot-standby" {
		mode, second = p.Mode, "standby"
	}
	ha := object{
		"this-server-name": fmt.Sprintf("server%d", p.Index+1), "mode": mode,
		"heartbeat-delay": p.Delay.Milliseconds(), "max-response-delay": p.Dead.Milliseconds(),
		"max-ack-delay": p.Ack.Milliseconds(), "max-unacked-clients": p.Unacked,
		"multi-threading": object{
			"enable-multi-threading": true, "http-dedicated-listener": true,
			"http-listener-threads": threads, "http-client-threads": threads,
		},
		"peers": []object{
			{"name": "server1", "url": p.URLs[0], "role": "primary"},
			{"name": "server2", "url": p.URLs[1], "role": second},
		},
	}
	return ha
}

// hub is the name of the server in its relationship with spoke i.
func hub(i int) string { return fmt.Sprintf("hub%d", i) }

// keaSpokes are relationships of which this server is the primary and whose
// standbys do not exist, so that it soon serves everyone alone. Of the servers
// measured here only needletail reads more than one.
func keaSpokes(s *Setup) (out []object) {
	for i := range s.Spokes {
		out = append(out, object{
			"this-server-name": hub(i), "mode": "hot-standby",
			"heartbeat-delay": 1000, "max-response-delay": 2000, "max-ack-delay": 1000, "max-unacked-clients": 0,
			"multi-threading": object{"enable-multi-threading": true, "http-dedicated-listener": true},
			"peers": []object{
				{"name": hub(i), "url": fmt.Sprintf("http://127.0.0.1:%d/", 8001+i), "role": "primary"},
				{"name": fmt.Sprintf("spoke%d", i), "url": fmt.Sprintf("http://127.0.0.1:%d/", 9000+i), "role": "standby"},
			},
		})
	}
	return out
}

func writeKea(s *Setup, dir string, extra object) (string, error) {
	d := keaConfig(s, dir)
	for k, v := range extra {
		d[k] = v
	}
	b, err := json.MarshalIndent(object{"Dhcp4": d}, "", "  ")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "dhcp4.json")
	return file, os.WriteFile(file, b, 0o644)
}

// writeNeedletail writes Kea's document with our own settings in it.
func writeNeedletail(s *Setup, dir string) (string, error) {
	own, extra := object{"durability": s.Durability}, object{}
	if s.Durability == Memory {
		own["durability"] = "none"
		extra["lease-database"] = object{"type": "memfile", "persist": false}
	}
	if s.XDP != "" {
		own["fast-path"] = object{"xdp": s.XDP, "af-xdp": s.AFXDP, "send": cmp.Or(s.Send, "ring")}
	}
	extra["user-context"] = object{"needletail": own}
	return writeKea(s, dir, extra)
}

// Kea is ISC Kea with its memfile, which never syncs.
func Kea() *Peer {
	return &Peer{
		Name: "kea", Binary: "kea-dhcp4", Durability: "memfile, never synced", Mode: "raw socket",
		version: func(out string) string { return strings.TrimSpace(out) }, versionFlag: "-v",
		prepare: func(s *Setup, dir string) (command, error) {
			file, err := writeKea(s, dir, nil)
			return command{
				args: []string{"-c", file},
				env:  []string{"KEA_PIDFILE_DIR=" + dir, "KEA_LOCKFILE_DIR=none", "KEA_LOGGER_DESTINATION=" + filepath.Join(dir, "boot.log")},
			}, err
		},
		refused: keaRefused,
		load: func(_ string, _ *Setup, dir, csv string) error {
			return os.Rename(csv, filepath.Join(dir, "leases.csv"))
		},
	}
}

// Own is the name of our own server among the peers.
const Own = "needletail"

// Needletail is the server of this repository, from the given binary.
func Needletail(binary string) *Peer {
	return &Peer{
		Name: Own, Binary: binary,
		version: func(out string) string { return strings.TrimSpace(out) }, versionFlag: "version",
		prepare: func(s *Setup, dir string) (command, error) {
			file, err := writeNeedletail(s, dir)
			return command{args: []string{"serve", "-c", file}}, err
		},
		refused: needletailRefused,
		load: func(binary string, s *Setup, dir, csv string) error {
			file, err := writeNeedletail(s, dir)
			if err != nil {
				return err
			}
			if out, err := exec.Command(binary, "lease", "import", "-c", file, csv).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		},
	}
}

package bpf

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/cilium/ebpf"

	"needletail/internal/rfc3074"
)

// Hashes of keys: RFC 3074 section 6, and as real Kea 2.2.0 and 3.0.4 pairs
// dealt their clients.
var vectors = map[string]uint8{
	"00": 175, "01": 251, "ff": 234, "0102": 170, "010203040506": 179, "ffffffffffff": 79,
	"020000000002": 45, "01020000000001": 14, "01000c01020304": 104, "01000c01020307": 69,
	"ff0000000100030001020000000016": 4, "000100013294ad02000c01020304": 224,
}

// bucket returns the hash that the program computes for a query. It lies in the
// scratch of the CPU that ran.
func (k *kernel) bucket(frame []byte) uint8 {
	k.t.Helper()
	cpus := make([]DhcpFound, ebpf.MustPossibleCPU())
	if err := k.Scratch.Put(uint32(0), cpus); err != nil {
		k.t.Fatal(err)
	}
	if _, err := k.Dhcp.Run(&ebpf.RunOptions{Data: frame}); err != nil {
		k.t.Fatal(err)
	}
	if err := k.Scratch.Lookup(uint32(0), &cpus); err != nil {
		k.t.Fatal(err)
	}
	for _, f := range cpus {
		if f.Message != 0 {
			return uint8(f.Bucket)
		}
	}
	k.t.Fatal("no CPU ran the program")
	return 0
}

// served reports whether the program answers a query, as its action shows it.
func (k *kernel) served(frame []byte) bool {
	k.t.Helper()
	action, err := k.Dhcp.Run(&ebpf.RunOptions{Data: frame})
	if err != nil {
		k.t.Fatal(err)
	}
	return action == xdpPass
}

func TestHashVectors(t *testing.T) {
	k := load(t)
	k.relationships(1)
	for text, want := range vectors {
		key, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		var only rfc3074.Buckets
		only.Add(want)
		k.scope(0, hashed(only))
		byClient := discover([6]byte{9}, key).frame()
		if got := k.bucket(byClient); got != want {
			t.Errorf("client id %s: bucket %d, want %d", text, got, want)
		}
		if !k.served(byClient) {
			t.Errorf("client id %s is not served although bucket %d is", text, want)
		}
		q := query{hlen: byte(len(key)), options: options(opt(53, 1))}
		copy(q.mac[:], key)
		if got := k.bucket(q.frame()); got != want {
			t.Errorf("hardware address %s: bucket %d, want %d", text, got, want)
		}
	}
	if got := k.bucket(discover([6]byte{9}, make([]byte, 255)).frame()); got != 123 {
		t.Errorf("255 zero bytes: bucket %d, want 123", got)
	}
}

// TestHashOfEveryLength compares with user space's hash, which has its own
// vectors, for random keys.
func TestHashOfEveryLength(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, hashed(rfc3074.All))
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 256 {
		for range 8 {
			key := make([]byte, n)
			for i := range key {
				key[i] = byte(random.Uint32())
			}
			mac := [6]byte{2, 3, 4, 5, 6, byte(n)}
			want := rfc3074.Hash(key)
			if n == 0 {
				want = rfc3074.Hash(mac[:])
			}
			if got := k.bucket(discover(mac, key).frame()); got != want {
				t.Fatalf("key %x: bucket %d, want %d", key, got, want)
			}
		}
	}
	for n := 1; n <= 16; n++ {
		q := query{hlen: byte(n), options: options(opt(53, 1))}
		for i := range q.mac {
			q.mac[i] = byte(random.Uint32())
		}
		if got, want := k.bucket(q.frame()), rfc3074.Hash(q.mac[:n]); got != want {
			t.Errorf("hardware address %x: bucket %d, want %d", q.mac[:n], got, want)
		}
	}
}

// TestSplit: two servers share random clients evenly.
func TestSplit(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, hashed(rfc3074.Server(0, 2)))
	const clients = 100_000
	random := rand.New(rand.NewPCG(3, 4))
	served := 0
	f := discover([6]byte{}, nil).frame()
	const chaddr = 14 + ipLen + udpLen + 28
	for range clients {
		for i := range 6 {
			f[chaddr+i] = byte(random.Uint32())
		}
		if k.served(f) {
			served++
		}
	}
	t.Logf("the primary serves %d of %d clients", served, clients)
	if served < clients/2*99/100 || served > clients/2*101/100 {
		t.Errorf("%d of %d clients served, want half within 1 %%", served, clients)
	}
}

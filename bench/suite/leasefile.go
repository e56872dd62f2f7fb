package suite

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"time"
)

// writeLeases writes n leases in the CSV form of Kea's memfile (schema 2.1,
// which Kea 2.2 writes), from the first address of the pool on.
func writeLeases(file string, n int) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write leases: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context")
	first := binary.BigEndian.Uint32(poolFirst.AsSlice())
	expire := time.Now().Add(24 * time.Hour).Unix()
	for i := range uint32(n) {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], first+i)
		mac := fmt.Sprintf("02:01:%02x:%02x:%02x:%02x", i>>24, i>>16&0xff, i>>8&0xff, i&0xff)
		fmt.Fprintf(w, "%s,%s,01:%s,86400,%d,1,0,0,,0,\n", netip.AddrFrom4(a), mac, mac, expire)
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return fmt.Errorf("write leases: %w", err)
	}
	return f.Close()
}

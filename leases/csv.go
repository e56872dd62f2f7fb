package leases

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// Kea's memfile lease file (kea-leases4.csv): one line per change, the last one
// of an address counts, a lifetime of 0 deletes (Kea: lease_file_loader.h).
// Commas in text are written as the four characters of csvComma.
const (
	csvHeader = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id"
	csvComma  = "&#x2c"
	// csvPage is the number of leases copied out of the tables at a time.
	csvPage = 4096
)

// ExportCSV writes all leases of configured subnets in the form of Kea 2.4 and
// later; older ones read it if the last column is cut.
func (s *Store) ExportCSV(w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprintln(out, csvHeader)
	var line []byte
	for from := (netip.Addr{}); ; {
		page := s.Page(from, csvPage)
		for i := range page {
			line = appendCSV(line[:0], &page[i])
			if _, err := out.Write(line); err != nil {
				return fmt.Errorf("export leases: %w", err)
			}
		}
		if len(page) < csvPage {
			break
		}
		from = page[len(page)-1].Addr
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("export leases: %w", err)
	}
	return nil
}

// appendCSV appends one line.
func appendCSV(dst []byte, l *Lease) []byte {
	dst = append(l.Addr.AppendTo(dst), ',')
	dst = append(appendColonHex(dst, l.HW), ',')
	dst = append(appendColonHex(dst, l.ClientID), ',')
	dst = append(strconv.AppendUint(dst, uint64(l.ValidLft), 10), ',')
	dst = append(strconv.AppendInt(dst, keaExpire(l), 10), ',')
	dst = append(strconv.AppendUint(dst, uint64(l.SubnetID), 10), ',')
	dst = append(dst, csvBool(l.FQDNFwd), ',', csvBool(l.FQDNRev), ',')
	dst = append(dst, csvEscape(l.Hostname)...)
	dst = append(strconv.AppendUint(append(dst, ','), uint64(l.State), 10), ',')
	dst = append(dst, csvEscape(string(l.UserContext))...)
	dst = strconv.AppendUint(append(dst, ','), uint64(l.PoolID), 10)
	return append(dst, '\n')
}

func csvBool(b bool) byte {
	if b {
		return '1'
	}
	return '0'
}

func csvEscape(s string) string {
	if !strings.ContainsAny(s, ",&\n\r") {
		return s
	}
	s = strings.ReplaceAll(s, "&", "&#x26")
	s = strings.ReplaceAll(s, "\n", "&#x0a")
	s = strings.ReplaceAll(s, "\r", "&#x0d")
	return strings.ReplaceAll(s, ",", csvComma)
}

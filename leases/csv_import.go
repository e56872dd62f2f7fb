package leases

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	csvLineMax  = 1 << 20 // bytes of one line
	problemsMax = 100     // problems kept; the rest is only counted in the last one
)

// ImportCSV reads a Kea memfile lease file of any version from 1.0 to 3.x and
// overwrites the leases it names, committing as it goes. Lines that cannot be
// used are reported and skipped. n is the number of changes made.
func (s *Store) ImportCSV(r io.Reader) (n int, problems []error, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, csvLineMax)
	if !in.Scan() {
		return 0, nil, errors.Join(errors.New("lease file: no header line"), in.Err())
	}
	columns := strings.Split(strings.TrimRight(in.Text(), "\r"), ",")
	if columns[0] != "address" {
		return 0, nil, fmt.Errorf("lease file: the header starts with %q, want \"address\"", columns[0])
	}
	im := importer{s: s, columns: columns}
	for line := 2; in.Scan(); line++ {
		if err := im.line(in.Text()); err != nil {
			im.problem(fmt.Errorf("line %d: %w", line, err))
		}
		if im.batch.Len() >= commitChangesMax {
			if err := im.flush(); err != nil {
				return im.n, im.problems, err
			}
		}
	}
	if err := in.Err(); err != nil {
		return im.n, im.problems, fmt.Errorf("lease file: %w", err)
	}
	err = im.flush()
	if im.more > 0 {
		im.problems = append(im.problems, fmt.Errorf("and %d more lines", im.more))
	}
	return im.n, im.problems, err
}

type importer struct {
	s        *Store
	columns  []string
	batch    Batch
	n        int
	problems []error
	more     int
}

func (im *importer) problem(err error) {
	if len(im.problems) >= problemsMax {
		im.more++
		return
	}
	im.problems = append(im.problems, err)
}

// line takes one line: a lease, or its end.
func (im *importer) line(text string) error {
	text = strings.TrimRight(text, "\r")
	if text == "" {
		return nil
	}
	fields := strings.Split(text, ",")
	if len(fields) > len(im.columns) {
		return fmt.Errorf("%d columns, the header has %d", len(fields), len(im.columns))
	}
	values := map[string]string{}
	for i, f := range fields {
		values[im.columns[i]] = f
	}
	l, err := leaseFromCSV(values)
	if err != nil {
		return err
	}
	if l.ValidLft == 0 && l.State != Released && l.State != Reclaimed {
		if _, had := im.s.Delete(&im.batch, l.Addr); had {
			im.n++
		}
		return nil
	}
	if _, err := im.s.Put(&im.batch, &l); err != nil {
		return err
	}
	im.n++
	return nil
}

func (im *importer) flush() error {
	if im.batch.Len() == 0 {
		return nil
	}
	done := make(chan error, 1)
	im.s.Submit(&im.batch, func(_ *Batch, err error) { done <- err })
	err := <-done
	im.s.Settle(&im.batch)
	im.batch.Reset()
	if err != nil {
		return fmt.Errorf("import leases: %w", err)
	}
	return nil
}

// leaseFromCSV reads the columns of a line by name; older files lack some.
func leaseFromCSV(v map[string]string) (l Lease, err error) {
	if l.Addr, err = netip.ParseAddr(v["address"]); err != nil || !l.Addr.Is4() {
		return l, fmt.Errorf("address %q is not an IPv4 address", v["address"])
	}
	if l.HW, err = parseColonHex(v["hwaddr"]); err != nil {
		return l, fmt.Errorf("hwaddr: %w", err)
	}
	l.HType = 1
	if l.ClientID, err = parseColonHex(v["client_id"]); err != nil {
		return l, fmt.Errorf("client_id: %w", err)
	}
	var numbers [5]uint64
	for i, name := range [...]string{"valid_lifetime", "expire", "subnet_id", "state", "pool_id"} {
		if v[name] == "" && i >= 3 {
			continue
		}
		if numbers[i], err = strconv.ParseUint(v[name], 10, 40); err != nil {
			return l, fmt.Errorf("%s: %q is not a number", name, v[name])
		}
		if i != 1 && numbers[i] > Infinite {
			return l, fmt.Errorf("%s %d is out of range", name, numbers[i])
		}
	}
	l.ValidLft, l.SubnetID, l.PoolID = uint32(numbers[0]), uint32(numbers[2]), uint32(numbers[4])
	if numbers[3] > uint64(Released) {
		return l, fmt.Errorf("state %d: want 0 to 3", numbers[3])
	}
	if numbers[1] < numbers[0] {
		return l, fmt.Errorf("expire %d is before valid_lifetime %d", numbers[1], numbers[0])
	}
	l.State = State(numbers[3])
	l.CLTT = time.Unix(int64(numbers[1]-numbers[0]), 0)
	l.FQDNFwd, l.FQDNRev = v["fqdn_fwd"] == "1" || v["fqdn_fwd"] == "true", v["fqdn_rev"] == "1" || v["fqdn_rev"] == "true"
	l.Hostname = lowerASCII(csvUnescape(v["hostname"]))
	if c := csvUnescape(v["user_context"]); c != "" {
		if c[0] != '{' {
			return l, errors.New("user_context is not a map")
		}
		l.UserContext = newRelayInfo([]byte(c))
	}
	return l, nil
}

// csvUnescape turns &#x and two
// hexadecimal digits into the character: Kea's CSVRow::unescapeCharacters.
func csvUnescape(s string) string {
	const prefix = "&#x"
	if !strings.Contains(s, prefix) {
		return s
	}
	var out strings.Builder
	for {
		at := strings.Index(s, prefix)
		if at < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:at])
		s = s[at:]
		digits := min(len(s), len(prefix)+2)
		c, err := strconv.ParseUint(s[len(prefix):digits], 16, 8)
		if err != nil {
			out.WriteString(prefix)
			s = s[len(prefix):]
			continue
		}
		out.WriteByte(byte(c))
		s = s[digits:]
	}
}

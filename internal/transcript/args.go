package transcript

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// known are the arguments of queries; opt.N apart.
var known = []string{
	"op", "htype", "hlen", "hops", "xid", "secs", "mac", "ciaddr", "giaddr", "file", "sname", "type", "addr",
	"server", "lease", "prl", "mms", "host", "vendor", "cid", "link", "agent", "raw", "src", "dst", "if", "show",
}

// unknown finds a misspelt argument.
func (b *builder) unknown() error {
	for _, a := range b.step.Args {
		if a.Name == "" && a.Value == "broadcast" || strings.HasPrefix(a.Name, "opt.") || slices.Contains(known, a.Name) {
			continue
		}
		return fmt.Errorf("no such argument: %s%s", a.Name, a.Value)
	}
	return nil
}

func (b *builder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// option appends an option, in pieces if it is long (RFC 3396).
func (b *builder) option(code byte, data []byte) {
	for len(data) > 255 {
		b.options = append(append(b.options, code, 255), data[:255]...)
		data = data[255:]
	}
	b.options = append(append(b.options, code, byte(len(data))), data...)
}

func (b *builder) number(name string, otherwise uint64) uint64 {
	v, ok := b.step.Get(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseUint(v, 0, 32)
	b.note(err)
	return n
}

func (b *builder) addr(name string) []byte {
	v, ok := b.step.Get(name)
	if !ok {
		return nil
	}
	a, err := netip.ParseAddr(v)
	b.note(err)
	if err != nil || !a.Is4() {
		return nil
	}
	return a.AsSlice()
}

func (b *builder) hexArg(name string) []byte {
	v, ok := b.step.Get(name)
	if !ok {
		return nil
	}
	return b.hex(name, v)
}

// hex reads hex digits; HH*N repeats a byte, and parts are joined with +.
func (b *builder) hex(name, v string) []byte {
	var out []byte
	for part := range strings.SplitSeq(v, "+") {
		digits, times, repeated := strings.Cut(part, "*")
		bytes, err := hex.DecodeString(digits)
		if err != nil {
			b.note(fmt.Errorf("%s=%s: %w", name, v, err))
			return nil
		}
		n := 1
		if repeated {
			n, err = strconv.Atoi(times)
			b.note(err)
		}
		for range n {
			out = append(out, bytes...)
		}
	}
	return out
}

func (b *builder) codes(v string) []byte {
	var out []byte
	for c := range strings.SplitSeq(v, ",") {
		n, err := strconv.ParseUint(c, 10, 8)
		b.note(err)
		out = append(out, byte(n))
	}
	return out
}

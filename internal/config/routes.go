package config

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// staticRoutes writes option 121 from "10.0.0.0/8 - 192.0.2.1, ..." (RFC 3442;
// the notation is Kea's, option_classless_static_route.cc).
func staticRoutes(values []string) ([]byte, error) {
	var out []byte
	for _, v := range values {
		to, via, ok := strings.Cut(v, "-")
		prefix, err := netip.ParsePrefix(strings.TrimSpace(to))
		router, err2 := netip.ParseAddr(strings.TrimSpace(via))
		if !ok || err != nil || err2 != nil || !prefix.Addr().Is4() || !router.Is4() {
			return nil, fmt.Errorf("%q is not a route, write it like 10.0.0.0/8 - 192.0.2.1", v)
		}
		significant := (prefix.Bits() + 7) / 8
		out = append(out, byte(prefix.Bits()))
		out = append(out, prefix.Masked().Addr().AsSlice()[:significant]...)
		out = append(out, router.AsSlice()...)
	}
	return out, nil
}

// resolvers writes option 162 (RFC 9463 section 5.1) from
// "priority, name, address address, key=value key=value", several separated
// by "|" (Kea: option4_dnr.cc).
func resolvers(data string) ([]byte, error) {
	var out []byte
	for _, one := range strings.Split(data, "|") {
		instance, err := resolver(splitData(one))
		if err != nil {
			return nil, err
		}
		out = binary.BigEndian.AppendUint16(out, uint16(len(instance)))
		out = append(out, instance...)
	}
	return out, nil
}

func resolver(fields []string) ([]byte, error) {
	if len(fields) < 2 {
		return nil, errors.New("a resolver needs a priority and a name, write it like 1, resolver.example., 192.0.2.1, alpn=dot")
	}
	priority, err := strconv.ParseUint(fields[0], 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a priority from 0 to 65535", fields[0])
	}
	name, err := appendName(nil, fields[1])
	if err != nil || len(name) > nameMax {
		return nil, fmt.Errorf("%q is not the name of a resolver", fields[1])
	}
	out := binary.BigEndian.AppendUint16(nil, uint16(priority))
	out = append(append(out, byte(len(name))), name...)
	if len(fields) == 2 {
		return out, nil // RFC 9463 section 3.1.6: authentication-domain-name only
	}
	var addrs []byte
	for _, a := range strings.Fields(fields[2]) {
		if addrs, err = appendIPv4(addrs, a); err != nil {
			return nil, err
		}
	}
	if len(addrs) == 0 || len(addrs) > 252 {
		return nil, errors.New("a resolver has 1 to 63 addresses")
	}
	out = append(append(out, byte(len(addrs))), addrs...)
	return appendServiceParams(out, fields[3:])
}

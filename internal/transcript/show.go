package transcript

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

var kinds = map[dhcpv4.MessageType]string{
	dhcpv4.MessageTypeOffer: "offer", dhcpv4.MessageTypeAck: "ack", dhcpv4.MessageTypeNak: "nak",
}

// describe puts a reply in one line. It also checks what holds for every
// reply: it parses, and repeats the query's xid and hardware address.
func describe(s Step, q Query, r Reply) (string, error) {
	if r.Message == nil {
		return strings.TrimSpace("silence " + r.Silence), nil
	}
	m, err := Decode(r.Message)
	if err != nil {
		return "", fmt.Errorf("the reply does not parse: %w", err)
	}
	if string(r.Message[4:8]) != string(q.Message[4:8]) || string(r.Message[28:44]) != string(q.Message[28:44]) {
		return "", errors.New("the reply has another xid or hardware address than the query")
	}
	line := fmt.Sprintf("%-5s", kinds[m.MessageType()])
	if a := m.YourIPAddr; !a.IsUnspecified() {
		line += " " + a.String()
	}
	if v := m.Options.Get(dhcpv4.OptionIPAddressLeaseTime); v != nil {
		line += " lease=" + duration(v)
	}
	line += " via=" + via(q, r, m)
	if show, ok := s.Get("show"); ok {
		for what := range strings.SplitSeq(show, ",") {
			line += " " + item(what, r, m)
		}
	}
	return line, nil
}

// Decode parses a reply with the oracle, options in file and sname included.
func Decode(message []byte) (*dhcpv4.DHCPv4, error) {
	m, err := dhcpv4.FromBytes(message)
	if err != nil {
		return nil, err
	}
	v := m.Options.Get(dhcpv4.OptionOptionOverload)
	if len(v) == 1 && v[0]&1 != 0 {
		err = m.Options.FromBytes(message[108:236])
	}
	if len(v) == 1 && v[0]&2 != 0 && err == nil {
		err = m.Options.FromBytes(message[44:108])
	}
	return m, err
}

// via names the route of a reply (RFC 2131 section 4.1).
func via(q Query, r Reply, m *dhcpv4.DHCPv4) string {
	giaddr := netip.AddrFrom4([4]byte(q.Message[24:28]))
	ciaddr := netip.AddrFrom4([4]byte(q.Message[12:16]))
	dst := r.Dst.Addr()
	switch {
	case dst == allBroadcast:
		return "broadcast"
	case dst == giaddr && r.Dst.Port() == 67:
		return "relay"
	case dst == giaddr:
		return "relay:" + strconv.Itoa(int(r.Dst.Port()))
	case dst == ciaddr:
		return "ciaddr"
	case net.IP(dst.AsSlice()).Equal(m.YourIPAddr):
		return "frame"
	}
	return dst.String()
}

func item(what string, r Reply, m *dhcpv4.DHCPv4) string {
	switch what {
	case "order":
		return "order=" + order(r.Message[240:])
	case "fields":
		return fmt.Sprintf("hops=%d broadcast=%t ciaddr=%s siaddr=%s giaddr=%s sname=%q file=%q", m.HopCount, m.IsBroadcast(),
			m.ClientIPAddr, m.ServerIPAddr, m.GatewayIPAddr, m.ServerHostName, m.BootFileName)
	case "to":
		return fmt.Sprintf("to=%s mac=%s src=%s", r.Dst, r.DstMAC, r.Src)
	case "length":
		return fmt.Sprintf("length=%d", len(r.Message))
	}
	code, err := strconv.ParseUint(what, 10, 8)
	if err != nil {
		return what + "=?"
	}
	return what + "=" + option(uint8(code), m.Options.Get(dhcpv4.GenericOptionCode(code)))
}

// order lists the codes of an options field in the order they lie.
func order(field []byte) string {
	var codes []string
	for len(field) >= 2 && field[0] != 255 {
		if field[0] == 0 {
			field = field[1:]
			continue
		}
		codes = append(codes, strconv.Itoa(int(field[0])))
		field = field[2+int(field[1]):]
	}
	return strings.Join(codes, ",")
}

// option prints a value: addresses, times and text where the code says so.
func option(code uint8, v []byte) string {
	if v == nil {
		return "none"
	}
	switch code {
	case 1, 3, 4, 6, 42, 44, 54, 118:
		var out []string
		for ; len(v) >= 4; v = v[4:] {
			out = append(out, netip.AddrFrom4([4]byte(v)).String())
		}
		return strings.Join(out, ",")
	case 51, 58, 59:
		return duration(v)
	case 12, 15, 60, 66, 67, 114:
		return strconv.Quote(string(v))
	}
	if len(v) > 64 {
		return fmt.Sprintf("%s..(%d)", hex.EncodeToString(v[:8]), len(v))
	}
	return hex.EncodeToString(v)
}

func duration(v []byte) string {
	n := int64(v[0])<<24 | int64(v[1])<<16 | int64(v[2])<<8 | int64(v[3])
	if n == 0xffffffff {
		return "forever"
	}
	text := (time.Duration(n) * time.Second).String()
	text = strings.TrimSuffix(text, "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	if text == "" {
		return "0s"
	}
	if strings.HasSuffix(text, "m") || strings.HasSuffix(text, "h") {
		return text
	}
	return (time.Duration(n) * time.Second).String()
}

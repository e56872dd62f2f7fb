package slowpath

import "strconv"

// names is what the client calls itself and what it is told, as Kea does with
// DDNS updates off: the FQDN option (RFC 4702) wins over the host name option;
// names are cleaned to letters, digits, hyphens and dots and put in lower case
// (Kea: dhcp4_srv.cc, processClientName; hostname-char-set's default).
type names struct {
	host  []byte // for the lease and, without fqdn, for option 12
	flags uint8  // of option 81 in the reply
	fqdn  bool   // the reply has option 81
	blank bool   // the client leaves its name to us
	reply []byte // data of option 81
}

const (
	nameMax  = 253 // bytes of a name in text
	labelMax = 63
)

// Flags of option 81 (RFC 4702 section 2.1).
const (
	fqdnS = 1 << 0 // the server shall update A records
	fqdnO = 1 << 1 // the server overrode S
	fqdnE = 1 << 2 // canonical wire format
	fqdnN = 1 << 3 // no updates

	fqdnHeader = 3 // flags and two result codes
	fqdnRCode  = 255
)

func (n *names) stored() []byte {
	if len(n.host) == 0 {
		return nil
	}
	return n.host
}

// read takes the names from a query.
func (n *names) read(m *message) {
	*n = names{host: n.host[:0], reply: n.reply[:0]}
	if v := m.option(optFQDN); v != nil {
		if len(v) >= fqdnHeader {
			n.readFQDN(v)
		}
		return
	}
	if v := m.option(optHostName); v != nil {
		n.readHost(v)
	}
}

// generatedPrefix begins the names of clients that leave theirs to us (Kea:
// ddns-generated-prefix's default).
const generatedPrefix = "myhost"

// settle makes the name of a client that leaves it to us, from its address
// (Kea: d2_client_mgr.cc, generateFqdn).
func (n *names) settle(addr uint32) {
	if !n.blank {
		return
	}
	n.host = append(n.host[:0], generatedPrefix...)
	for _, b := range ipOf(addr) {
		n.host = strconv.AppendUint(append(n.host, '-'), uint64(b), 10)
	}
	if n.fqdn {
		n.host = append(n.host, '.')
	}
}

// readHost takes option 12: one label loses a trailing dot, and the root alone
// leaves the name to us.
func (n *names) readHost(v []byte) {
	for len(v) > 0 && (v[len(v)-1] == 0 || v[len(v)-1] == ' ') {
		v = v[:len(v)-1] // some clients count the C string's end
	}
	if n.blank = len(v) == 1 && v[0] == '.'; n.blank {
		return
	}
	if !n.clean(v) || len(n.host) == 0 || n.host[0] == '.' {
		n.host = n.host[:0]
		return
	}
	if end := len(n.host) - 1; n.host[end] == '.' && !hasDot(n.host[:end]) {
		n.host = n.host[:end]
	}
}

// clean copies text into host, lower case and without characters that a host
// name cannot have. It returns false for empty or overlong labels.
func (n *names) clean(text []byte) bool {
	label := 0
	for i, c := range text {
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '.':
			if label == 0 && i > 0 {
				return false
			}
			label = -1
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
		default:
			continue
		}
		n.host = append(n.host, c)
		if label++; label > labelMax || len(n.host) > nameMax {
			return false
		}
	}
	return true
}

func hasDot(b []byte) bool {
	for _, c := range b {
		if c == '.' {
			return true
		}
	}
	return false
}

// readFQDN takes option 81 and makes the answer: nobody updates DNS (N), which
// overrides S (O); the name is fully qualified (RFC 4702 section 4).
func (n *names) readFQDN(v []byte) {
	flags := v[0]
	if flags&fqdnS != 0 && flags&fqdnN != 0 {
		return // RFC 4702 section 2.1: not allowed together
	}
	if ok := n.fqdnText(v[fqdnHeader:], flags); !ok {
		n.host = n.host[:0]
		return
	}
	n.fqdn, n.flags = true, flags&fqdnE|fqdnN
	if flags&fqdnS != 0 {
		n.flags |= fqdnO
	}
	if n.blank = len(n.host) == 0; n.blank {
		return
	}
	if n.host[len(n.host)-1] != '.' {
		n.host = append(n.host, '.')
	}
}

// answer returns the data of option 81 of the reply.
func (n *names) answer() []byte {
	n.reply = append(n.reply[:0], n.flags, fqdnRCode, fqdnRCode)
	if n.flags&fqdnE == 0 {
		n.reply = append(n.reply, n.host...)
	} else {
		n.reply = appendLabels(n.reply, n.host)
	}
	return n.reply
}

// fqdnText puts the name into host as text.
func (n *names) fqdnText(v []byte, flags uint8) bool {
	if flags&fqdnE == 0 {
		return n.clean(v)
	}
	for len(v) > 0 && v[0] != 0 {
		size := int(v[0])
		if size > labelMax || 1+size > len(v) {
			return false
		}
		before := len(n.host)
		if before > 0 {
			n.host = append(n.host, '.')
			before++
		}
		if !n.clean(v[1:1+size]) || len(n.host) == before || hasDot(n.host[before:]) {
			return false
		}
		v = v[1+size:]
	}
	return len(n.host) < nameMax
}

// appendLabels appends name, which ends in a dot, in DNS wire format.
func appendLabels(dst, name []byte) []byte {
	at := len(dst)
	dst = append(dst, 0)
	for _, c := range name {
		if c == '.' {
			at = len(dst)
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, c)
		dst[at]++
	}
	return dst
}

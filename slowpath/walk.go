package slowpath

// Values of option overload (RFC 2132 section 9.3), a bit for each field.
const (
	overloadFile  = 1
	overloadSname = 2
)

// walkAll notes every option: those of the options field, then, where option
// 52 says so, those of file and sname (RFC 2131 section 4.1: in this order).
func (m *message) walkAll() Silence {
	m.areas = [3]span{{offOptions, uint16(len(m.raw) - offOptions)}}
	if !m.walk(m.areas[0]) {
		return SilenceBadOptions
	}
	if !m.seen.has(optOverload) {
		return Answered
	}
	v := m.raw[m.at[optOverload].off:][:m.at[optOverload].len]
	if m.pieces.has(optOverload) || len(v) != 1 || v[0] == 0 || v[0] > overloadFile|overloadSname {
		return SilenceBadOverload
	}
	fields := v[0]
	if fields&overloadFile != 0 {
		m.areas[1] = span{offFile, fileLen}
	}
	if fields&overloadSname != 0 {
		m.areas[2] = span{offSname, snameLen}
	}
	if !m.walk(m.areas[1]) || !m.walk(m.areas[2]) {
		return SilenceBadOverload
	}
	return Answered
}

// walk notes the options of one area up to its end option. A missing end
// option is accepted, as Kea does; an option that leaves the area is not.
func (m *message) walk(area span) bool {
	off, end := int(area.off), int(area.off)+int(area.len)
	for off < end {
		code := m.raw[off]
		if code == optPad {
			off++
			continue
		}
		if code == optEnd {
			return true
		}
		if off+2 > end {
			return false
		}
		n := int(m.raw[off+1])
		if off+2+n > end {
			return false
		}
		if m.seen.has(code) {
			m.pieces.add(code)
		} else {
			m.seen.add(code)
			m.at[code] = span{uint16(off + 2), uint16(n)}
		}
		off += 2 + n
	}
	return true
}

// join puts together the options that came in pieces, in the order of the
// areas (RFC 3396 section 7). Rare, so it walks again for each of them.
func (m *message) join() {
	m.joined = m.joined[:0]
	for code := 1; code < optEnd; code++ {
		if !m.pieces.has(uint8(code)) {
			continue
		}
		from := len(m.joined)
		for _, area := range m.areas {
			m.gather(uint8(code), area)
		}
		m.at[code] = span{uint16(from), uint16(len(m.joined) - from)}
	}
}

func (m *message) gather(code uint8, area span) {
	off, end := int(area.off), int(area.off)+int(area.len)
	for off < end && m.raw[off] != optEnd {
		if m.raw[off] == optPad {
			off++
			continue
		}
		n := int(m.raw[off+1])
		if m.raw[off] == code {
			m.joined = append(m.joined, m.raw[off+2:off+2+n]...)
		}
		off += 2 + n
	}
}

// lengths are the options whose length is fixed and that we read (RFC 2132).
var lengths = [...]struct{ code, length uint8 }{
	{optRequested, 4}, {optLeaseTime, 4}, {optServerID, 4}, {optMaxMessage, 2}, {optSubnetSelection, 4},
}

// checkLengths refuses options too short to be read. Kea refuses the same
// messages when it builds its option objects.
func (m *message) checkLengths() Silence {
	if v := m.option(optMessageType); v != nil && len(v) != 1 {
		return SilenceBadType
	}
	for _, l := range lengths {
		if v := m.option(l.code); v != nil && len(v) != int(l.length) {
			return SilenceBadOptionLength
		}
	}
	// RFC 2132 section 9.14: a client identifier has at least 2 bytes; leases
	// keep at most 255.
	if v := m.option(optClientID); v != nil && (len(v) < 2 || len(v) > 255) {
		return SilenceBadOptionLength
	}
	return Answered
}

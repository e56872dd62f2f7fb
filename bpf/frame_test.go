package bpf

import "encoding/binary"

// query describes a frame that carries a DHCP query. Its zero value with
// options makes a broadcast DISCOVER without tags.
type query struct {
	tags      []uint16 // TPIDs, outer first
	ipOptions int      // bytes, a multiple of four
	src, dst  [4]byte  // zero dst: broadcast
	port      uint16   // 0: 67
	op        byte     // 0: BOOTREQUEST
	hlen      byte
	mac       [16]byte
	secs      uint16
	ciaddr    [4]byte
	giaddr    [4]byte
	options   []byte
	pad       int // bytes after the end of the packet
}

const (
	ethernetLen = 14
	ipLen       = 20
	udpLen      = 8
	bootpLen    = 240
)

// discover has the options a client sends: type, client identifier where there
// is one, requested parameters, end.
func discover(mac [6]byte, clientID []byte) query {
	q := query{hlen: 6, options: options(opt(53, 1), opt(55, 1, 3, 6, 15, 51, 54))}
	copy(q.mac[:], mac[:])
	if clientID != nil {
		q.options = options(opt(53, 1), opt(61, clientID...), opt(55, 1, 3, 6, 15, 51, 54))
	}
	return q
}

func opt(code byte, data ...byte) []byte {
	return append([]byte{code, byte(len(data))}, data...)
}

// options joins them and adds the end option.
func options(all ...[]byte) []byte {
	var b []byte
	for _, o := range all {
		b = append(b, o...)
	}
	return append(b, 255)
}

func (q query) frame() []byte {
	b := []byte{255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1}
	for _, tpid := range q.tags {
		b = binary.BigEndian.AppendUint16(b, tpid)
		b = append(b, 0, 100)
	}
	b = append(b, 8, 0)
	message := q.message()
	ip := make([]byte, ipLen+q.ipOptions, ipLen+q.ipOptions+udpLen)
	ip[0] = 0x40 | byte(len(ip)/4)
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)+udpLen+len(message)))
	ip[8], ip[9] = 64, 17
	copy(ip[12:], q.src[:])
	copy(ip[16:], []byte{255, 255, 255, 255})
	if q.dst != [4]byte{} {
		copy(ip[16:], q.dst[:])
	}
	for i := ipLen; i < len(ip); i++ {
		ip[i] = 1 // no operation (RFC 791)
	}
	udp := make([]byte, udpLen)
	port := q.port
	if port == 0 {
		port = 67
	}
	binary.BigEndian.PutUint16(udp, 68)
	binary.BigEndian.PutUint16(udp[2:], port)
	binary.BigEndian.PutUint16(udp[4:], uint16(udpLen+len(message)))
	var sum uint32
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum>>16+sum))
	b = append(append(append(b, ip...), udp...), message...)
	return append(b, make([]byte, q.pad)...)
}

func (q query) message() []byte {
	m := make([]byte, bootpLen)
	m[0], m[1], m[2] = q.op, 1, q.hlen
	if q.op == 0 {
		m[0] = 1
	}
	binary.BigEndian.PutUint16(m[8:], q.secs)
	copy(m[12:], q.ciaddr[:])
	copy(m[24:], q.giaddr[:])
	copy(m[28:], q.mac[:])
	copy(m[236:], []byte{99, 130, 83, 99})
	return append(m, q.options...)
}

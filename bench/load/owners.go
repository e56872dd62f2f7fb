package load

// owners tells which client last got an address. It is by pages of a /16,
// because servers give neighbouring addresses one after the other, which a map
// would scatter over memory.
type owners struct {
	pages [1 << 16]*[1 << 16]uint32 // client + 1; 0: nobody
}

// of returns the client, false if there is none.
func (o *owners) of(addr uint32) (uint32, bool) {
	p := o.pages[addr>>16]
	if p == nil || p[addr&0xffff] == 0 {
		return 0, false
	}
	return p[addr&0xffff] - 1, true
}

func (o *owners) set(addr, client uint32) {
	p := &o.pages[addr>>16]
	if *p == nil {
		*p = new([1 << 16]uint32)
	}
	(*p)[addr&0xffff] = client + 1
}

// drop forgets that a client got an address; another one's it keeps.
func (o *owners) drop(addr, client uint32) {
	if c, ok := o.of(addr); ok && c == client {
		o.pages[addr>>16][addr&0xffff] = 0
	}
}

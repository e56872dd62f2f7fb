package load

import "testing"

func TestOwners(t *testing.T) {
	var o owners
	for _, addr := range []uint32{0, 1, 0xffff, 0x10000, 0x0a100000, 0xffffffff} {
		if _, ok := o.of(addr); ok {
			t.Errorf("%#x has an owner before anybody got it", addr)
		}
		for _, client := range []uint32{0, ClientsMax - 1, 7} {
			o.set(addr, client)
			if c, ok := o.of(addr); !ok || c != client {
				t.Errorf("%#x: client %d, %v, want %d", addr, c, ok, client)
			}
		}
		o.drop(addr, 8)
		if c, ok := o.of(addr); !ok || c != 7 {
			t.Errorf("%#x: another client's drop took it from %d, %v", addr, c, ok)
		}
		o.drop(addr, 7)
		if c, ok := o.of(addr); ok {
			t.Errorf("%#x: still %d's", addr, c)
		}
	}
}

package slowpath

import (
	"bytes"
	"testing"

	"needletail/internal/frame"
	"needletail/internal/transcript"
)

// FuzzWrite writes replies of random options and reads them back with the
// oracle: every option that must be there is, with all its bytes; what else is
// there was asked for; option 82 is last; the limit is kept.
func FuzzWrite(f *testing.F) {
	f.Add(uint16(576), []byte("aabbccdd"), true, false)
	f.Add(uint16(1500), []byte{60, 200, 61, 255, 3, 4, 82, 100}, false, false)
	f.Add(uint16(576), []byte{43, 250, 17, 60, 61, 100, 82, 120, 66, 30}, false, true)
	f.Add(uint16(0), []byte{61, 255, 43, 255, 82, 255}, true, true)
	f.Fuzz(func(t *testing.T, size uint16, spec []byte, sname, file bool) {
		var m message
		query := rawQuery(53, 1, 1, 57, 2, byte(size>>8), byte(size), 255)
		if s := m.parse(query); s != Answered {
			t.Fatal(s)
		}
		d, want := drafted(spec)
		if sname {
			d.head.sname = "server.example.org"
		}
		if file {
			d.head.file = "/boot"
		}
		dst := bytes.Repeat([]byte{0xa5}, frame.MessageMax)
		n := d.write(dst, &m)
		if n == 0 {
			return // the caller made sure that what must be there fits
		}
		if limit, _ := messageLimit(&m); n > limit || n < messageMin {
			t.Fatalf("%d bytes, limit %d", n, limit)
		}
		readBack(t, dst[:n], d, want)
	})
}

// drafted makes a draft of pairs code, length; every third option is a must.
func drafted(spec []byte) (*draft, map[uint8][]byte) {
	d := &draft{}
	want := map[uint8][]byte{}
	d.put8(optMessageType, typeOffer)
	for i := 0; i+1 < len(spec) && i < 60; i += 2 {
		code, data := spec[i], bytes.Repeat([]byte{spec[i+1]}, int(spec[i+1])*5/4)
		switch {
		case code == optPad || code == optEnd || code == optOverload || d.sent.has(code):
		case code == optAgent:
			if want[code] == nil {
				d.agent = appendOption(nil, code, data)
				want[code] = data
			}
		default:
			d.put(code, data, i%6 == 0)
			want[code] = data
		}
	}
	return d, want
}

func readBack(t *testing.T, message []byte, d *draft, want map[uint8][]byte) {
	m, err := transcript.Decode(message)
	if err != nil {
		t.Fatalf("the oracle cannot read it: %v: %x", err, message)
	}
	for code, data := range m.Options {
		if w, ok := want[code]; code != optOverload && code != optMessageType && (!ok || !bytes.Equal(data, w)) {
			t.Fatalf("option %d is %x, want %x", code, data, w)
		}
	}
	for _, p := range d.parts {
		if data, ok := m.Options[p.bytes[0]]; p.must && (!ok || len(data) != len(want[p.bytes[0]]) && p.bytes[0] != optMessageType) {
			t.Fatalf("option %d is missing", p.bytes[0])
		}
	}
	if w := want[optAgent]; w != nil && !bytes.Equal(m.Options[optAgent], w) {
		t.Fatalf("option 82 is %x, want %x", m.Options[optAgent], w)
	}
	if d.head.sname != "" && m.ServerHostName != d.head.sname || d.head.file != "" && m.BootFileName != d.head.file {
		t.Fatal("options were written over sname or file")
	}
	if i := bytes.LastIndexByte(message, optEnd); len(d.agent) > 0 && !bytes.HasSuffix(message[:i], d.agent) {
		t.Fatal("option 82 is not last")
	}
}

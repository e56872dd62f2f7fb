package slowpath

import (
	"encoding/binary"
	"slices"
)

const (
	vendorCableLabs = 4491 // DOCSIS
	cableLabsORO    = 1    // sub-option of option 125: the codes the modem wants
)

// vendor adds option 125 (RFC 3925) for the enterprises the client names in
// options 124 and 125: what is always sent, and for cable modems what they ask
// for (Kea: dhcp4_srv.cc, appendRequestedVendorOptions). A client that names
// none but asks for the option gets it as configured.
func (w *Worker) vendor(c *chain) {
	x, d := &w.x, &w.draft
	from := len(d.arena)
	for i := range c.vendors {
		v := &c.vendors[i]
		wanted, named := enterprise(x.msg.option(optVendorIDInfo), v.id)
		if _, inClass := enterprise(x.msg.option(optVendorIDClass), v.id); !named && !inClass {
			continue
		}
		d.arena = v.append(d.arena, wanted)
	}
	if data := d.arena[from:]; len(data) > 0 {
		d.put(optVendorIDInfo, data, false)
	} else if slices.Contains(x.msg.option(optParameters), optVendorIDInfo) {
		d.add(optVendorIDInfo, c.find(optVendorIDInfo), false)
	}
}

// append adds the enterprise's part of option 125, nothing if there is nothing
// to say. wanted is what the client sent for the enterprise.
func (v *vendorOptions) append(dst, wanted []byte) []byte {
	from := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, v.id)
	dst = append(dst, 0)
	var sent bits256
	for _, code := range v.always {
		sent.add(code)
		dst = append(dst, v.find(code)...)
	}
	if v.id == vendorCableLabs {
		for _, code := range subOption(wanted, cableLabsORO) {
			if o := v.find(code); o != nil && !sent.has(code) {
				sent.add(code)
				dst = append(dst, o...)
			}
		}
	}
	size := len(dst) - from - 5
	if size == 0 || size > 255 {
		return dst[:from]
	}
	dst[from+4] = uint8(size)
	return dst
}

// enterprise finds the data for an enterprise in option 124 or 125.
func enterprise(v []byte, id uint32) ([]byte, bool) {
	for len(v) >= 5 && len(v) >= 5+int(v[4]) {
		data := v[5 : 5+int(v[4])]
		if binary.BigEndian.Uint32(v) == id {
			return data, true
		}
		v = v[5+len(data):]
	}
	return nil, false
}

func subOption(v []byte, code uint8) []byte {
	for len(v) >= 2 && len(v) >= 2+int(v[1]) {
		data := v[2 : 2+int(v[1])]
		if v[0] == code {
			return data
		}
		v = v[2+len(data):]
	}
	return nil
}

package config

import (
	"encoding/binary"
	"slices"
)

// encapsulate appends to each option the sub-options of the space it
// encapsulates, all of the same level (Kea: cfg_option.cc, encapsulate). The
// sub-options stay in the list under their own space.
func (c *checker) encapsulate(options []Option) []Option {
	own := make([][]byte, len(options))
	for i, o := range options {
		own[i] = o.Data
	}
	for i := range options {
		options[i].Data = c.whole(options, own, i, nil)
	}
	return options
}

// whole is the data of options[i] with its sub-options; within lists the
// spaces being filled, so that spaces that contain each other end.
func (c *checker) whole(options []Option, own [][]byte, i int, within []string) []byte {
	o := &options[i]
	if o.Space == SpaceDHCP4 && o.Code == codeVivso {
		return c.vendor(options, own, i)
	}
	def := c.defs.code(o.Space, o.Code)
	if def == nil || def.Encapsulates == "" || slices.Contains(within, def.Encapsulates) {
		return own[i]
	}
	return slices.Concat(own[i], c.subOptions(options, own, def.Encapsulates, within))
}

// subOptions are the options of a space as code, length, data; the first of a
// code counts. Data over 255 bytes is continued under the same code (RFC 3396).
func (c *checker) subOptions(options []Option, own [][]byte, space string, within []string) []byte {
	var out []byte
	var seen [256]bool
	for i, o := range options {
		if o.Space != space || seen[o.Code] || o.NeverSend {
			continue
		}
		seen[o.Code] = true
		out = appendOption(out, o.Code, c.whole(options, own, i, append(within[:len(within):len(within)], space)))
	}
	return out
}

func appendOption(out []byte, code uint8, data []byte) []byte {
	for {
		n := min(len(data), 255)
		out = append(append(out, code, byte(n)), data[:n]...)
		if data = data[n:]; len(data) == 0 {
			return out
		}
	}
}

// vendor is option 125 (RFC 3925 section 4): the enterprise number, a length,
// and the options of the space vendor-NUMBER.
func (c *checker) vendor(options []Option, own [][]byte, i int) []byte {
	data := own[i]
	if len(data) != 4 {
		return data // given whole, as binary data
	}
	number := binary.BigEndian.Uint32(data)
	var subs []byte
	for _, o := range options {
		if n, ok := enterprise(o.Space); ok && n == number {
			subs = c.subOptions(options, own, o.Space, nil)
			break
		}
	}
	if len(subs) > 255 {
		c.wrong(options[i].At, "the options of enterprise %d take %d bytes, option 125 has room for 255; remove some", number, len(subs))
		return data
	}
	return slices.Concat(data, []byte{byte(len(subs))}, subs)
}

package slowpath

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"needletail/internal/config"
	"needletail/internal/frame"
)

// chain is the options of one place in the configuration (a pool, or a subnet
// outside its pools) with those of all levels above merged in, encoded so that
// a reply copies them. Sub-options lie in their options already; package
// config put them there.
type chain struct {
	index    [256]uint8 // 1-based into opts, 0: not configured
	opts     [][]byte   // whole options: code, length, data; several in a row if long (RFC 3396)
	always   []uint8    // sent whether asked for or not, by code
	vendors  []vendorOptions
	serverID frame.IP // dhcp-server-identifier, zero if not configured
}

// vendorOptions is what goes into option 125 for one enterprise (RFC 3925).
type vendorOptions struct {
	id     uint32
	index  [256]uint8
	opts   [][]byte
	always []uint8
}

// find returns the encoded option, nil if there is none.
func (c *chain) find(code uint8) []byte {
	if i := c.index[code]; i != 0 {
		return c.opts[i-1]
	}
	return nil
}

func (v *vendorOptions) find(code uint8) []byte {
	if i := v.index[code]; i != 0 {
		return v.opts[i-1]
	}
	return nil
}

const (
	spaceDHCP4  = "dhcp4"
	spaceVendor = "vendor-"
)

// basicOptions go into every reply that configures a client, asked for or not
// (Kea: dhcp4_srv.cc, appendBasicOptions).
var basicOptions = []uint8{optRouters, optNameServers, optDomainName}

// chain merges levels, the nearest first.
func (c *compiler) chain(levels [][]config.Option) *chain {
	out := &chain{}
	merged := mergeSpace(levels, spaceDHCP4)
	for code, o := range merged {
		if o == nil || o.never {
			continue
		}
		if code == optServerID {
			if len(o.data) == 4 {
				out.serverID = frame.IP(o.data)
				c.noteServerID(out.serverID)
			}
			continue // in every reply, by serverID
		}
		out.opts = append(out.opts, appendOption(nil, uint8(code), o.data))
		out.index[code] = uint8(len(out.opts))
		if o.always || slices.Contains(basicOptions, uint8(code)) {
			out.always = append(out.always, uint8(code))
		}
	}
	out.vendors = c.vendors(levels)
	return out
}

func (c *compiler) vendors(levels [][]config.Option) []vendorOptions {
	var out []vendorOptions
	for _, space := range spaces(levels) {
		id, err := strconv.ParseUint(strings.TrimPrefix(space, spaceVendor), 10, 32)
		if err != nil || !strings.HasPrefix(space, spaceVendor) {
			continue
		}
		v := vendorOptions{id: uint32(id)}
		for code, o := range mergeSpace(levels, space) {
			if o == nil || o.never {
				continue
			}
			v.opts = append(v.opts, appendOption(nil, uint8(code), o.data))
			v.index[code] = uint8(len(v.opts))
			if o.always {
				v.always = append(v.always, uint8(code))
			}
		}
		out = append(out, v)
	}
	return out
}

// merged is one option after inheritance: the nearest level's data; a level
// that says always-send or never-send says it for all (Kea: dhcp4_srv.cc,
// appendRequestedOptions).
type merged struct {
	data          []byte
	always, never bool
}

func mergeSpace(levels [][]config.Option, space string) (out [256]*merged) {
	for _, level := range levels {
		for i := range level {
			o := &level[i]
			if o.Space != space {
				continue
			}
			m := out[o.Code]
			if m == nil {
				m = &merged{data: o.Data}
				out[o.Code] = m
			}
			m.always = m.always || o.AlwaysSend
			m.never = m.never || o.NeverSend
		}
	}
	return out
}

func spaces(levels [][]config.Option) []string {
	var out []string
	for _, level := range levels {
		for i := range level {
			if !slices.Contains(out, level[i].Space) {
				out = append(out, level[i].Space)
			}
		}
	}
	slices.Sort(out)
	return out
}

// appendOption appends an option to dst, in pieces of 255 bytes if it is
// longer (RFC 3396 section 5).
func appendOption(dst []byte, code uint8, data []byte) []byte {
	for len(data) > 255 {
		dst = append(dst, code, 255)
		dst = append(dst, data[:255]...)
		data = data[255:]
	}
	dst = append(dst, code, uint8(len(data)))
	return append(dst, data...)
}

func appendOption32(dst []byte, code uint8, v uint32) []byte {
	dst = append(dst, code, 4)
	return binary.BigEndian.AppendUint32(dst, v)
}

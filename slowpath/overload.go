package slowpath

// field is one of the places options may lie in.
type field struct {
	at, end int // next free byte; first byte that cannot be used
}

func (f *field) take(dst, bytes []byte) bool {
	if f.at+len(bytes) > f.end {
		return false
	}
	f.at += copy(dst[f.at:], bytes)
	return true
}

// overloadOption is the space of option 52 itself, in bytes.
const overloadOption = 3

// fields are the places of options in the order a client joins the pieces of one:
// options, file, sname (RFC 3396 section 5).
type fields [3]field

// put writes an encoded option whole into the first field with room for it, else
// in pieces; false if it does not fit either way.
func (f *fields) put(dst, bytes []byte) bool {
	for i := range f {
		if f[i].take(dst, bytes) {
			return true
		}
	}
	const empty = 2
	return len(bytes) > empty && f.split(dst, bytes)
}

// split writes an option in pieces, each with a header of its own.
func (f *fields) split(dst, bytes []byte) bool {
	before := *f
	for len(bytes) > 0 {
		code, data := bytes[0], bytes[2:2+int(bytes[1])]
		bytes = bytes[2+len(data):]
		for i := range f {
			n := min(f[i].end-f[i].at-2, len(data))
			if n <= 0 {
				continue
			}
			f[i].at += copy(dst[f[i].at:], []byte{code, byte(n)})
			f[i].at += copy(dst[f[i].at:], data[:n])
			data = data[n:]
		}
		if len(data) > 0 {
			*f = before
			return false
		}
	}
	return true
}

// writeOverloaded lays out options that do not fit the options field: what
// must be there first, then the rest in order (RFC 2131 section 4.1, option
// overload). The message grows to limit for the former and to rest for the latter.
// It returns the length, 0 if something that must be there has no room.
func (d *draft) writeOverloaded(dst []byte, limit, rest int) int {
	tail := overloadOption + len(d.agent) + 1
	main := field{offOptions, limit - tail}
	if main.at+len(d.parts[0].bytes) > main.end {
		return 0 // the message type must lie in the options field
	}
	f := fields{main} // the others of zero size where the field holds a name
	if d.head.file == "" {
		f[1] = field{offFile, offFile + fileLen - 1}
	}
	if d.head.sname == "" {
		f[2] = field{offSname, offSname + snameLen - 1}
	}
	d.left = 0
	for _, must := range [...]bool{true, false} {
		if !must {
			f[0].end = rest - tail
		}
		for _, p := range d.parts {
			if p.must != must {
				continue
			}
			if f.put(dst, p.bytes) {
				continue
			}
			if d.left++; must {
				return 0
			}
		}
	}
	return d.close(dst, f[0].at, f[1].at, f[2].at)
}

// close writes option 52 if a field was used, option 82 and the end options.
func (d *draft) close(dst []byte, n, file, sname int) int {
	var fields uint8
	if file > offFile {
		fields |= overloadFile
		dst[file] = optEnd
	}
	if sname > offSname {
		fields |= overloadSname
		dst[sname] = optEnd
	}
	if fields != 0 {
		n += copy(dst[n:], []byte{optOverload, 1, fields})
	}
	n += copy(dst[n:], d.agent)
	dst[n] = optEnd
	return n + 1
}

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

// writeOverloaded lays out options that do not fit the options field: what
// must be there first, then the rest in order, each into the first field with
// room for it (RFC 2131 section 4.1, option overload). It returns the length
// of the message, 0 if something that must be there has no room.
func (d *draft) writeOverloaded(dst []byte, limit int) int {
	main := field{offOptions, limit - overloadOption - len(d.agent) - 1}
	if main.at+len(d.parts[0].bytes) > main.end {
		return 0 // the message type must lie in the options field
	}
	var file, sname field // of zero size where the field holds a name
	if d.head.file == "" {
		file = field{offFile, offFile + fileLen - 1}
	}
	if d.head.sname == "" {
		sname = field{offSname, offSname + snameLen - 1}
	}
	for _, must := range [...]bool{true, false} {
		for _, p := range d.parts {
			if p.must != must {
				continue
			}
			if !main.take(dst, p.bytes) && !file.take(dst, p.bytes) && !sname.take(dst, p.bytes) && must {
				return 0
			}
		}
	}
	return d.close(dst, main.at, file.at, sname.at)
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

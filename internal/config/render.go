package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"needletail/internal/keastring"
)

// Hash is the SHA-256 of Raw in upper-case hexadecimal, the form of Kea's
// config-hash-get and config-get.
func (d *Dhcp4) Hash() string {
	sum := sha256.Sum256(d.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// render writes a node as JSON without comments or white space, in the order
// of the file.
func (n *node) render() json.RawMessage {
	if n == nil {
		return nil
	}
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

func (n *node) write(b *bytes.Buffer) {
	switch n.kind {
	case object:
		n.writeItems(b, '{', '}')
	case list:
		n.writeItems(b, '[', ']')
	case text:
		b.Write(keastring.Append(b.AvailableBuffer(), n.literal))
	default:
		b.WriteString(n.literal)
	}
}

func (n *node) writeItems(b *bytes.Buffer, open, end byte) {
	b.WriteByte(open)
	for i, m := range n.items {
		if i > 0 {
			b.WriteByte(',')
		}
		if n.kind == object {
			b.Write(keastring.Append(b.AvailableBuffer(), m.key))
			b.WriteByte(':')
		}
		m.write(b)
	}
	b.WriteByte(end)
}

// setDefault adds a member as if the file had it: config-get shows parameters
// of the HA hook with their defaults (Kea: ha_config_parser.cc, setDefaults).
func (n *node) setDefault(name string, value node) *node {
	if m := n.get(name); m != nil {
		return m
	}
	value.key, value.keyAt, value.start, value.parent = name, n.start, n.start, n
	n.items = append(n.items, &value)
	return &value
}

// foldComment moves "comment" into user-context, where Kea keeps it.
func (n *node) foldComment() {
	comment := n.get("comment")
	if comment == nil || comment.kind != text {
		return
	}
	context := n.get("user-context")
	if context == nil {
		context = n.setDefault("user-context", node{kind: object})
	} else if context.kind != object || context.get("comment") != nil {
		return
	}
	for i, m := range n.items {
		if m == comment {
			n.items = append(n.items[:i:i], n.items[i+1:]...)
			break
		}
	}
	comment.parent = context
	context.items = append(context.items, comment)
}

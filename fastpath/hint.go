package fastpath

import (
	"needletail/bpf"
	"needletail/internal/frame"
)

// hint takes the metadata that lies before a frame.
func hint(before []byte) frame.Hint {
	h := bpf.HintBefore(before)
	if h == nil {
		return frame.Hint{}
	}
	defer h.Wipe()
	return frame.Hint{Valid: true, Type: h.Type(), Bucket: h.Bucket(), Relationship: h.Relationship()}
}

package ha

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"needletail/internal/keastring"
	"net/netip"
	"strconv"
	"time"
)

// Commands that only needletails have. A partner's list-commands tells that
// it is one; they are never sent to a Kea.
const (
	// applyName carries many lease changes in one request. They are on the
	// receiver's disk, in order, when it answers.
	applyName = "needletail-lease4-apply"
	// openName begins a sync that leaves the partner in service: from here on
	// it sends every lease change, whatever its state.
	openName = "needletail-sync-open"
	// pageName fetches one page of that sync, deletions included.
	pageName = "needletail-sync-page"
	// changedName says that the sender's state has changed: ask for it now.
	changedName = "needletail-state-changed"
)

// appendApply writes the command with binary entries attached (control.AttachedType).
// The receiver learns who sends them, and whose clock their times are of; at is when the
// oldest was made, or sent where that is not known (a backlog).
func appendApply(b []byte, self string, at time.Time, entries []byte) []byte {
	b = append(b, `{"command":"`+applyName+`","service":["dhcp4"],"arguments":{"origin":"ha-partner",`...)
	b = append(appendSender(b, self, at), "}}\n"...)
	return append(append(b, binaryVersion), entries...)
}

// appendSender writes the members that Driver.hear reads.
func appendSender(b []byte, self string, at time.Time) []byte {
	b = append(keastring.Append(append(b, `"server-name":`...), self), `,"time":`...)
	return strconv.AppendInt(b, at.UnixMilli(), 10)
}

// opened is the answer to openName: the clock that the pages' times are of.
type opened struct {
	Time int64 `json:"time"` // unix ms
}

// appendMessage writes the version byte and entries in base64.
func appendMessage(b, entries []byte) []byte {
	// The version and the entries are encoded in one piece: base64 works on
	// groups of three bytes, so the first group is taken apart by hand.
	var head [3]byte
	head[0] = binaryVersion
	n := copy(head[1:], entries)
	b = base64.StdEncoding.AppendEncode(b, head[:1+n])
	return base64.StdEncoding.AppendEncode(b, entries[n:])
}

// applied is the answer to applyName: which changes, by index, were refused
// with which result. What is not listed was applied.
type applied struct {
	Failed []refusedChange `json:"failed"`
}

type refusedChange struct {
	Index  int    `json:"index"`
	Result int    `json:"result"`
	Text   string `json:"text"`
}

func parseApplied(a answer) (map[int]answer, error) {
	var in applied
	if len(a.Arguments) > 0 {
		if err := json.Unmarshal(a.Arguments, &in); err != nil {
			return nil, fmt.Errorf("%s arguments: %w", applyName, err)
		}
	}
	var out map[int]answer
	for _, f := range in.Failed {
		if out == nil {
			out = map[int]answer{}
		}
		out[f.Index] = answer{Result: f.Result, Text: f.Text}
	}
	return out, nil
}

// syncPageCommand asks for a page of leases and deletions after from.
func syncPageCommand(self string, from netip.Addr, limit int) []byte {
	args := arguments{"server-name": self, "limit": limit}
	if from.IsValid() {
		args["from"] = from.String()
	}
	return command(pageName, args)
}

// syncPage is the answer: entries in base64, and where the next page starts;
// no next means that this was the last.
type syncPage struct {
	Entries string `json:"entries"`
	Next    string `json:"next,omitempty"`
}

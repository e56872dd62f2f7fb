package slowpath

import "needletail/internal/frame"

// isUrgent tells whether a query continues something a client was promised:
// REQUEST, DECLINE and RELEASE. A DISCOVER begins something, an INFORM comes from a
// client that has its address, and what else there may be is no client's.
func isUrgent(q *frame.Query) bool {
	t := q.Hint.Type
	if !q.Hint.Valid {
		t = peekType(q.Message)
	}
	return t == typeRequest || t == typeDecline || t == typeRelease
}

// peekType finds option 53 without judging the message; 0 if it is not found
// easily. Only the order of work depends on it.
func peekType(m []byte) uint8 {
	const (
		optionsAt   = 240
		pad, end    = 0, 255
		messageType = 53
		stepsMax    = 64
	)
	at := optionsAt
	for range stepsMax {
		if at+2 >= len(m) || m[at] == end {
			return 0
		}
		switch m[at] {
		case messageType:
			return m[at+2]
		case pad:
			at++
		default:
			at += 2 + int(m[at+1])
		}
	}
	return 0
}

package fastpath

// pausesMax bounds the pause between two tries, in calls of Tend.
const pausesMax = 63

// pauses double from one try to the next: a try costs the memory of a queue, and
// what is missing may never come.
type pauses struct{ next, left int } // calls of Tend

// over tells whether it is time to try, and begins the next pause.
func (p *pauses) over() bool {
	if p.left > 0 {
		p.left--
		return false
	}
	p.left, p.next = p.next, min(2*p.next+1, pausesMax)
	return true
}

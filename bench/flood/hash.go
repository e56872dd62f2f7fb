package flood

import "needletail/internal/rfc3074"

// needs returns, for each bucket that wanted accepts, the value of the hash
// before the last two bytes of a client identifier (a free one, then 0) that
// leads to it: table[table[need]^0] is the bucket. The list is repeated to 256
// entries. With no bucket wanted every one is.
func needs(wanted func(bucket uint8) bool) (need [256]uint8) {
	var inverse [256]uint8
	for i, v := range rfc3074.Table {
		inverse[v] = uint8(i)
	}
	var list []uint8
	for b := range 256 {
		if wanted == nil || wanted(uint8(b)) {
			list = append(list, inverse[inverse[b]])
		}
	}
	for i := range need {
		if len(list) > 0 {
			need[i] = list[i%len(list)]
		}
	}
	return need
}

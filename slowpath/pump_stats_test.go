package slowpath

import (
	"reflect"
	"testing"
)

// A total has every counter in it, also one that is added tomorrow.
func TestPumpStatsAddUp(t *testing.T) {
	var one, sum PumpStats
	fields := reflect.ValueOf(&one).Elem()
	for i := range fields.NumField() {
		fields.Field(i).SetUint(uint64(i + 1))
	}
	sum.Add(&one)
	if sum != one {
		t.Errorf("%+v, want %+v", sum, one)
	}
}

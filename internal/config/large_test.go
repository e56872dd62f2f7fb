package config

import (
	"bytes"
	"fmt"
	"testing"
)

// large is a configuration of n subnets with four pools and two options each,
// spread over shared networks of ten.
func large(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{ "Dhcp4": { "shared-networks": [`)
	for i := range n {
		if i%10 == 0 {
			if i > 0 {
				b.WriteString("] },")
			}
			fmt.Fprintf(&b, "\n{ \"name\": \"net%d\", \"subnet4\": [", i/10)
		} else {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n { \"id\": %d, \"subnet\": \"10.%d.%d.0/24\", \"relay\": { \"ip-addresses\": [ \"10.%d.%d.1\" ] }, \"pools\": [", i+1, i/256, i%256, i/256, i%256)
		for p := range 4 {
			if p > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "{ \"pool\": \"10.%d.%d.%d - 10.%d.%d.%d\", \"client-classes\": [ \"HA_a\" ] }", i/256, i%256, 10+p*60, i/256, i%256, 60+p*60)
		}
		fmt.Fprintf(&b, "],\n  \"option-data\": [ { \"name\": \"routers\", \"data\": \"10.%d.%d.1\" }, { \"name\": \"domain-name\", \"data\": \"a.example\" } ] }", i/256, i%256)
	}
	b.WriteString("] } ] } }")
	return b.Bytes()
}

func TestLarge(t *testing.T) {
	d, err := Parse("large", large(1000))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Subnets) != 1000 || len(d.Networks) != 100 || len(d.Subnets[999].Pools) != 4 {
		t.Errorf("%d subnets, %d networks", len(d.Subnets), len(d.Networks))
	}
}

func BenchmarkLoad1000Subnets(b *testing.B) {
	data := large(1000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Parse("large", data); err != nil {
			b.Fatal(err)
		}
	}
}

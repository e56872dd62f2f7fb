package fastpath

import "fmt"

// SetRelationships changes the number of HA relationships, 1 to 64, also
// without HA, and which queries belong to which. While it works every query is
// passed to user space, which judges alone.
func (p *Path) SetRelationships(n int, s Subnets) error {
	if n < 1 || n > relationshipsMax {
		return fmt.Errorf("fast-path: %d relationships, 1 to %d are possible", n, relationshipsMax)
	}
	if err := p.maps.setRelationships(0); err != nil {
		return err
	}
	p.mu.Lock()
	p.cfg.Relationships = n
	p.mu.Unlock()
	if err := p.SetSubnets(s); err != nil {
		return err
	}
	return p.maps.setRelationships(n)
}

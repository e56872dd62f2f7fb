package leases

// Write makes b's changes durable before it returns, and settles b: Submit for
// callers that have nothing else to do. b may be reused after Reset.
func (s *Store) Write(b *Batch) error {
	if b.Len() == 0 {
		return nil
	}
	done := make(chan error, 1)
	s.Submit(b, func(_ *Batch, err error) { done <- err })
	err := <-done
	s.Settle(b)
	return err
}

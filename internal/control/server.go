package control

// Server is one open listener of the command channel.
type Server struct {
	Addr  string // path, or address and port as bound
	close func() error

	change func(HTTPOptions) // nil: not an HTTP listener
}

// Change replaces TLS, credentials, realm and allowed commands of a listener of
// ServeHTTP, which keeps its address: the next request has to show the new
// password, the next connection meets the new certificate.
func (s *Server) Change(o HTTPOptions) { s.change(o) }

// Close stops accepting, lets commands in progress end and frees the listener.
func (s *Server) Close() error { return s.close() }

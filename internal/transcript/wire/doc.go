// Package wire carries transcripts over veth pairs: the server's interfaces in
// one namespace, the clients' ends of them in another. Who serves there, and
// how it is asked why a query got no reply, is for those who use it: ports with
// an engine behind them, the fast path, the whole daemon.
package wire

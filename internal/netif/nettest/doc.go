// Package nettest builds small networks of namespaces and veth pairs, for tests
// and for the demonstration, and takes them down again with every process that
// was started in them. It never touches the network of the host: a pair is made
// inside a namespace, and names carry the process id.
package nettest

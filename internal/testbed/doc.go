// Package testbed is a small network with an appliance and real DHCP clients in
// it, for the end-to-end tests and the demonstration: hosts are namespaces on
// one switch, servers and clients are processes in them. It owns the scripts
// and files the clients need and refuses to touch the machine's own network,
// resolver or lease files.
package testbed

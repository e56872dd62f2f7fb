// Package demo tells the appliance's main job as a story: a small network of
// namespaces, two real servers that share their clients by hash in the driver,
// real clients that take, renew and release leases, and a power cut in the
// middle, which the other server makes up for. It leaves nothing behind, also
// when interrupted.
package demo

// Package server connects the parts into one running appliance: configuration,
// log, lease store, engine, ports and workers, expiry, command channel. It owns
// their order of starting and stopping, reloads, and the interfaces of the
// moment. It decides nothing about DHCP; every decision is a part's.
//
// The order is the promise: everything is read and checked before the first
// file, socket or interface is touched, and whatever was opened by then is
// closed again if a later step fails.
//
// Parts that join a core server (high availability, the fast path) do so by
// the two small interfaces of seam.go.
package server

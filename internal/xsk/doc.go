// Package xsk is an AF_XDP socket: a UMEM and its four rings, as the kernel's
// documentation (networking/af_xdp) describes them. It moves descriptors and
// knows neither packets nor the XDP program that redirects to it; frames of
// the UMEM belong to whoever holds their address, and a Socket to one
// goroutine.
//
// This package and nothing else maps kernel rings: all unsafe code of the
// AF_XDP path is here.
package xsk

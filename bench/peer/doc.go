// Package peer writes configurations for the DHCP servers that can be
// measured, each tuned as its manual advises, and starts them in network
// namespaces. It knows servers only by their command line and configuration.
package peer

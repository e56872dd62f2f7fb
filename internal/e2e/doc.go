// Package e2e holds the end-to-end tests: the real binary, real clients and
// real faults in network namespaces. It owns no code that runs elsewhere. All
// of it needs root and skips without.
package e2e

// Package e2eha is the end-to-end tests of high availability: real processes,
// needletails and Debian's Kea 2.2, in namespaces, with real DHCP clients'
// messages, through failures. It has no code of its own beside the tests.
package e2eha

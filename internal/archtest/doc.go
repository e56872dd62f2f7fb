// Package archtest holds the test that keeps the tree's import arrows as
// docs/ARCHITECTURE.md draws them. It owns nothing that runs.
package archtest

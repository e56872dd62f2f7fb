// Package twin shows, in its tests, that the XDP program drops only what user
// space would not answer. Its code is tests alone; it is a package because
// they need both sides, which do not import each other.
package twin

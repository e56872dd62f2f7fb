package slowpath

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// copyControl puts control bytes of a blocking recvmsg where a vector has its
// own.
func copyControl(v *vector, oob []byte) {
	size := int(unsafe.Sizeof(v.controls[0]))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v.controls[0])), size), oob)
	v.heads[0].Hdr.SetControllen(unix.CmsgSpace(int(unsafe.Sizeof(unix.TpacketAuxdata{}))))
}

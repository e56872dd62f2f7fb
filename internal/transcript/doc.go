// Package transcript reads and runs conversations between DHCP clients and a
// server, written as text files. The same file runs on the engine in memory
// and, by those who give it another Server, against a daemon behind a veth
// pair or an AF_XDP port.
//
// A file opens with comment lines (#) that say what it shows. Then come blocks:
// steps, a line of four dashes, and what came back, one line for each query or
// listing. An empty line ends a block.
//
//	# A client takes an address and renews it.
//	discover mac=02:00:00:00:00:01
//	request  mac=02:00:00:00:00:01 addr=192.0.2.10
//	advance 30m
//	renew    mac=02:00:00:00:00:01 ciaddr=192.0.2.10
//	----
//	offer 192.0.2.10 lease=1h via=frame
//	ack   192.0.2.10 lease=1h via=frame
//	ack   192.0.2.10 lease=1h via=ciaddr
//
// Steps that are queries: discover, request (SELECTING, with the identifier of
// the server that offered last), reboot (INIT-REBOOT), renew, rebind, release,
// decline, inform, bootp, and message type=N. Their arguments are
//
//	mac=      hardware address; htype=, hlen= where it is not Ethernet
//	addr= ciaddr= giaddr= server= (or server=none) link=   addresses
//	cid= agent= raw=     option 61, option 82, the whole options field: hex
//	opt.N=    any option: hex, an address, or text in quotes
//	prl=1,3   lease=1h   mms=576   host= vendor= secs= hops= xid= broadcast
//	src=ADDR[:PORT] dst=ADDR  where the packet came from and went to
//	if=       the interface it came in by
//	show=     what to print besides: an option number, order (the codes in the
//	          order they came), fields, to
//
// Other steps: config { ... } (members of Dhcp4; before the first query),
// reload { ... }, interface NAME ADDR..., advance DURATION, restart, leases,
// scope ..., unacked.
package transcript

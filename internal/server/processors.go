package server

import "runtime"

// processors is how many CPUs there are for the process, before Run asks the
// runtime for more of its own kind.
var processors = runtime.GOMAXPROCS(0)

// spareProcessors are more of the runtime's processors than CPUs. Workers and the
// committer spend much of their time in short system calls. As long as the
// runtime has an idle processor it leaves theirs alone; else it takes them
// away after 20 µs and looks around for such all the time, which at 5,000 DORA/s
// with syncs was a fifth of all processor time.
const spareProcessors = 2

func addProcessors() { runtime.GOMAXPROCS(processors + spareProcessors) }

package nettest

import "runtime"

// exit ends the goroutine as t.FailNow does.
func exit() { runtime.Goexit() }

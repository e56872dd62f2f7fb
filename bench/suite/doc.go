// Package suite measures servers side by side: it makes the namespaces, starts
// one server after the other, loads each in the same way and writes a record
// of every measurement. What it writes are facts of one run on one machine;
// judging them is left to package report and the reader.
package suite

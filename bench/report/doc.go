// Package report turns records into one HTML page with its plots, and the
// plots into PNG files. It measures nothing.
package report

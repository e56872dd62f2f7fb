package logging

import (
	"fmt"
	"io"
	"log/syslog"
	"strings"

	"needletail/internal/config"
)

// output is one destination of a logger.
type output struct {
	w    io.Writer
	sys  *syslog.Writer // instead of w
	line pattern
}

// Check returns what an output's name tells to be impossible. It opens nothing.
func Check(o config.LogOutput) error {
	kind, facility, _ := strings.Cut(o.Output, ":")
	if kind != "syslog" {
		return nil
	}
	_, err := facilityOf(facility)
	return err
}

// open prepares one element of output_options. Loggers that name the same file
// share it.
func (l *Log) open(o config.LogOutput, files map[string]io.Writer, s *setup) (output, error) {
	out := output{line: standard}
	kind, facility, _ := strings.Cut(o.Output, ":")
	switch {
	case o.Output == "stdout":
		out.w = l.stdout
	case o.Output == "stderr":
		out.w = l.stderr
	case kind == "syslog":
		w, err := l.openSyslog(facility)
		if err != nil {
			return output{}, err
		}
		s.open = append(s.open, w)
		out.sys, out.line = w, toSyslog
	case files[o.Output] != nil:
		out.w = files[o.Output]
	default:
		f, err := openRotating(o.Output, o.MaxSize, o.MaxVer)
		if err != nil {
			return output{}, err
		}
		s.open = append(s.open, f)
		files[o.Output], out.w = f, f
	}
	if o.Pattern != "" {
		out.line = pattern(o.Pattern)
	}
	return out, nil
}

// facilities are the names Kea takes after "syslog:" (log4cplus).
var facilities = map[string]syslog.Priority{
	"": syslog.LOG_LOCAL0, "kern": syslog.LOG_KERN, "user": syslog.LOG_USER, "mail": syslog.LOG_MAIL,
	"daemon": syslog.LOG_DAEMON, "auth": syslog.LOG_AUTH, "syslog": syslog.LOG_SYSLOG, "lpr": syslog.LOG_LPR,
	"news": syslog.LOG_NEWS, "uucp": syslog.LOG_UUCP, "cron": syslog.LOG_CRON, "authpriv": syslog.LOG_AUTHPRIV,
	"ftp": syslog.LOG_FTP, "local0": syslog.LOG_LOCAL0, "local1": syslog.LOG_LOCAL1, "local2": syslog.LOG_LOCAL2,
	"local3": syslog.LOG_LOCAL3, "local4": syslog.LOG_LOCAL4, "local5": syslog.LOG_LOCAL5,
	"local6": syslog.LOG_LOCAL6, "local7": syslog.LOG_LOCAL7,
}

func facilityOf(name string) (syslog.Priority, error) {
	f, ok := facilities[strings.ToLower(name)]
	if !ok {
		return 0, fmt.Errorf("log to syslog:%s: no such facility, see syslog(3): daemon or local0, say", name)
	}
	return f, nil
}

func (l *Log) openSyslog(facility string) (*syslog.Writer, error) {
	f, err := facilityOf(facility)
	if err != nil {
		return nil, err
	}
	network := "" // where syslog daemons listen
	if l.syslog != "" {
		network = "unixgram"
	}
	w, err := syslog.Dial(network, l.syslog, f|syslog.LOG_INFO, rootName)
	if err != nil {
		return nil, fmt.Errorf("log to syslog: is a syslog daemon running? %w", err)
	}
	return w, nil
}

// write forms one line. Each line is one write, so that lines of several
// goroutines do not mix; that is also why flush has nothing to add.
func (o *output) write(e *entry) error {
	line := o.line.format(e)
	if o.sys == nil {
		_, err := io.WriteString(o.w, line)
		return err
	}
	switch e.level {
	case "FATAL":
		return o.sys.Crit(line)
	case "ERROR":
		return o.sys.Err(line)
	case "WARN":
		return o.sys.Warning(line)
	case "DEBUG":
		return o.sys.Debug(line)
	}
	return o.sys.Info(line)
}

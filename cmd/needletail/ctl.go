package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/cobra"

	"needletail/internal/cli"
	"needletail/internal/config"
	"needletail/internal/server"
)

// ctlTimeout is how long the server may take for the first byte of an answer,
// and for each further piece.
const ctlTimeout = time.Minute

func ctlCommand(e env) *cobra.Command {
	var file, socket string
	c := &cobra.Command{
		Use: "ctl COMMAND [ARGUMENTS]", Short: "send a command to a running server", Args: cobra.RangeArgs(1, 2),
		Long: "Sends one of Kea's commands over the UNIX control socket and prints the answer.\n" +
			"ARGUMENTS is a JSON map. The exit status is 0 if the result is 0 or 3 (nothing found).",
		Example: "  needletail ctl list-commands\n  needletail ctl lease4-get '{\"ip-address\": \"192.0.2.10\"}'",
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := controlSocket(e, file, socket)
			if err != nil {
				return err
			}
			return ctl(e.stdout, path, args)
		},
	}
	c.Flags().StringVarP(&file, "config", "c", defaultConfig, "configuration that names the socket")
	c.Flags().StringVarP(&socket, "socket", "s", "", "path of the socket; -c is then not read")
	return c
}

// controlSocket finds the socket of a server by its configuration.
func controlSocket(e env, file, socket string) (string, error) {
	if socket != "" {
		return socket, nil
	}
	cfg, err := config.Load(file)
	if err != nil {
		return "", fmt.Errorf("find the control socket: %w", err)
	}
	dirs := server.DirsFrom(e.getenv)
	dirs.Unconfined = true
	if cfg, err = dirs.Place(cfg); err != nil {
		return "", err
	}
	for _, s := range cfg.Sockets {
		if s.Type == "unix" {
			return s.Name, nil
		}
	}
	return "", fmt.Errorf("%s has no control-socket of type unix: add one, or give -s SOCKET", file)
}

func ctl(w io.Writer, path string, args []string) error {
	request := map[string]any{"command": args[0], "service": []string{"dhcp4"}}
	if len(args) == 2 {
		if !json.Valid([]byte(args[1])) {
			return fmt.Errorf("the arguments are not JSON: %s", args[1])
		}
		request["arguments"] = json.RawMessage(args[1])
	}
	answer, err := exchange(path, request)
	if err != nil {
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, answer, "", "  "); err != nil {
		return fmt.Errorf("the answer of %s is not JSON: %w", path, err)
	}
	pretty.WriteByte('\n')
	if _, err := w.Write(pretty.Bytes()); err != nil {
		return err
	}
	var head struct{ Result int }
	if err := json.Unmarshal(answer, &head); err != nil || head.Result != 0 && head.Result != 3 {
		return cli.Exit(1)
	}
	return nil
}

func exchange(path string, request any) ([]byte, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil, fmt.Errorf("is the server running? %w", err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(request); err != nil {
		return nil, fmt.Errorf("send the command: %w", err)
	}
	answer, err := io.ReadAll(patient{conn})
	if err == nil && len(answer) == 0 {
		err = errors.New("the server closed the connection without one")
	}
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return answer, nil
}

// patient gives each read ctlTimeout.
type patient struct{ net.Conn }

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(ctlTimeout)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ServeMetrics serves the collectors at /metrics in Prometheus' text form.
// Collectors read their counters when asked; nothing is kept for them on a
// packet's path.
func ServeMetrics(ctx context.Context, addr string, log *slog.Logger, cs ...prometheus.Collector) (*Server, error) {
	registry := prometheus.NewRegistry()
	for _, c := range cs {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("open metrics listener %s: %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	s := &http.Server{Handler: mux, ReadHeaderTimeout: httpReadTimeout, IdleTimeout: 2 * time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics listener stopped", "address", addr, "error", err)
		}
	}()
	stop := context.AfterFunc(ctx, func() { s.Close() })
	return &Server{Addr: l.Addr().String(), close: func() error {
		stop()
		err := s.Close()
		<-done
		return err
	}}, nil
}

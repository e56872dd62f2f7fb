package server

import (
	"needletail/internal/config"
	"needletail/internal/netif"
)

// queueWorkers is one worker for each queue of the configured interface that
// has most, but no more than there are processors to run them: queues beyond
// are dealt to the workers in turn. An interface that comes later is dealt too.
func queueWorkers(cfg *config.Dhcp4) int {
	most := max(processors, len(cfg.Needletail.FastPath.CPUs))
	if named := len(cfg.Needletail.FastPath.Queues); named > 0 {
		return min(named, most)
	}
	all, err := netif.List()
	if err != nil {
		return 1 // serving the interfaces will say why
	}
	picked, _ := netif.Pick(all, patterns(cfg))
	queues := 1
	for _, i := range picked {
		if d, err := netif.Ethtool(i.Name); err == nil {
			queues = max(queues, d.Queues)
		}
	}
	return min(queues, most)
}

package config

import "slices"

// Grammar lists every key of every map in the order of the tables: what
// docs/configuration.md shows.
func Grammar() []KeyInfo {
	return slices.Concat(
		rootTable.infos(), dhcp4Table.infos(), interfacesTable.infos(), databaseTable.infos(),
		socketTable.infos(), authTable.infos(), clientTable.infos(),
		networkTable.infos(), subnetTable.infos(), poolTable.infos(), relayTable.infos(),
		optionTable.infos(), definitionTable.infos(),
		expiredTable.infos(), sanityTable.infos(), threadingTable.infos(),
		loggerTable.infos(), outputTable.infos(),
		hookTable.infos(), haTable.infos(), relationshipTable.infos(), peerTable.infos(),
		threadsTable.infos(), machineTable.infos(), stateTable.infos(),
		reservationTable.infos(), classTable.infos(), ddnsTable.infos(), hostsTable.infos(),
		controlTable.infos(), compatibilityTable.infos(),
		needletailTable.infos(), fastPathTable.infos(),
	)
}

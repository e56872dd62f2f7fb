package ha

import "time"

// partner is what a row of the table looks at: the last known state of the
// partner, seen from our mode.
type partner uint8

const (
	pWaiting partner = iota
	pSyncing
	pReady
	pNormal      // the normal state of our own mode
	pOtherNormal // the normal state of the other mode: a configuration error
	pRecovery    // communication-recovery, and our mode is load-balancing
	pNoRecovery  // communication-recovery, and our mode is not: a configuration error
	pDown
	pInCharge // partner-in-maintenance: the partner serves for us
	pAside    // in-maintenance: the partner is silent
	pTerminated
	pUnavailable
	pOther // backup, passive-backup, or nothing known yet
	partnersEnd
)

// row says what happens in one state when the partner is in one of some
// states. A pair without a row stays.
type row struct {
	own  State
	when []partner
	do   rule
	cite string
}

// rule decides where to go; staying is returning the present state. why is
// for the log.
type rule func(r *relationship, now time.Time) (next State, why string)

// rows is Kea's transition table. In front of it come pausing and the
// terminate check, see run. Invalid partner states (Kea: ha_service.cc,
// isPartnerStateInvalid) are rows like others.
var rows = []row{
	{Waiting, []partner{pWaiting}, primaryToSync, "Kea: ha_service.cc, waitingStateHandler, HA_WAITING_ST"},
	{Waiting, []partner{pReady, pNormal, pRecovery, pDown, pInCharge, pAside}, toSync, "Kea: ha_service.cc, waitingStateHandler, HA_READY_ST and others"},
	{Waiting, []partner{pTerminated}, afterTenMinutes, "Kea: ha_service.cc, waitingStateHandler, HA_TERMINATED_ST"},
	{Waiting, []partner{pUnavailable}, partnerDown, "Kea: ha_service.cc, waitingStateHandler, HA_UNAVAILABLE_ST"},

	{Syncing, []partner{pWaiting, pSyncing, pReady, pNormal, pRecovery, pDown, pInCharge, pAside, pOther}, runSync, "Kea: ha_service.cc, syncingStateHandler, default"},
	{Syncing, []partner{pOtherNormal, pNoRecovery}, to(Waiting, wrongMode), "Kea: ha_service.cc, syncingStateHandler, isPartnerStateInvalid"},
	{Syncing, []partner{pTerminated}, to(Terminated, follows), "Kea: ha_service.cc, syncingStateHandler, HA_TERMINATED_ST"},
	{Syncing, []partner{pUnavailable}, partnerDown, "Kea: ha_service.cc, syncingStateHandler, HA_UNAVAILABLE_ST"},

	{Ready, []partner{pReady}, primaryToNormal, "Kea: ha_service.cc, readyStateHandler, HA_READY_ST"},
	{Ready, []partner{pNormal, pRecovery}, toNormal, "Kea: ha_service.cc, readyStateHandler, HA_LOAD_BALANCING_ST and others"},
	{Ready, []partner{pOtherNormal, pNoRecovery}, to(Waiting, wrongMode), "Kea: ha_service.cc, readyStateHandler, isPartnerStateInvalid"},
	{Ready, []partner{pInCharge}, to(InMaintenance, partnerInCharge), "Kea: ha_service.cc, readyStateHandler, HA_PARTNER_IN_MAINTENANCE_ST"},
	{Ready, []partner{pAside}, to(PartnerInMaintenance, partnerAside), "Kea: ha_service.cc, readyStateHandler, HA_IN_MAINTENANCE_ST"},
	{Ready, []partner{pTerminated}, to(Terminated, follows), "Kea: ha_service.cc, readyStateHandler, HA_TERMINATED_ST"},
	{Ready, []partner{pUnavailable}, partnerDown, "Kea: ha_service.cc, readyStateHandler, HA_UNAVAILABLE_ST"},

	{LoadBalancing, []partner{pOtherNormal}, to(Waiting, wrongMode), "Kea: ha_service.cc, normalStateHandler, isPartnerStateInvalid"},
	{LoadBalancing, []partner{pDown}, to(Waiting, gaveUsUp), "Kea: ha_service.cc, normalStateHandler, HA_PARTNER_DOWN_ST"},
	{LoadBalancing, []partner{pInCharge}, to(InMaintenance, partnerInCharge), "Kea: ha_service.cc, normalStateHandler, HA_PARTNER_IN_MAINTENANCE_ST"},
	{LoadBalancing, []partner{pAside}, aside, "Kea: ha_service.cc, normalStateHandler, HA_IN_MAINTENANCE_ST"},
	{LoadBalancing, []partner{pTerminated}, to(Terminated, follows), "Kea: ha_service.cc, normalStateHandler, HA_TERMINATED_ST"},
	{LoadBalancing, []partner{pUnavailable}, partnerDownOrRecovery, "Kea: ha_service.cc, normalStateHandler, HA_UNAVAILABLE_ST"},

	{HotStandby, []partner{pOtherNormal, pNoRecovery}, to(Waiting, wrongMode), "Kea: ha_service.cc, normalStateHandler, isPartnerStateInvalid"},
	{HotStandby, []partner{pDown}, to(Waiting, gaveUsUp), "Kea: ha_service.cc, normalStateHandler, HA_PARTNER_DOWN_ST"},
	{HotStandby, []partner{pInCharge}, to(InMaintenance, partnerInCharge), "Kea: ha_service.cc, normalStateHandler, HA_PARTNER_IN_MAINTENANCE_ST"},
	{HotStandby, []partner{pAside}, aside, "Kea: ha_service.cc, normalStateHandler, HA_IN_MAINTENANCE_ST"},
	{HotStandby, []partner{pTerminated}, to(Terminated, follows), "Kea: ha_service.cc, normalStateHandler, HA_TERMINATED_ST"},
	{HotStandby, []partner{pUnavailable}, partnerDown, "Kea: ha_service.cc, normalStateHandler, HA_UNAVAILABLE_ST"},

	{CommunicationRecovery, []partner{pWaiting, pSyncing, pReady}, waitingIfOverflowed, "Kea: ha_service.cc, communicationRecoveryHandler, HA_READY_ST and others"},
	{CommunicationRecovery, []partner{pNormal, pRecovery}, recoverUpdates, "Kea: ha_service.cc, communicationRecoveryHandler, HA_LOAD_BALANCING_ST and others"},
	{CommunicationRecovery, []partner{pOtherNormal}, to(Waiting, wrongMode), "Kea: ha_service.cc, communicationRecoveryHandler, isPartnerStateInvalid"},
	{CommunicationRecovery, []partner{pDown}, to(Waiting, gaveUsUp), "Kea: ha_service.cc, communicationRecoveryHandler, HA_PARTNER_DOWN_ST"},
	{CommunicationRecovery, []partner{pInCharge}, to(InMaintenance, partnerInCharge), "Kea: ha_service.cc, communicationRecoveryHandler, HA_PARTNER_IN_MAINTENANCE_ST"},
	{CommunicationRecovery, []partner{pAside}, to(PartnerInMaintenance, partnerAside), "Kea: ha_service.cc, communicationRecoveryHandler, HA_IN_MAINTENANCE_ST"},
	{CommunicationRecovery, []partner{pTerminated}, to(Terminated, follows), "Kea: ha_service.cc, communicationRecoveryHandler, HA_TERMINATED_ST"},
	{CommunicationRecovery, []partner{pUnavailable}, partnerDown, "Kea: ha_service.cc, communicationRecoveryHandler, HA_UNAVAILABLE_ST"},
	{CommunicationRecovery, []partner{pOther}, waitingIfInTouch, "Kea: ha_service.cc, communicationRecoveryHandler, default"},

	{PartnerDown, []partner{pReady}, rejoin, "Kea: ha_service.cc, partnerDownStateHandler, HA_READY_ST"},
	{PartnerDown, []partner{pOtherNormal, pNoRecovery}, to(Waiting, wrongMode), "Kea: ha_service.cc, partnerDownStateHandler, isPartnerStateInvalid"},
	{PartnerDown, []partner{pRecovery, pDown, pInCharge}, to(Waiting, bothServe), "Kea: ha_service.cc, partnerDownStateHandler, HA_PARTNER_DOWN_ST and others"},
	{PartnerDown, []partner{pTerminated}, to(Terminated, follows), "Kea: ha_service.cc, partnerDownStateHandler, HA_TERMINATED_ST"},

	{PartnerInMaintenance, []partner{pUnavailable}, to(PartnerDown, "the partner in maintenance has gone"), "Kea: ha_service.cc, partnerInMaintenanceStateHandler, HA_UNAVAILABLE_ST"},
}

const (
	wrongMode       = "the partner's state belongs to another mode: the configurations differ"
	follows         = "the partner has terminated"
	partnerInCharge = "the partner serves for us"
	partnerAside    = "the partner is in maintenance"
	gaveUsUp        = "the partner took us for down and serves our clients"
	bothServe       = "the partner serves too: both must synchronise"
)

// table finds the row of a pair; nil stays.
var table = func() (t [statesEnd][partnersEnd]*row) {
	for i := range rows {
		for _, p := range rows[i].when {
			t[rows[i].own][p] = &rows[i]
		}
	}
	return t
}()

// column tells which column of the table a partner's state is in.
func column(mode Mode, s State) partner {
	own := mode == ModeLoadBalancing
	switch s {
	case Waiting:
		return pWaiting
	case Syncing:
		return pSyncing
	case Ready:
		return pReady
	case LoadBalancing:
		return pick(own, pNormal, pOtherNormal)
	case HotStandby:
		return pick(own, pOtherNormal, pNormal)
	case CommunicationRecovery:
		return pick(own, pRecovery, pNoRecovery)
	case PartnerDown:
		return pDown
	case PartnerInMaintenance:
		return pInCharge
	case InMaintenance:
		return pAside
	case Terminated:
		return pTerminated
	case Unavailable:
		return pUnavailable
	default:
		return pOther
	}
}

func pick(yes bool, a, b partner) partner {
	if yes {
		return a
	}
	return b
}

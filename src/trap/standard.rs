//! Traps of the standards and the objects that they carry, from RFC 3418, 2863, 4273, 1628, 2819,
//! 4188, 4750, 6933, 2787, 3805, 2981, 4268, 3621, IEEE 802.1AB and NET-SNMP-AGENT-MIB.

type Arcs = &'static [u32];
type Words = &'static [(i64, &'static str)];
/// The rest of an identifier, its name, and the enumeration of its numbers.
type Object = (Arcs, &'static str, Words);

const MIB_2: Arcs = &[1, 3, 6, 1, 2, 1];

/// A root, then the rest and the name of each trap.
pub(super) const TRAPS: &[(Arcs, &[(Arcs, &str)])] = &[
    (
        &[1, 3, 6, 1, 6, 3, 1, 1, 5],
        &[
            (&[1], "coldStart"),
            (&[2], "warmStart"),
            (&[3], "linkDown"),
            (&[4], "linkUp"),
            (&[5], "authenticationFailure"),
            (&[6], "egpNeighborLoss"),
        ],
    ),
    (
        MIB_2,
        &[
            (&[14, 16, 2, 1], "ospfVirtIfStateChange"),
            (&[14, 16, 2, 2], "ospfNbrStateChange"),
            (&[14, 16, 2, 3], "ospfVirtNbrStateChange"),
            (&[14, 16, 2, 4], "ospfIfConfigError"),
            (&[14, 16, 2, 5], "ospfVirtIfConfigError"),
            (&[14, 16, 2, 6], "ospfIfAuthFailure"),
            (&[14, 16, 2, 7], "ospfVirtIfAuthFailure"),
            (&[14, 16, 2, 8], "ospfIfRxBadPacket"),
            (&[14, 16, 2, 9], "ospfVirtIfRxBadPacket"),
            (&[14, 16, 2, 10], "ospfTxRetransmit"),
            (&[14, 16, 2, 11], "ospfVirtIfTxRetransmit"),
            (&[14, 16, 2, 12], "ospfOriginateLsa"),
            (&[14, 16, 2, 13], "ospfMaxAgeLsa"),
            (&[14, 16, 2, 14], "ospfLsdbOverflow"),
            (&[14, 16, 2, 15], "ospfLsdbApproachingOverflow"),
            (&[14, 16, 2, 16], "ospfIfStateChange"),
            (&[15, 0, 1], "bgpEstablishedNotification"),
            (&[15, 0, 2], "bgpBackwardTransNotification"),
            (&[15, 7, 1], "bgpEstablished"),
            (&[15, 7, 2], "bgpBackwardTransition"),
            (&[16, 0, 1], "risingAlarm"),
            (&[16, 0, 2], "fallingAlarm"),
            (&[17, 0, 1], "newRoot"),
            (&[17, 0, 2], "topologyChange"),
            (&[33, 2, 1], "upsTrapOnBattery"),
            (&[33, 2, 2], "upsTrapTestCompleted"),
            (&[33, 2, 3], "upsTrapAlarmEntryAdded"),
            (&[33, 2, 4], "upsTrapAlarmEntryRemoved"),
            (&[43, 18, 2, 0, 1], "printerV2Alert"),
            (&[47, 2, 0, 1], "entConfigChange"),
            (&[68, 0, 1], "vrrpTrapNewMaster"),
            (&[68, 0, 2], "vrrpTrapAuthFailure"),
            (&[88, 2, 0, 1], "mteTriggerFired"),
            (&[88, 2, 0, 2], "mteTriggerRising"),
            (&[88, 2, 0, 3], "mteTriggerFalling"),
            (&[88, 2, 0, 4], "mteTriggerFailure"),
            (&[88, 2, 0, 5], "mteEventSetFailure"),
            (&[105, 0, 1], "pethPsePortOnOffNotification"),
            (&[105, 0, 2], "pethMainPowerUsageOnNotification"),
            (&[105, 0, 3], "pethMainPowerUsageOffNotification"),
            (&[131, 0, 1], "entStateOperEnabled"),
            (&[131, 0, 2], "entStateOperDisabled"),
        ],
    ),
    (
        &[1, 0, 8802, 1, 1, 2, 0, 0],
        &[(&[1], "lldpRemTablesChange")],
    ),
    (
        &[1, 3, 6, 1, 4, 1, 8072, 4, 0],
        &[
            (&[1], "nsNotifyStart"),
            (&[2], "nsNotifyShutdown"),
            (&[3], "nsNotifyRestart"),
        ],
    ),
];

const NO_WORDS: Words = &[];

const IF_STATES: Words = &[
    (1, "up"),
    (2, "down"),
    (3, "testing"),
    (4, "unknown"),
    (5, "dormant"),
    (6, "notPresent"),
    (7, "lowerLayerDown"),
];

const BGP_STATES: Words = &[
    (1, "idle"),
    (2, "connect"),
    (3, "active"),
    (4, "opensent"),
    (5, "openconfirm"),
    (6, "established"),
];

const OSPF_NBR_STATES: Words = &[
    (1, "down"),
    (2, "attempt"),
    (3, "init"),
    (4, "twoWay"),
    (5, "exchangeStart"),
    (6, "exchange"),
    (7, "loading"),
    (8, "full"),
];

const OSPF_IF_STATES: Words = &[
    (1, "down"),
    (2, "loopback"),
    (3, "waiting"),
    (4, "pointToPoint"),
    (5, "designatedRouter"),
    (6, "backupDesignatedRouter"),
    (7, "otherDesignatedRouter"),
];

const ALERT_SEVERITIES: Words = &[
    (1, "other"),
    (3, "critical"),
    (4, "warning"),
    (5, "warningBinaryChangeEvent"),
];

/// A root, then the rest, the name and the enumeration of each object.
pub(super) const OBJECTS: &[(Arcs, &[Object])] = &[
    (
        MIB_2,
        &[
            (&[1, 1], "sysDescr", NO_WORDS),
            (&[1, 2], "sysObjectID", NO_WORDS),
            (&[1, 4], "sysContact", NO_WORDS),
            (&[1, 5], "sysName", NO_WORDS),
            (&[1, 6], "sysLocation", NO_WORDS),
            (&[2, 2, 1, 1], "ifIndex", NO_WORDS),
            (&[2, 2, 1, 2], "ifDescr", NO_WORDS),
            (&[2, 2, 1, 3], "ifType", NO_WORDS),
            (&[2, 2, 1, 7], "ifAdminStatus", IF_STATES),
            (&[2, 2, 1, 8], "ifOperStatus", IF_STATES),
            (&[8, 5, 1, 2], "egpNeighAddr", NO_WORDS),
            (&[14, 1, 1], "ospfRouterId", NO_WORDS),
            (&[14, 7, 1, 1], "ospfIfIpAddress", NO_WORDS),
            (&[14, 7, 1, 12], "ospfIfState", OSPF_IF_STATES),
            (&[14, 10, 1, 1], "ospfNbrIpAddr", NO_WORDS),
            (&[14, 10, 1, 2], "ospfNbrAddressLessIndex", NO_WORDS),
            (&[14, 10, 1, 3], "ospfNbrRtrId", NO_WORDS),
            (&[14, 10, 1, 6], "ospfNbrState", OSPF_NBR_STATES),
            (&[15, 3, 1, 2], "bgpPeerState", BGP_STATES),
            (&[15, 3, 1, 7], "bgpPeerRemoteAddr", NO_WORDS),
            (&[15, 3, 1, 14], "bgpPeerLastError", NO_WORDS),
            (&[16, 3, 1, 1, 1], "alarmIndex", NO_WORDS),
            (&[16, 3, 1, 1, 3], "alarmVariable", NO_WORDS),
            (
                &[16, 3, 1, 1, 4],
                "alarmSampleType",
                &[(1, "absoluteValue"), (2, "deltaValue")],
            ),
            (&[16, 3, 1, 1, 5], "alarmValue", NO_WORDS),
            (&[16, 3, 1, 1, 7], "alarmRisingThreshold", NO_WORDS),
            (&[16, 3, 1, 1, 8], "alarmFallingThreshold", NO_WORDS),
            (&[31, 1, 1, 1, 1], "ifName", NO_WORDS),
            (&[31, 1, 1, 1, 18], "ifAlias", NO_WORDS),
            (&[33, 1, 2, 2], "upsSecondsOnBattery", NO_WORDS),
            (&[33, 1, 2, 3], "upsEstimatedMinutesRemaining", NO_WORDS),
            (&[33, 1, 6, 2, 1, 1], "upsAlarmId", NO_WORDS),
            (&[33, 1, 6, 2, 1, 2], "upsAlarmDescr", NO_WORDS),
            (&[33, 1, 9, 7], "upsConfigLowBattTime", NO_WORDS),
            (
                &[43, 18, 1, 1, 2],
                "prtAlertSeverityLevel",
                ALERT_SEVERITIES,
            ),
            (&[43, 18, 1, 1, 4], "prtAlertGroup", NO_WORDS),
            (&[43, 18, 1, 1, 7], "prtAlertCode", NO_WORDS),
            (&[43, 18, 1, 1, 8], "prtAlertDescription", NO_WORDS),
            (&[47, 1, 1, 1, 1, 2], "entPhysicalDescr", NO_WORDS),
            (&[47, 1, 1, 1, 1, 7], "entPhysicalName", NO_WORDS),
            (&[47, 1, 4, 1], "entLastChangeTime", NO_WORDS),
            (&[88, 2, 1, 1], "mteHotTrigger", NO_WORDS),
            (&[88, 2, 1, 2], "mteHotTargetName", NO_WORDS),
            (&[88, 2, 1, 3], "mteHotContextName", NO_WORDS),
            (&[88, 2, 1, 4], "mteHotOID", NO_WORDS),
            (&[88, 2, 1, 5], "mteHotValue", NO_WORDS),
        ],
    ),
    (
        &[1, 3, 6, 1, 6, 3],
        &[
            (&[1, 1, 4, 3], "snmpTrapEnterprise", NO_WORDS),
            (&[18, 1, 3], "snmpTrapAddress", NO_WORDS),
        ],
    ),
];

/// upsWellKnownAlarms of RFC 1628, from its first on.
pub(super) const UPS_WELL_KNOWN_ALARMS: Arcs = &[1, 3, 6, 1, 2, 1, 33, 1, 6, 3];
pub(super) const UPS_ALARMS: [&str; 24] = [
    "upsAlarmBatteryBad",
    "upsAlarmOnBattery",
    "upsAlarmLowBattery",
    "upsAlarmDepletedBattery",
    "upsAlarmTempBad",
    "upsAlarmInputBad",
    "upsAlarmOutputBad",
    "upsAlarmOutputOverload",
    "upsAlarmOnBypass",
    "upsAlarmBypassBad",
    "upsAlarmOutputOffAsRequested",
    "upsAlarmUpsOffAsRequested",
    "upsAlarmChargerFailed",
    "upsAlarmUpsOutputOff",
    "upsAlarmUpsSystemOff",
    "upsAlarmFanFailure",
    "upsAlarmFuseFailure",
    "upsAlarmGeneralFault",
    "upsAlarmDiagnosticTestFailed",
    "upsAlarmCommunicationsLost",
    "upsAlarmAwaitingPower",
    "upsAlarmShutdownPending",
    "upsAlarmShutdownImminent",
    "upsAlarmTestInProgress",
];

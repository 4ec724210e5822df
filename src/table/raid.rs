//! Software RAID.

use super::{Kind, Table, column};

pub static RAID: Table = Table {
    name: "raid",
    entity: Some("array"),
    comment: "Software RAID arrays of Linux (mdstat), one row per array and collection that asked.",
    columns: &[
        column("state", Kind::Text, "", "active or inactive."),
        column(
            "degraded",
            Kind::Bool,
            "",
            "Whether a device is missing or the array is inactive.",
        ),
        column(
            "devices",
            Kind::Int,
            "",
            "Devices that belong to it, NULL where not told.",
        ),
        column("devices_active", Kind::Int, "", "Devices in use."),
        column("failed", Kind::Int, "", "Devices marked as failed."),
        column("spares", Kind::Int, "", "Devices in reserve."),
        column(
            "sync_action",
            Kind::Text,
            "",
            "recovery, resync, reshape or check while one runs, else NULL.",
        ),
        column("sync_pct", Kind::Pct, "%", "How much of it is done."),
    ],
    facts: &[
        column("level", Kind::Text, "", "raid1, raid5, …"),
        column("members", Kind::Text, "", "Its devices, in order of name."),
    ],
    derived: &[],
};

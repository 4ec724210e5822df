//! What the service manager runs.

use super::{Kind, Table, column};

pub static SERVICE: Table = Table {
    name: "service",
    entity: Some("unit"),
    comment: "Services as systemd knows them, one row per unit and collection that asked: the failed ones first, 500 at most. Every 5 minutes by SSH.",
    columns: &[
        column(
            "state",
            Kind::Text,
            "",
            "active, inactive, failed, activating, deactivating, reloading or maintenance.",
        ),
        column(
            "sub_state",
            Kind::Text,
            "",
            "The finer word: running, exited, dead, auto-restart, …",
        ),
        column("failed", Kind::Bool, "", "Whether the state is failed."),
    ],
    facts: &[column(
        "description",
        Kind::Text,
        "",
        "What the unit says it is.",
    )],
    derived: &[],
};

//! The one integration-test binary: the real binary against real servers.

mod agent;
mod alert;
mod architecture;
mod inventory;
#[allow(
    dead_code,
    unused_imports,
    reason = "a tool box: not every tool is in use at every time"
)]
mod support;

mod devices;
mod discover;
mod documents;
mod endpoint;
mod hostile;
mod import;
mod interfaces;
mod local;
mod loop_crash;
mod loop_text;
mod loop_watch;
mod mib;
mod ping;
mod profiles;
mod push;
mod record;
mod recordings;
mod report;
mod simulate;
mod snmp;
mod snmp_v3;
mod sources;
mod sql;
mod ssh;
mod ssh_cli;
mod ssh_jump;
mod ssh_login;
mod ssh_sections;
mod ssh_trouble;
mod store;
mod support_test;
mod traps;
mod web;

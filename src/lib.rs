//! Eider watches servers and network gear without installing anything on them: it polls hosts over
//! SNMP and SSH, keeps every number in DuckDB, and gives back SQL history, web pages and e-mail
//! alerts.
//!
//! # The map
//!
//! Data flows one way, and the modules read in its order:
//!
//! ```text
//! inventory files ─► inventory ─► schedule ─► collect ─► intake ─► store ─► web, cli, alert ─► mail
//! ```
//!
//! **Domain** (pure: data in, data out; no clock, no I/O, no logging):
//! - [`reading`]: what one attempt on one target yields; [`table`]: the core tables that it fills.
//! - [`inventory`]: what we watch; files in, [`inventory::Inventory`] and *all* problems out.
//! - [`profile`]: what to ask a kind of device and which table it fills, resolved.
//! - `machine`: what a machine tells about itself, in the terms of the core tables, whoever asked it;
//!   [`prometheus`]: its text format, and node_exporter's families as rows.
//! - [`schedule`]: who is due at `now`; [`counter`]: two readings → a delta, or why there is none.
//! - [`identity`]: which entity a row is about; [`intake`]: from a collection as read to rows as
//!   stored.
//! - [`push`]: what hosts send by themselves, from bytes to readings.
//! - [`health`]: up, down, silent; [`alert`]: from rows to alerts, from alerts to reasons to tell.
//! - [`trap`]: what devices tell unasked, in words.
//! - [`import`]: inventories of other programs, as one of ours.
//! - [`query`]: the files of `queries/`; [`report`]: which of them stand on one page, and when it is
//!   due; [`signal`]: what loops and pages tell each other.
//!
//! **Edges** (each owns one outside thing, none knows another): [`home`] the files, [`collect`] the
//! hosts, [`store`] DuckDB, [`render`] the templates, [`mail`] SMTP, [`mib`] MIB modules.
//!
//! **Loops** ([`loops`]) run until stopped: the poller, the trapper, the receiver (what hosts push),
//! the writer (the only thread that writes), the evaluator, the notifier, the reporter, the sealer, the
//! sourcer, the keeper
//! (upkeep of the history), the reloader.
//! They hand over collections through bounded channels and meet otherwise only in the store. [`web`]
//! has the pages and the API, [`cli`] one file per verb, [`app`] wires everything and has no logic of
//! its own.
//!
//! [`agent`] reads the machine that it runs on and pushes it: domain, `collect::local` and a sender of
//! its own.
//!
//! [`simulate`] plays SNMP devices on loopback, for trying out and for tests; nothing needs it.
//!
//! Who may import whom is a test (`tests/it/architecture.rs`).
//!
//! # Where to begin reading
//!
//! Follow one number: `collect::snmp` reads ifHCInOctets into a [`reading::Row`]; `loops::poller` hands
//! the [`reading::Collection`] to `loops::writer`, whose [`intake::Intake`] finds the port's entity,
//! makes a delta of the counter and leaves a [`intake::Stored`]; [`store::Recorder::append`] commits
//! it; the view `interface` divides it by `elapsed_ms`; a page, a query or a rule reads the view.
//!
//! # What always holds
//!
//! - A failed attempt is data: every attempt yields exactly one [`reading::Collection`], and a row in
//!   `poll` with its cause.
//! - Nothing is unbounded: queues, walks, outputs, times, rows, mails have limits, named constants
//!   where they are used; a turn that is dropped is counted.
//! - No data is not good news: a silent host is silent, not OK; its alerts are held, not resolved;
//!   stale values are shown as stale.
//! - The same code runs live and in tests: time comes in as an argument.
//! - A counter's reset, wrap or gap never becomes a spike: no valid predecessor means NULL.
//! - Secrets never print: `Debug` of a [`inventory::Secret`] is `[redacted]`.
//! - Text from a device is untrusted everywhere: in HTML, mail headers, CSV, SQL, the terminal, logs.
//! - What the store acknowledged is on disk.

pub mod agent;
pub mod alert;
pub mod app;
pub mod cli;
pub mod collect;
pub mod counter;
pub mod health;
pub mod home;
pub mod identity;
pub mod import;
pub mod intake;
pub mod inventory;
pub mod loops;
mod machine;
pub mod mail;
pub mod mib;
pub mod profile;
pub mod prometheus;
pub mod push;
pub mod query;
pub mod reading;
pub mod render;
pub mod report;
pub mod schedule;
pub mod signal;
pub mod simulate;
pub mod store;
pub mod table;
pub mod trap;
pub mod web;

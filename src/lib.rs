//! Eider watches servers and network gear without installing anything on them.

pub mod alert;
pub mod app;
pub mod cli;
pub mod collect;
pub mod counter;
pub mod health;
pub mod home;
pub mod identity;
pub mod intake;
pub mod inventory;
pub mod loops;
pub mod mail;
pub mod reading;
pub mod render;
pub mod schedule;
pub mod signal;
pub mod store;
pub mod table;
pub mod web;

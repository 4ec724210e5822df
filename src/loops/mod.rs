//! What runs until stopped.

pub mod evaluator;
pub mod keeper;
pub mod notifier;
pub mod poller;
pub mod receiver;
pub mod reloader;
pub mod reporter;
pub mod sealer;
pub mod sourcer;
pub mod trapper;
pub mod writer;

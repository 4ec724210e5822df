//! The poller loop.

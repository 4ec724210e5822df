//! The notifier loop.

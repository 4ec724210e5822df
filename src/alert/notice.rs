//! Whom to tell.

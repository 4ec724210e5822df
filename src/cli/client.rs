//! Talks to the running daemon over its Unix socket.

//! The one integration-test binary: the real binary against real servers.

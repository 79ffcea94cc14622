//! Behaviour of the caller against scripted servers.

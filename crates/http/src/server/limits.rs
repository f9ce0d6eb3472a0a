//! What a connection may cost, and for how long.

use std::time::Duration;

use ipnet::IpNet;

/// What is allowed to clients; the operator sets all of it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the first byte of a request to the end of its headers. A new connection has as long for
    /// its TLS handshake, and as long again for its first request.
    pub headers: Duration,
    /// From when a body is wanted to its end.
    pub body: Duration,
    /// Between two requests on one connection.
    pub idle: Duration,
    /// How long the client may take nothing of an answer.
    pub write: Duration,
    /// What is under way may take this long once the server is asked to stop.
    pub grace: Duration,
    /// Connections at once, in all.
    pub connections: usize,
    /// Connections at once of one client address.
    pub per_address: usize,
    /// Bytes of request bodies in memory at once, in all.
    pub bodies: usize,
    /// Addresses that speak for many clients: `per_address` does not count for them.
    pub exempt: Vec<IpNet>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            write: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            connections: 768,
            per_address: 100,
            bodies: 32 * 1024 * 1024,
            exempt: Vec::new(),
        }
    }
}

//! Host names that requests may use. In a DNS rebinding attack, a page of another site points its own name to
//! this machine and reads the responses as its own; it can't make the browser use an IP address as the host.

use std::net::{IpAddr, SocketAddr};

/// The accepted hosts: the bound address (any IP address if the server is bound to all), loopback addresses,
/// `localhost` and explicitly allowed names.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    bound: SocketAddr,
    allowed: Vec<String>,
}

impl Hosts {
    /// Returns the hosts of a server bound to `bound`, plus the names in `allowed`, without ports.
    pub(super) fn new(bound: SocketAddr, allowed: &[String]) -> Self {
        Self { bound, allowed: allowed.to_vec() }
    }

    /// Returns whether a request's host, with or without a port, is accepted.
    pub(super) fn know(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        if name.eq_ignore_ascii_case("localhost")
            || self.allowed.iter().any(|one| one.eq_ignore_ascii_case(name))
        {
            return true;
        }
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        // The machine's addresses aren't known here, but a request by IP address can't be a rebinding attack.
        bare.parse::<IpAddr>()
            .is_ok_and(|ip| ip == self.bound.ip() || ip.is_loopback() || self.bound.ip().is_unspecified())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_allowed_names_are_known() {
        let local = Hosts::new("127.0.0.1:8080".parse().unwrap(), &["docs.example".to_owned()]);
        for host in
            ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "docs.example", "Docs.Example:80"]
        {
            assert!(local.know(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "10.0.0.1",
            "",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
        ] {
            assert!(!local.know(host), "{host}");
        }
        let all = Hosts::new("0.0.0.0:8080".parse().unwrap(), &[]);
        assert!(all.know("10.0.0.1:8080") && !all.know("evil.example"));
    }
}

//! Which names the server is asked by. A page of another site can have its own name lead to this machine, and read
//! what it is answered as its own (DNS rebinding); it can't have the browser ask by an address.

use std::net::{IpAddr, SocketAddr};

/// Names that are answered: addresses, `localhost`, and what was allowed.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    bound: SocketAddr,
    allowed: Vec<String>,
}

impl Hosts {
    /// Those of a server that listens at `bound`, and names that were `allowed`, without ports.
    pub(super) fn new(bound: SocketAddr, allowed: &[String]) -> Self {
        Self { bound, allowed: allowed.to_vec() }
    }

    /// Returns whether a request's host, with or without a port, is one of them.
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
        // Which addresses a machine has is not known here; whoever names one has no need of a rebound name.
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

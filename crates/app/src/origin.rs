//! Where clients reach this server: what stands before `/v1` and `/{environment}` in links and
//! tokens. It never comes from an unknown Host.

use std::sync::Arc;

use stepgate_domain::id::Id;
use stepgate_domain::name;
use stepgate_domain::resources::environment::Environment;

/// A base URL without a trailing slash: `https://id.example.test`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(Arc<str>);

impl Origin {
    pub fn new(base: &str) -> Self {
        Self(base.trim_end_matches('/').into())
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
    /// `{base}/v1`
    pub fn api(&self) -> String {
        format!("{}/v1", self.0)
    }
    /// The issuer of an environment's tokens: `{base}/{environment}/as`.
    pub fn issuer(&self, environment: Id<Environment>) -> String {
        format!("{}/{environment}/as", self.0)
    }
    /// `{base}/{environment}`
    pub fn authentication(&self, environment: Id<Environment>) -> String {
        format!("{}/{environment}", self.0)
    }
}

/// The origins that this server answers for.
#[derive(Debug, Clone)]
pub struct Origins {
    /// Configured public URLs; the first is the canonical one.
    pub public: Vec<Origin>,
    /// Development: any loopback name, on whatever port the client reached.
    pub loopback: bool,
}

impl Origins {
    /// The origin of a request by its `Host` header, or `None` for a host that is not ours.
    pub fn of_host(&self, host: &str) -> Option<Origin> {
        let known = self.public.iter().find(|origin| {
            origin.0.split_once("://").is_some_and(|(_, authority)| {
                authority
                    .split('/')
                    .next()
                    .is_some_and(|authority| authority.eq_ignore_ascii_case(host))
            })
        });
        if let Some(origin) = known {
            return Some(origin.clone());
        }
        (self.loopback && is_loopback(host))
            .then(|| Origin::new(&format!("http://{}", host.to_ascii_lowercase())))
    }

    /// Whether a token of this issuer base may be ours.
    pub fn contains(&self, base: &str) -> bool {
        self.public.iter().any(|origin| origin.as_str() == base)
            || (self.loopback && base.strip_prefix("http://").is_some_and(is_loopback))
    }

    /// Whether tokens with this audience would be for the management API. The loopback names of a
    /// server in development are those of its neighbours too.
    pub fn is_api_audience(&self, audience: &str) -> bool {
        let audience = name::fold(audience);
        self.public
            .iter()
            .any(|origin| name::fold(origin.as_str()) == audience.trim_end_matches('/'))
    }

    /// The audience of the management API: the canonical origin.
    pub fn api_audience(&self, origin: &Origin) -> String {
        self.public.first().unwrap_or(origin).as_str().to_owned()
    }
}

fn is_loopback(host: &str) -> bool {
    let name = if let Some(rest) = host.strip_prefix('[') {
        match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || is_port(port) => name,
            _ => return false,
        }
    } else {
        match host.split_once(':') {
            Some((name, port))
                if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                name
            }
            Some(_) => return false,
            None => host,
        }
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_hosts_have_an_origin() {
        let origins = Origins {
            public: vec![Origin::new("https://id.example.test/")],
            loopback: false,
        };
        assert_eq!(
            origins.of_host("ID.example.test"),
            Some(Origin::new("https://id.example.test"))
        );
        for host in [
            "evil.test",
            "id.example.test.evil.test",
            "localhost:8080",
            "",
        ] {
            assert_eq!(origins.of_host(host), None, "{host}");
        }
    }

    #[test]
    fn loopback_names_are_known_in_development() {
        let origins = Origins {
            public: Vec::new(),
            loopback: true,
        };
        for host in ["localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]:8080"] {
            assert!(origins.of_host(host).is_some(), "{host}");
        }
        for host in [
            "localhost.evil.test",
            "127.0.0.1:x",
            "127.0.0.1@evil.test",
            "10.0.0.1",
            "localhost:",
        ] {
            assert_eq!(origins.of_host(host), None, "{host}");
        }
    }
}

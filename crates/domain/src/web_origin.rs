//! Origins of the web. Hosts are compared here and nowhere else, as browsers compare them.

use std::{fmt, net::IpAddr};

use url::Url;

/// Scheme, host and port (RFC 6454 §4): in lower case, with A-labels, and without the port that the
/// scheme has anyway.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebOrigin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl WebOrigin {
    /// Of the `Origin` header. What it holds in another spelling, no browser has written.
    pub fn of_header(text: &str) -> Option<Self> {
        Self::parse(text).filter(|origin| origin.to_string() == text)
    }

    /// Of a text that is an origin and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        Self::of_authority(scheme, authority)
    }

    /// Of an authority, such as the `Host` header, which does not tell its scheme.
    pub fn of_authority(scheme: &str, authority: &str) -> Option<Self> {
        let is_scheme = scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        // What the URL parser would drop, decode, or take for the beginning of another part.
        let is_more = |c: char| c.is_whitespace() || c.is_control() || "/\\?#@%*".contains(c);
        if !is_scheme || authority.contains(is_more) || authority.ends_with(':') {
            return None;
        }
        Self::of_url(&format!("{scheme}://{authority}"))
    }

    /// Where a page of this URL comes from.
    pub fn of_url(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?;
        Some(Self {
            scheme: url.scheme().to_owned(),
            // Of schemes that it does not know, the parser leaves the host as it was.
            host: host.to_lowercase(),
            port: url.port(),
        })
    }

    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

/// Whether a host is this machine itself, by its address or by the name `localhost` (RFC 6761 §6.3).
/// Other names may resolve to anything, so they do not count.
pub fn is_loopback(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        write!(f, "{scheme}://{host}")?;
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// One origin, or with `*.` all that are below a domain: `https://*.example.test:8443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    origin: WebOrigin,
    is_below: bool,
}

impl OriginPattern {
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let domain = authority.strip_prefix("*.");
        Some(Self {
            origin: WebOrigin::of_authority(scheme, domain.unwrap_or(authority))?,
            is_below: domain.is_some(),
        })
    }

    pub fn scheme(&self) -> &str {
        self.origin.scheme()
    }

    pub fn fits(&self, origin: &WebOrigin) -> bool {
        if !self.is_below {
            return self.origin == *origin;
        }
        let below = origin.host.strip_suffix(&self.origin.host);
        let labels = below.and_then(|below| below.strip_suffix('.'));
        (&self.origin.scheme, self.origin.port) == (&origin.scheme, origin.port)
            && labels.is_some_and(|labels| !labels.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_origin_are_equal_and_written_as_browsers_write_them() {
        for (spelling, written) in [
            ("https://spa.example.test:443", "https://spa.example.test"),
            ("http://localhost:80", "http://localhost"),
            ("https://SPA.Example.test", "https://spa.example.test"),
            ("HTTPS://spa.example.test", "https://spa.example.test"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
            ("https://[::1]:8443", "https://[::1]:8443"),
            ("https://[0:0::1]", "https://[::1]"),
            ("https://a.test:8443", "https://a.test:8443"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            let origin = WebOrigin::parse(spelling).unwrap();
            assert_eq!(origin.to_string(), written);
            assert_eq!(WebOrigin::of_header(written), Some(origin), "{spelling}");
            let is_written_so = spelling == written;
            assert_eq!(WebOrigin::of_header(spelling).is_some(), is_written_so);
        }
    }

    #[test]
    fn another_scheme_host_or_port_is_another_origin() {
        let origin = WebOrigin::parse("https://a.test").unwrap();
        for other in [
            "http://a.test",
            "https://a.test:80",
            "https://a.test.evil.test",
            "https://b.a.test",
            "https://a.test.",
        ] {
            assert_ne!(WebOrigin::parse(other), Some(origin.clone()), "{other}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_none() {
        for text in [
            "null",
            "",
            "a.test",
            "https://",
            "https://a.test/",
            "https://u@a.test",
            "https://a.test?",
            "https://a.test#",
            "https://a.test\\b",
            "https://a%2etest",
            "https://a.test:",
            "https://a.test:x",
            "https://a.test:99999",
            "https://a b",
            "https://a\t.test",
            " https://a.test",
            "https://*.a.test",
            "https://[::1",
        ] {
            assert_eq!(WebOrigin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        let is_loopback = |authority: &str| {
            WebOrigin::of_authority("http", authority).is_some_and(|origin| origin.is_loopback())
        };
        for authority in [
            "localhost:8080",
            "LocalHost",
            "127.0.0.1",
            "127.8.8.8:1",
            "[::1]:8080",
        ] {
            assert!(is_loopback(authority), "{authority}");
        }
        for authority in [
            "localhost.evil.test",
            "127.0.0.1@evil.test",
            "10.0.0.1",
            "localhost:",
            "[::2]",
            "",
        ] {
            assert!(!is_loopback(authority), "{authority}");
        }
    }

    #[test]
    fn a_host_alone_is_judged_the_same() {
        for host in ["localhost", "LOCALHOST", "127.9.9.9", "::1", "[::1]"] {
            assert!(super::is_loopback(host), "{host}");
        }
        for host in ["127.0.0.1.example.test", "0.0.0.0", "[::1", ""] {
            assert!(!super::is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_pattern_stands_for_what_is_below_its_domain() {
        let pattern = OriginPattern::parse("https://*.SHOP.test").unwrap();
        let fits = |text| pattern.fits(&WebOrigin::parse(text).unwrap());
        assert!(fits("https://x.shop.test") && fits("https://x.y.shop.test:443"));
        for other in [
            "https://shop.test",
            "https://evilshop.test",
            "http://x.shop.test",
            "https://x.shop.test:8443",
            "https://x.shop.test.evil.test",
        ] {
            assert!(!fits(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_is_written_so_that_it_is_read_the_same(text in "\\PC{0,40}|https?://[a-zA-Z0-9.:\\[\\]äß-]{0,30}") {
            if let Some(origin) = WebOrigin::parse(&text) {
                prop_assert_eq!(WebOrigin::parse(&origin.to_string()), Some(origin));
            }
        }
    }
}

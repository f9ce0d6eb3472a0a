//! Which redirect URIs a client may name.
//!
//! Comparison is of characters, without normalisation (RFC 9700 §4.1.3). Two relaxations: the port
//! of a loopback address (RFC 8252 §7.3), and, where the application allows it, one `*`.

use super::client::Client;

/// Whether `requested` is one of the client's redirect URIs.
pub fn is_registered(client: &Client, requested: &str) -> bool {
    is_plain(requested)
        && client.redirect_uris.iter().any(|registered| {
            fits(
                registered,
                requested,
                client.allow_wildcard_in_redirect_uris,
            )
        })
}

/// Neither a fragment nor what browsers would drop or read differently.
fn is_plain(uri: &str) -> bool {
    !uri.chars()
        .any(|c| matches!(c, '#' | '\\') || c.is_control() || c.is_whitespace())
}

fn fits(registered: &str, requested: &str, allow_wildcard: bool) -> bool {
    if registered == requested {
        return true;
    }
    let (Some(registered), Some(requested)) = (Parts::of(registered), Parts::of(requested)) else {
        return false;
    };
    let same_place = registered.scheme == requested.scheme
        && (registered.authority == requested.authority || registered.is_same_loopback(&requested));
    same_place
        && (registered.rest == requested.rest
            || (allow_wildcard && fits_wildcard(registered.rest, requested.rest)))
}

/// `scheme://authority` and all that follows.
struct Parts<'a> {
    scheme: &'a str,
    authority: &'a str,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Option<Self> {
        let (scheme, after) = uri.split_once("://")?;
        let end = after.find(['/', '?']).unwrap_or(after.len());
        let (authority, rest) = after.split_at(end);
        Some(Self {
            scheme,
            authority,
            rest,
        })
    }

    fn is_same_loopback(&self, other: &Self) -> bool {
        matches!(self.scheme, "http" | "https")
            && match (
                loopback_host(self.authority),
                loopback_host(other.authority),
            ) {
                (Some(host), Some(other)) => host == other,
                (None, _) | (_, None) => false,
            }
    }
}

/// The host of `host[:port]` when it is a loopback address.
fn loopback_host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix("[::1]") {
        Some(after) => ("[::1]", after),
        None => authority
            .find(':')
            .map_or((authority, ""), |colon| authority.split_at(colon)),
    };
    let is_port = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|digits| !digits.starts_with('+') && digits.parse::<u16>().is_ok());
    let is_loopback = matches!(host, "localhost" | "[::1]")
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback());
    (is_port && is_loopback).then_some(host)
}

/// One `*` in path or query stands for any characters but those that would lead elsewhere.
fn fits_wildcard(pattern: &str, requested: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return false;
    };
    if after.contains('*') {
        return false;
    }
    let Some(middle) = requested
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
    else {
        return false;
    };
    let path = requested.split('?').next().unwrap_or_default();
    let (Some(decoded), Some(path)) = (fully_decoded(middle), fully_decoded(path)) else {
        return false;
    };
    !decoded
        .iter()
        .any(|byte| byte.is_ascii_control() || b"/\\?&#;".contains(byte))
        && !decoded.windows(2).any(|pair| pair == b"..")
        && !path
            .split(|byte| b"/\\".contains(byte))
            .any(|segment| segment == b"..")
}

/// How often a text may be percent-encoded. Each time costs a pass over all of it, and nobody has a
/// use for many.
const MOST_LAYERS: usize = 8;

/// Percent-decoded until nothing is left to decode, so that no layer can hide a dot or a slash.
/// `None` where there are too many of them.
fn fully_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=MOST_LAYERS {
        let decoded = percent_decoded(&bytes);
        // Every decoded triplet makes the text shorter.
        if decoded.len() == bytes.len() {
            return Some(bytes);
        }
        bytes = decoded;
    }
    None
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let triplet = match (byte, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = triplet {
            decoded.push(high * 16 + low);
            rest = after.get(2..).unwrap_or_default();
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::client::samples::web_app;

    fn accepts(registered: &str, requested: &str) -> bool {
        let client = Client {
            redirect_uris: vec![registered.to_owned()],
            ..web_app()
        };
        is_registered(&client, requested)
    }

    fn accepts_wildcard(registered: &str, requested: &str) -> bool {
        let client = Client {
            redirect_uris: vec![registered.to_owned()],
            allow_wildcard_in_redirect_uris: true,
            ..web_app()
        };
        is_registered(&client, requested)
    }

    #[test]
    fn only_the_very_characters_match() {
        let registered = "https://app.example.test/cb";
        assert!(accepts(registered, registered));
        for other in [
            "https://app.example.test/cb/",
            "https://app.example.test/CB",
            "https://APP.example.test/cb",
            "https://app.example.test:443/cb",
            "https://app.example.test/cb?x=1",
            "https://app.example.test/cb#x",
            "https://app.example.test/x/../cb",
            "https://app.example.test.evil.test/cb",
            "http://app.example.test/cb",
            "",
        ] {
            assert!(!accepts(registered, other), "{other}");
        }
    }

    #[test]
    fn a_loopback_address_may_have_any_port() {
        assert!(accepts("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"));
        assert!(accepts(
            "http://127.0.0.1:8080/cb",
            "http://127.0.0.1:49152/cb"
        ));
        assert!(accepts("http://[::1]/cb", "http://[::1]:5000/cb"));
        assert!(accepts(
            "https://localhost:1/cb?x=1",
            "https://localhost:2/cb?x=1"
        ));
    }

    #[test]
    fn a_loopback_address_is_not_another_one_nor_a_disguise() {
        for other in [
            "http://localhost:1/cb",
            "https://127.0.0.1:1/cb",
            "http://127.0.0.1:1/other",
            "http://127.0.0.1:1@evil.test/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:+80/cb",
            "http://127.0.0.1:1\\@evil.test/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://127.0.0.1:/cb",
        ] {
            assert!(!accepts("http://127.0.0.1/cb", other), "{other}");
        }
        assert!(!accepts(
            "http://app.example.test/cb",
            "http://app.example.test:1/cb"
        ));
    }

    #[test]
    fn a_wildcard_stands_for_a_part_of_the_path() {
        let registered = "https://app.test/th*/cb";
        assert!(accepts_wildcard(registered, "https://app.test/this/cb"));
        assert!(accepts_wildcard(registered, "https://app.test/that/cb"));
        assert!(!accepts_wildcard(registered, "https://app.test/oidc/cb"));
        assert!(!accepts(registered, "https://app.test/this/cb"));
        assert!(accepts_wildcard(
            "https://app.test/cb?tenant=*",
            "https://app.test/cb?tenant=blue"
        ));
    }

    #[test]
    fn a_wildcard_does_not_lead_elsewhere() {
        for other in [
            "https://app.test/a/b",
            "https://app.test/..",
            "https://app.test/%2e%2e",
            "https://app.test/%252e%252e",
            "https://app.test/x%2fy",
            "https://app.test/x%5Cy",
            "https://app.test/x?code=1",
            "https://app.test/x&y",
            "https://app.test/x\u{9}y",
            "https://app.test/x%00y",
            "https://app.test/x%0d%0ay",
            "https://app.test/x%250ay",
        ] {
            assert!(!accepts_wildcard("https://app.test/*", other), "{other}");
        }
        assert!(!accepts_wildcard(
            "https://app.test/.*/cb",
            "https://app.test/../cb"
        ));
        assert!(!accepts_wildcard(
            "https://*.test/cb",
            "https://evil.test/cb"
        ));
        assert!(!accepts_wildcard(
            "https://app.test*/cb",
            "https://app.test.evil.test/cb"
        ));
        assert!(!accepts_wildcard(
            "https://app.test/*/*",
            "https://app.test/a/b"
        ));
        assert!(!accepts_wildcard(
            "https://app.test/ab*ba",
            "https://app.test/aba"
        ));
    }

    #[test]
    fn what_is_encoded_without_end_is_refused() {
        let encoded = |layers: usize| format!("https://app.test/%{}41", "25".repeat(layers - 1));
        for place in ["https://app.test/*", "https://app.test/%*"] {
            assert!(accepts_wildcard(place, &encoded(MOST_LAYERS)));
            assert!(!accepts_wildcard(place, &encoded(MOST_LAYERS + 1)));
        }
    }

    proptest! {
        #[test]
        fn without_wildcard_a_match_outside_loopback_is_equality(registered in "\\PC{0,40}", requested in "\\PC{0,40}") {
            let loopback = Parts::of(&registered).is_some_and(|parts| loopback_host(parts.authority).is_some());
            prop_assume!(!loopback);
            prop_assert!(!accepts(&registered, &requested) || registered == requested);
        }

        #[test]
        fn a_wildcard_never_changes_the_authority(requested in "https://[a-z.@:%/?*]{0,30}") {
            if accepts_wildcard("https://app.test/*", &requested) {
                prop_assert!(requested.starts_with("https://app.test/"));
            }
        }

        #[test]
        fn no_text_makes_it_panic(registered: String, requested: String) {
            let _ = accepts_wildcard(&registered, &requested);
        }
    }
}

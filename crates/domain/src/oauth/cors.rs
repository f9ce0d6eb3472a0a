//! Which origins a browser may call from.

use super::client::{Client, Cors};

/// The two kinds of endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointKind {
    /// Token, userinfo, introspection, keys and metadata: no cookie is trusted.
    Cookieless,
    /// Authorize, resume, sign-off and flows: the session's cookie counts.
    Cookie,
}

/// What the answer may say to the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// `Access-Control-Allow-Origin: *`, never with credentials.
    AnyOrigin,
    /// The origin echoed, with `Vary: Origin`.
    Echo {
        with_credentials: bool,
    },
    Refused,
}

/// Judges `origin` (the header's value) for an endpoint; `client` is absent where no application is
/// known.
pub fn judge(client: Option<&Client>, kind: EndpointKind, origin: &str) -> Admission {
    let listed = |origins: &[String]| origins.iter().any(|allowed| fits(allowed, origin));
    let is_trusted = match client.map(|client| &client.cors) {
        Some(Cors::Origins(origins)) => listed(origins),
        Some(Cors::Unset) | None if kind == EndpointKind::Cookieless => {
            return Admission::AnyOrigin;
        }
        // Without settings the application's own pages are trusted, nobody else.
        Some(Cors::Unset) => client.is_some_and(|client| {
            client
                .redirect_uris
                .iter()
                .any(|uri| origin_of(uri) == Some(origin))
        }),
        Some(Cors::NoOrigins) | None => false,
    };
    if is_trusted {
        Admission::Echo {
            with_credentials: kind == EndpointKind::Cookie,
        }
    } else {
        Admission::Refused
    }
}

/// `scheme://authority` of a URI, as a browser would write it in `Origin`.
fn origin_of(uri: &str) -> Option<&str> {
    let (scheme, after) = uri.split_once("://")?;
    let length = after.find(['/', '?', '#']).unwrap_or(after.len());
    uri.get(..scheme.len() + "://".len() + length)
}

/// Equal, or below the domain of `https://*.example.test`.
fn fits(allowed: &str, origin: &str) -> bool {
    if allowed == origin {
        return true;
    }
    let Some((scheme, domain)) = allowed.split_once("://*.") else {
        return false;
    };
    let Some(host) = origin
        .strip_prefix(scheme)
        .and_then(|rest| rest.strip_prefix("://"))
    else {
        return false;
    };
    let is_label = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
    };
    host.strip_suffix(domain)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(is_label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        Admission::{AnyOrigin, Echo, Refused},
        EndpointKind::{Cookie, Cookieless},
        *,
    };
    use crate::oauth::client::samples::web_app;

    fn client(cors: Cors) -> Client {
        Client { cors, ..web_app() }
    }

    #[test]
    fn without_settings_anyone_may_call_where_no_cookie_counts() {
        let client = client(Cors::Unset);
        assert_eq!(
            judge(Some(&client), Cookieless, "https://any.test"),
            AnyOrigin
        );
        assert_eq!(judge(None, Cookieless, "https://any.test"), AnyOrigin);
    }

    #[test]
    fn without_settings_only_the_applications_own_pages_may_send_the_cookie() {
        let client = client(Cors::Unset);
        let own = Echo {
            with_credentials: true,
        };
        assert_eq!(
            judge(Some(&client), Cookie, "https://app.example.test"),
            own
        );
        for origin in [
            "https://any.test",
            "https://app.example.test.evil.test",
            "null",
            "http://app.example.test",
        ] {
            assert_eq!(judge(Some(&client), Cookie, origin), Refused, "{origin}");
        }
        assert_eq!(judge(None, Cookie, "https://app.example.test"), Refused);
    }

    #[test]
    fn settings_hold_for_both_kinds() {
        let none = client(Cors::NoOrigins);
        let some = client(Cors::Origins(vec![
            "https://a.test".to_owned(),
            "https://*.shop.test".to_owned(),
        ]));
        for kind in [Cookie, Cookieless] {
            let echo = Echo {
                with_credentials: kind == Cookie,
            };
            assert_eq!(
                judge(Some(&none), kind, "https://app.example.test"),
                Refused
            );
            for origin in [
                "https://a.test",
                "https://x.shop.test",
                "https://x.y.shop.test",
            ] {
                assert_eq!(judge(Some(&some), kind, origin), echo, "{origin}");
            }
            for origin in [
                "https://app.example.test",
                "https://shop.test",
                "https://evilshop.test",
                "http://x.shop.test",
                "https://evil.test/.shop.test",
                "https://x.shop.test:8443",
                "https://.shop.test",
            ] {
                assert_eq!(judge(Some(&some), kind, origin), Refused, "{origin}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(allowed: String, origin: String, uri: String) {
            let client = Client { redirect_uris: vec![uri], ..client(Cors::Origins(vec![allowed])) };
            let _ = judge(Some(&client), Cookie, &origin);
        }

        #[test]
        fn credentials_are_never_offered_to_any_origin(origin in "\\PC{0,30}") {
            let client = client(Cors::Unset);
            prop_assert_eq!(judge(Some(&client), Cookie, &origin), Refused);
        }
    }
}

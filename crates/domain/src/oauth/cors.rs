//! Which origins a browser may call from.

use super::client::{Client, Cors};
use crate::web_origin::{OriginPattern, WebOrigin};

/// The kinds of endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointKind {
    /// Token, introspection, keys and metadata: no cookie is trusted.
    Cookieless,
    /// Userinfo: no cookie is trusted, but SDKs of the vendor's send it, and browsers then ask for
    /// more than `*`.
    CookieSent,
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

/// What an application says of an origin.
enum Standing {
    /// One that its settings name.
    Named,
    /// Without settings the application's own pages are trusted.
    Own,
    /// Without settings: anybody else's.
    Foreign,
    /// Its settings leave it out.
    LeftOut,
}

fn standing(client: &Client, origin: Option<&WebOrigin>) -> Standing {
    let listed = |origins: &[String]| {
        let patterns = origins.iter().filter_map(|text| OriginPattern::parse(text));
        origin.is_some_and(|origin| patterns.into_iter().any(|pattern| pattern.fits(origin)))
    };
    match &client.cors {
        Cors::Origins(origins) if listed(origins) => Standing::Named,
        Cors::Origins(_) | Cors::NoOrigins => Standing::LeftOut,
        Cors::Unset => {
            let mut pages = client.redirect_uris.iter().chain(&client.pages);
            if origin.is_some() && pages.any(|page| WebOrigin::of_url(page).as_ref() == origin) {
                Standing::Own
            } else {
                Standing::Foreign
            }
        }
    }
}

/// Judges `origin` (the header's value) for an endpoint and the application that the request names.
pub fn judge(client: Option<&Client>, kind: EndpointKind, origin: &str) -> Admission {
    let origin = WebOrigin::of_header(origin);
    let standing = client.map_or(Standing::Foreign, |client| {
        standing(client, origin.as_ref())
    });
    admission(&standing, kind)
}

/// As [`judge`], where the request names no application, as a preflight does: whoever is one of an
/// enabled application's may read on, and the request itself is judged by its own.
pub fn judge_unnamed<'a>(
    clients: impl IntoIterator<Item = &'a Client>,
    kind: EndpointKind,
    origin: &str,
) -> Admission {
    let origin = WebOrigin::of_header(origin);
    let is_somebodys = clients
        .into_iter()
        .filter(|client| client.is_usable())
        .any(|client| {
            let standing = standing(client, origin.as_ref());
            matches!(standing, Standing::Named | Standing::Own)
        });
    let standing = if is_somebodys {
        Standing::Own
    } else {
        Standing::Foreign
    };
    admission(&standing, kind)
}

const fn admission(standing: &Standing, kind: EndpointKind) -> Admission {
    match (standing, kind) {
        (Standing::Named | Standing::Own, EndpointKind::Cookie | EndpointKind::CookieSent) => {
            Admission::Echo {
                with_credentials: true,
            }
        }
        (Standing::Named, EndpointKind::Cookieless) => Admission::Echo {
            with_credentials: false,
        },
        (Standing::Own, EndpointKind::Cookieless)
        | (Standing::Foreign, EndpointKind::Cookieless | EndpointKind::CookieSent) => {
            Admission::AnyOrigin
        }
        (Standing::Foreign, EndpointKind::Cookie) | (Standing::LeftOut, _) => Admission::Refused,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        Admission::{AnyOrigin, Echo, Refused},
        EndpointKind::{Cookie, CookieSent, Cookieless},
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
    fn userinfo_trusts_the_applications_own_pages_with_credentials_and_nobody_else() {
        let client = client(Cors::Unset);
        let own = Echo {
            with_credentials: true,
        };
        for page in ["https://app.example.test", "https://login.example.test"] {
            assert_eq!(judge(Some(&client), CookieSent, page), own);
        }
        for page in ["https://any.test", "null", ""] {
            assert_eq!(judge(Some(&client), CookieSent, page), AnyOrigin, "{page}");
        }
    }

    #[test]
    fn where_no_application_is_named_the_pages_of_any_enabled_one_count() {
        let disabled = Client {
            enabled: false,
            redirect_uris: vec!["https://off.test/cb".to_owned()],
            ..web_app()
        };
        let clients = [
            web_app(),
            disabled,
            client(Cors::Origins(vec!["https://*.shop.test".to_owned()])),
        ];
        let own = Echo {
            with_credentials: true,
        };
        for page in ["https://app.example.test", "https://x.shop.test"] {
            for kind in [Cookie, CookieSent] {
                assert_eq!(judge_unnamed(&clients, kind, page), own);
            }
            assert_eq!(judge_unnamed(&clients, Cookieless, page), AnyOrigin);
        }
        for page in ["https://off.test", "https://any.test", "null"] {
            assert_eq!(judge_unnamed(&clients, Cookie, page), Refused);
            assert_eq!(judge_unnamed(&clients, CookieSent, page), AnyOrigin);
        }
    }

    #[test]
    fn a_configured_url_is_its_origin_however_it_is_spelt() {
        for (configured, sent) in [
            ("https://spa.example.test:443", "https://spa.example.test"),
            ("https://UPPER.example.test", "https://upper.example.test"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://localhost:80", "http://localhost"),
        ] {
            let by_uri = Client {
                redirect_uris: vec![format!("{configured}/cb")],
                ..client(Cors::Unset)
            };
            let by_page = Client {
                pages: vec![format!("{configured}/login?x=1")],
                ..client(Cors::Unset)
            };
            let by_setting = client(Cors::Origins(vec![configured.to_owned()]));
            for client in [by_uri, by_page, by_setting] {
                let echo = Echo {
                    with_credentials: true,
                };
                assert_eq!(judge(Some(&client), Cookie, sent), echo, "{configured}");
                for other in [
                    "null",
                    "https://spa.example.test:8443",
                    "https://xn--bcher-kva.example.evil.test",
                ] {
                    assert_eq!(judge(Some(&client), Cookie, other), Refused, "{other}");
                }
            }
        }
    }

    #[test]
    fn settings_hold_for_all_kinds() {
        let none = client(Cors::NoOrigins);
        let some = client(Cors::Origins(vec![
            "https://a.test".to_owned(),
            "https://*.shop.test".to_owned(),
        ]));
        for kind in [Cookie, CookieSent, Cookieless] {
            let echo = Echo {
                with_credentials: kind != Cookieless,
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

//! The session's cookie, `ST`. It goes out twice: with `SameSite`, and as `ST-NO-SS` without, for
//! browsers that misread the attribute. Either is as good as the other; so is `ST-{flow}`, which
//! other tabs do not replace.

use axum::http::{HeaderMap, header};
use stepgate_app::{origin::Origin, sign_on::SessionCookie};
use stepgate_domain::{flow::state, secret::Secret};

use crate::reply::Reply;

const NAME: &str = "ST";
const WITHOUT_SAME_SITE: &str = "ST-NO-SS";
/// Before the id of a flow.
const OF_FLOW: &str = "ST-";
/// How many values of one request are looked at.
const MOST: usize = 16;

/// Every value of the cookie that the request carries: a client that replays what it was given by
/// hand may send several.
pub fn session_tokens(headers: &HeaderMap) -> Vec<Secret<String>> {
    let sent = headers.get_all(header::COOKIE).iter();
    let pairs = sent.flat_map(|header| header.to_str().unwrap_or_default().split(';'));
    let pairs: Vec<(&str, &str)> = pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let is_shared = |name: &str| [NAME, WITHOUT_SAME_SITE].contains(&name);
    // The browser's own one first: of all that will do it is the newest.
    let shared = pairs.iter().filter(|(name, _)| is_shared(name));
    let of_flows = pairs
        .iter()
        .filter(|(name, _)| !is_shared(name) && name.starts_with(OF_FLOW));
    let mut values: Vec<&str> = Vec::new();
    for (_, value) in shared.chain(of_flows) {
        if !values.contains(value) && values.len() < MOST {
            values.push(value);
        }
    }
    let own = |value: &str| Secret::new(value.to_owned());
    values.into_iter().map(own).collect()
}

impl Reply {
    /// Sets the cookie. Over https it is sent across sites, since an application's own page may
    /// stand on another one; over http (a laptop) browsers take that from nobody.
    #[must_use]
    pub(crate) fn with_session(self, origin: &Origin, cookie: Option<&SessionCookie>) -> Self {
        let Some(cookie) = cookie else { return self };
        let token = cookie.token.expose();
        let max_age = cookie
            .max_age
            .map(|seconds| format!("; Max-Age={seconds}"))
            .unwrap_or_default();
        let (secure, same_site) = if origin.is_https() {
            ("; Secure", "None")
        } else {
            ("", "Lax")
        };
        let attributes = format!("Path=/; HttpOnly{secure}{max_age}");
        let reply = self
            .with(
                header::SET_COOKIE,
                &format!("{NAME}={token}; {attributes}; SameSite={same_site}"),
            )
            .with(
                header::SET_COOKIE,
                &format!("{WITHOUT_SAME_SITE}={token}; {attributes}"),
            );
        let Some(flow) = cookie.further_for else {
            return reply;
        };
        let life = state::LIFE.as_seconds_ceil();
        reply.with(
            header::SET_COOKIE,
            &format!("{OF_FLOW}{flow}={token}; Path=/; HttpOnly{secure}; Max-Age={life}; SameSite={same_site}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn tokens(cookies: &[&'static str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_static(cookie));
        }
        let tokens = session_tokens(&headers);
        tokens.iter().map(|it| it.expose().clone()).collect()
    }

    fn set(origin: &str, max_age: Option<i64>) -> Vec<String> {
        let cookie = SessionCookie {
            token: Secret::new("t0k".to_owned()),
            max_age,
            further_for: None,
        };
        let reply = Reply::no_content().with_session(&Origin::new(origin), Some(&cookie));
        let values = reply.headers.get_all(header::SET_COOKIE).iter();
        values.map(|it| it.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_different_value_is_read_and_the_browsers_own_before_those_of_flows() {
        assert_eq!(
            tokens(&["a=1; ST-f=z; ST=x; ST-NO-SS=x", "ST-NO-SS=y;ST=;STX=w; ST"]),
            ["x", "y", "z"]
        );
        assert!(tokens(&[]).is_empty());
    }

    #[test]
    fn a_flood_of_values_is_cut_off() {
        let mut headers = HeaderMap::new();
        for number in 0..100 {
            let value = HeaderValue::from_str(&format!("ST={number}")).unwrap();
            headers.append(header::COOKIE, value);
        }
        assert_eq!(session_tokens(&headers).len(), MOST);
    }

    #[test]
    fn over_https_the_cookie_crosses_sites_and_never_goes_without_encryption() {
        assert_eq!(
            set("https://id.example.test", Some(60)),
            [
                "ST=t0k; Path=/; HttpOnly; Secure; Max-Age=60; SameSite=None",
                "ST-NO-SS=t0k; Path=/; HttpOnly; Secure; Max-Age=60"
            ]
        );
    }

    #[test]
    fn over_http_it_stays_on_the_site() {
        assert_eq!(
            set("http://127.0.0.1:8080", None),
            [
                "ST=t0k; Path=/; HttpOnly; SameSite=Lax",
                "ST-NO-SS=t0k; Path=/; HttpOnly"
            ]
        );
    }
}

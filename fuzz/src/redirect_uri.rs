use stepgate_domain::{
    oauth::{client::Client, redirect_uri::is_registered},
    uri, web_origin,
};
use url::Url;

use crate::samples::web_app;

/// A URI that is accepted leads where the registered one leads, as a browser reads both: the very
/// same place, but for the port of this machine, and for what one `*` stands for. The first line is
/// what is registered, the second what is requested.
pub fn redirect_uri(data: &[u8]) {
    let lines = crate::text(data).and_then(|text| text.split_once('\n'));
    let Some((registered, requested)) = lines else {
        return;
    };
    if !may_be_registered(registered) {
        return;
    }
    let accepts = |allow_wildcard_in_redirect_uris, requested: &str| {
        let client = Client {
            redirect_uris: vec![registered.to_owned()],
            allow_wildcard_in_redirect_uris,
            ..web_app()
        };
        is_registered(&client, requested)
    };
    let (exact, wild) = (accepts(false, requested), accepts(true, requested));
    assert!(wild || !exact, "leave for wildcards refuses what is equal");
    if !wild {
        assert_ne!(registered, requested);
        return;
    }
    if registered == requested {
        return;
    }
    let [from, to] = [registered, requested].map(|uri| Url::parse(uri).expect("is a URL"));
    let is_loopback = from.host_str().is_some_and(web_origin::is_loopback);
    assert_eq!(from.scheme(), to.scheme());
    assert_eq!(from.host(), to.host());
    assert_eq!((to.username(), to.password()), ("", None));
    assert!(to.fragment().is_none());
    if !is_loopback {
        assert_eq!(from.port(), to.port(), "{to}");
    }
    if exact {
        assert!(is_loopback, "{to} is not {from}");
        assert_eq!((from.path(), from.query()), (to.path(), to.query()));
    } else {
        judge_wildcard(registered, requested);
    }
}

/// As an application may have it.
fn may_be_registered(uri: &str) -> bool {
    let is_uri = uri::parse(uri).is_ok_and(|url| url.fragment().is_none());
    let behind = uri
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once(['/', '?']));
    is_uri
        && match uri.matches('*').count() {
            0 => true,
            1 => behind.is_some_and(|(authority, _)| !authority.contains('*')),
            _ => false,
        }
}

/// What stands for the asterisk neither leaves its directory nor begins another part, by however many
/// decodings somebody may read it.
fn judge_wildcard(registered: &str, requested: &str) {
    let (before, after) = registered.split_once('*').expect("there is a wildcard");
    let middle = requested
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .expect("what is around the wildcard stays");
    let mut readings = vec![middle.as_bytes().to_owned()];
    while let Some(decoded) = readings.last().map(|text| decoded(text)) {
        if readings.last() == Some(&decoded) {
            break;
        }
        readings.push(decoded);
    }
    for reading in readings {
        let is_delimiter = |byte: &u8| byte.is_ascii_control() || b"/\\?&#;".contains(byte);
        assert!(!reading.iter().any(is_delimiter), "{requested}");
    }
    let [sample, to] =
        [&format!("{before}x{after}"), requested].map(|uri| Url::parse(uri).expect("is a URL"));
    if before.contains('?') {
        assert_eq!(sample.path(), to.path());
        assert_eq!(sample.query_pairs().count(), to.query_pairs().count());
        return;
    }
    assert_eq!(sample.query(), to.query());
    // Browsers take a single dot away, and climb for two.
    let segments = |uri: &str| -> Vec<String> {
        let path = uri.split('?').next().unwrap_or_default();
        path.to_lowercase()
            .replace("%2e", ".")
            .split('/')
            .map(str::to_owned)
            .collect()
    };
    assert!(!segments(requested).contains(&"..".to_owned()), "{to}");
    let depth = |url: &Url| url.path().split('/').count();
    let dots = segments(requested)
        .iter()
        .filter(|segment| *segment == ".")
        .count();
    assert!(depth(&to) <= depth(&sample) && depth(&to) + dots >= depth(&sample));
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let value = |at: usize| {
        let digits = std::str::from_utf8(text.get(at..at + 2)?).ok()?;
        let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u8::from_str_radix(digits, 16)
            .ok()
            .filter(|_| is_hexadecimal)
    };
    let mut decoded = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let escaped = value(at + 1).filter(|_| *byte == b'%');
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

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
        judge_wildcard(registered, &to);
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

/// What stands for the asterisk neither leaves its directory nor begins another part.
fn judge_wildcard(registered: &str, to: &Url) {
    let (before, after) = registered.split_once('*').expect("there is a wildcard");
    let is_in_query = before.contains('?');
    let names = |url: &Url| -> Vec<String> {
        url.query_pairs()
            .map(|(name, _)| name.into_owned())
            .collect()
    };
    let sample = Url::parse(&format!("{before}x{after}")).expect("is a URL");
    if is_in_query {
        assert_eq!(sample.path(), to.path());
        assert_eq!(sample.query_pairs().count(), to.query_pairs().count());
        return;
    }
    assert_eq!(names(&sample), names(to));
    let directory = Url::parse(&format!("{before}x")).expect("is a URL");
    let directory = directory
        .path()
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    assert!(
        to.path().starts_with(directory),
        "{to} is outside {directory}"
    );
    let depth = |url: &Url| url.path().split('/').count();
    assert!(depth(to) <= depth(&sample), "{to} is deeper than {sample}");
}

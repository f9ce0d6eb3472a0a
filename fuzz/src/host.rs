use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Uri, Version, header, uri::Authority},
};
use stepgate_app::origin::{Origins, PublicUrls};
use stepgate_http::host::{HostFault, origin};
use url::Url;

/// What the operator calls the server.
const OURS: [&str; 3] = [
    "https://id.example.test",
    "https://sso.example.test:8443",
    "http://[2001:db8::1]",
];

/// A request is for one of our names or for none, whatever it says of its host, and in development
/// for this machine. The first line is the request's target, each other one a `Host`.
pub fn host(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let Some(target) = lines.next() else { return };
    let Ok(target) = Uri::try_from(target) else {
        return;
    };
    let hosts: Vec<HeaderValue> = lines
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    let urls = PublicUrls {
        both: OURS.map(str::to_owned).into(),
        ..PublicUrls::default()
    };
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let mut request = Request::new(Body::empty());
        *request.version_mut() = version;
        *request.uri_mut() = target.clone();
        for host in &hosts {
            request.headers_mut().append(header::HOST, host.clone());
        }
        let production = origin(&Origins::new(&urls, None), &request, false);
        match &production {
            Ok(origin) => {
                assert!(OURS.contains(&origin.as_str()), "{origin:?} is not ours");
                judge_named(&request, origin.as_str());
            }
            Err(HostFault::Malformed | HostFault::Unknown) => {}
        }
        let anywhere = origin(&Origins::new(&urls, None), &request, true);
        match anywhere {
            Ok(origin) => assert!(origin.as_str().is_empty() || Ok(origin) == production),
            Err(fault) => assert_eq!((fault, Err(fault)), (HostFault::Malformed, production)),
        }
        let development = Origins::new(&PublicUrls::default(), Some("http"));
        if let Ok(origin) = origin(&development, &request, false) {
            let url = Url::parse(origin.as_str()).expect("is a URL");
            assert_eq!(url.scheme(), "http");
            let is_here = match url.host().expect("has a host") {
                url::Host::Domain(name) => name == "localhost",
                url::Host::Ipv4(address) => address.is_loopback(),
                url::Host::Ipv6(address) => address.is_loopback(),
            };
            assert!(is_here, "{url} is not this machine");
        }
    }
}

/// There is one host at most, and what the target says is the same.
fn judge_named(request: &Request, ours: &str) {
    let ours = Url::parse(ours).expect("is a URL");
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = hosts.next().map(|host| host.to_str().expect("is text"));
    assert!(hosts.next().is_none(), "two hosts");
    assert!(named.is_some() || request.version() == Version::HTTP_2);
    let target = request.uri().authority().map(Authority::as_str);
    assert!(named.is_some() || target.is_some());
    for authority in named.into_iter().chain(target) {
        let url = Url::parse(&format!("{}://{authority}", ours.scheme())).expect("is a URL");
        assert_eq!(url.host(), ours.host());
        assert_eq!((url.username(), url.password()), ("", None));
    }
    if let Some(named) = named {
        let url = Url::parse(&format!("{}://{named}", ours.scheme())).expect("is a URL");
        assert_eq!(url.port(), ours.port());
    }
}

use super::*;

fn urls(both: &[&str]) -> PublicUrls {
    PublicUrls {
        both: both.iter().map(|url| (*url).to_owned()).collect(),
        ..PublicUrls::default()
    }
}

fn split() -> PublicUrls {
    PublicUrls {
        both: Vec::new(),
        management: Some("https://api.example.test".to_owned()),
        authentication: Some("https://auth.example.test".to_owned()),
    }
}

fn environment() -> Id<Environment> {
    "9e0a1111-2222-4333-8444-555566667777".parse().unwrap()
}

#[test]
fn only_known_hosts_have_an_origin() {
    let origins = Origins::new(&urls(&["https://id.example.test/"]), None);
    for host in ["id.example.test", "ID.example.test", "id.example.test:443"] {
        let found = origins.of_host(host).unwrap();
        assert_eq!(found.as_str(), "https://id.example.test", "{host}");
    }
    for host in [
        "evil.test",
        "id.example.test.evil.test",
        "id.example.test:80",
        "id.example.test:8443",
        "x@id.example.test",
        "id.example.test/x",
        "localhost:8080",
        "",
    ] {
        assert_eq!(origins.of_host(host), None, "{host}");
    }
}

#[test]
fn a_host_in_other_letters_is_the_one_that_it_stands_for() {
    let origins = Origins::new(&urls(&["https://xn--bcher-kva.example:8443"]), None);
    for host in [
        "xn--bcher-kva.example:8443",
        "XN--BCHER-kva.example:8443",
        "bücher.example:8443",
    ] {
        assert!(origins.of_host(host).is_some(), "{host}");
    }
    assert!(origins.of_host("xn--bcher-kva.example").is_none());
}

#[test]
fn every_public_url_answers_and_the_first_is_canonical() {
    let origins = Origins::new(
        &urls(&["https://id.example.test", "http://[::1]:8080"]),
        None,
    );
    let inner = origins.of_host("[::1]:8080").unwrap();
    assert_eq!(
        inner.issuer(environment()),
        format!("http://[::1]:8080/{}/as", environment())
    );
    assert_eq!(origins.api_audience(&inner), "https://id.example.test");
    assert_eq!(origins.issuers(environment()).count(), 2);
    assert!(origins.contains("http://[::1]:8080") && !origins.contains("http://[::1]"));
    assert!(origins.accepts_audience(&inner, "http://[::1]:8080"));
    assert!(!origins.accepts_audience(&inner, "https://evil.test"));
}

#[test]
fn each_side_has_its_own_host_and_knows_the_others() {
    let origins = Origins::new(&split(), None);
    let api = origins.of_host("api.example.test").unwrap();
    let auth = origins.of_host("auth.example.test:443").unwrap();
    for origin in [&api, &auth] {
        assert_eq!(origin.api(), "https://api.example.test/v1");
        assert_eq!(
            origin.issuer(environment()),
            format!("https://auth.example.test/{}/as", environment())
        );
        assert_eq!(origins.api_audience(origin), "https://api.example.test");
    }
    assert!(api.serves(Side::Management) && !api.serves(Side::Authentication));
    assert!(auth.serves(Side::Authentication) && !auth.serves(Side::Management));
    assert!(origins.contains("https://auth.example.test"));
    assert!(!origins.contains("https://api.example.test"));
    assert!(!origins.accepts_audience(&api, "https://auth.example.test"));
}

#[test]
fn a_side_of_its_own_beside_a_public_url_leaves_that_whole() {
    let urls = PublicUrls {
        management: Some("https://api.example.test".to_owned()),
        ..urls(&["https://id.example.test"])
    };
    let origins = Origins::new(&urls, None);
    let (api, id) = (
        origins.of_host("api.example.test").unwrap(),
        origins.of_host("id.example.test").unwrap(),
    );
    assert!(id.serves(Side::Management) && id.serves(Side::Authentication));
    assert!(!api.serves(Side::Authentication));
    assert_eq!(api.issuer(environment()), id.issuer(environment()));
    assert_eq!(id.api(), "https://id.example.test/v1");
    assert_eq!(origins.api_audience(&id), "https://api.example.test");
}

#[test]
fn one_host_for_both_sides_serves_both() {
    let url = Some("https://id.example.test".to_owned());
    let urls = PublicUrls {
        both: Vec::new(),
        management: url.clone(),
        authentication: url,
    };
    let origin = Origins::new(&urls, None)
        .of_host("id.example.test")
        .unwrap();
    assert!(origin.serves(Side::Management) && origin.serves(Side::Authentication));
}

#[test]
fn loopback_names_are_known_in_development() {
    let origins = Origins::new(&PublicUrls::default(), Some("http"));
    for (host, base) in [
        ("localhost:8080", "http://localhost:8080"),
        ("LOCALHOST", "http://localhost"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("127.0.0.1:1", "http://127.0.0.1:1"),
        ("[::1]:8080", "http://[::1]:8080"),
    ] {
        let origin = origins.of_host(host).unwrap();
        assert_eq!(origin.as_str(), base);
        assert_eq!(origins.api_audience(&origin), base);
        assert!(origins.contains(base) && origins.accepts_audience(&origin, base));
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

#[test]
fn with_tls_of_its_own_loopback_names_are_https() {
    let origins = Origins::new(&PublicUrls::default(), Some("https"));
    let origin = origins.of_host("localhost:443").unwrap();
    assert_eq!(origin.as_str(), "https://localhost");
    assert!(origin.is_https() && origins.contains("https://localhost"));
    assert!(!origins.contains("http://localhost"));
}

#[test]
fn a_page_from_here_is_known_by_its_origin() {
    let origin = Origin::new("https://id.example.test");
    assert!(origin.is_of("https://id.example.test"));
    assert!(Origin::new("https://ID.example.test:443").is_of("https://id.example.test"));
    for other in [
        "http://id.example.test",
        "https://ID.example.test",
        "https://id.example.test.evil.test",
        "null",
        "",
    ] {
        assert!(!origin.is_of(other), "{other}");
    }
    assert!(!Origin::new("").is_of("null"));
}

use proptest::prelude::*;

use super::*;
use crate::{
    entropy::Seeded,
    oauth::client::samples::{service, web_app, worker},
};

const PLATFORM: &str = "https://api.example.test";

fn grant(kind: ResourceKind, audience: &str, minutes: i64, scopes: &[&str]) -> ResourceGrant {
    ResourceGrant {
        resource: Id::random(&mut Seeded(audience.len() as u64)),
        kind,
        audience: audience.to_owned(),
        access_token_lifetime: Duration::from_minutes(minutes),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
    }
}

fn grants() -> Vec<ResourceGrant> {
    vec![
        grant(
            ResourceKind::OpenidConnect,
            "openid",
            0,
            &["email", "offline_access"],
        ),
        grant(ResourceKind::PlatformApi, PLATFORM, 5, &["p1:read:user"]),
        grant(ResourceKind::Custom, "payments", 30, &["pay", "read"]),
        grant(ResourceKind::Custom, "reports", 10, &["read", "report"]),
    ]
}

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

fn ask(client: &Client, grants: &[ResourceGrant], text: &str) -> Result<GrantedScopes, ScopeError> {
    Allowance {
        client,
        grants,
        platform_audience: PLATFORM,
    }
    .for_user(&scopes(text), None)
}

#[test]
fn openid_alone_is_for_the_platform_and_lives_an_hour() {
    let granted = ask(&web_app(), &[], "openid").unwrap();
    assert_eq!(granted.audience(), [PLATFORM]);
    assert_eq!(granted.access_token_lifetime(), Duration::from_hours(1));
}

#[test]
fn claim_scopes_need_no_grant_until_one_names_any_of_them() {
    assert!(ask(&web_app(), &[], "openid profile phone").is_ok());
    assert_eq!(
        ask(&web_app(), &grants(), "profile"),
        Err(ScopeError::NotGranted("profile".to_owned()))
    );
    assert!(ask(&web_app(), &grants(), "email").is_ok());
}

#[test]
fn a_custom_resource_gives_audience_and_lifetime() {
    let granted = ask(&web_app(), &grants(), "openid pay read").unwrap();
    assert_eq!(granted.audience(), ["payments"]);
    assert_eq!(granted.access_token_lifetime(), Duration::from_minutes(30));
    assert_eq!(granted.scopes.to_string(), "openid pay read");
}

#[test]
fn a_name_of_two_resources_belongs_to_the_one_that_has_the_others_too() {
    assert_eq!(
        ask(&web_app(), &grants(), "read report")
            .unwrap()
            .audience(),
        ["reports"]
    );
}

#[test]
fn several_resources_are_refused_unless_the_application_allows_them() {
    assert_eq!(
        ask(&web_app(), &grants(), "pay report"),
        Err(ScopeError::MultipleResources)
    );
    assert_eq!(
        ask(&web_app(), &grants(), "pay p1:read:user"),
        Err(ScopeError::MultipleResources)
    );
    let client = Client {
        request_scopes_for_multiple_resources: true,
        ..web_app()
    };
    let granted = ask(&client, &grants(), "pay report").unwrap();
    assert_eq!(granted.audience(), ["payments", "reports"]);
    assert_eq!(granted.access_token_lifetime(), Duration::from_minutes(10));
    assert_eq!(
        ask(&client, &grants(), "pay p1:read:user"),
        Err(ScopeError::MultipleResources)
    );
}

#[test]
fn the_lifetime_of_the_platforms_api_is_fixed() {
    let granted = ask(&web_app(), &grants(), "p1:read:user").unwrap();
    assert_eq!(granted.audience(), [PLATFORM]);
    assert_eq!(granted.access_token_lifetime(), Duration::from_hours(1));
}

#[test]
fn resource_narrows_to_the_one_that_it_names() {
    let (client, grants) = (web_app(), grants());
    let allowance = Allowance {
        client: &client,
        grants: &grants,
        platform_audience: PLATFORM,
    };
    assert_eq!(
        allowance
            .for_user(&scopes("read"), Some("reports"))
            .unwrap()
            .audience(),
        ["reports"]
    );
    assert_eq!(
        allowance.for_user(&scopes("pay"), Some("reports")),
        Err(ScopeError::NotGranted("pay".to_owned()))
    );
    assert_eq!(
        allowance.for_user(&scopes("pay"), Some("other")),
        Err(ScopeError::UnknownResource)
    );
}

#[test]
fn a_refresh_token_comes_with_offline_access_or_when_the_grant_does_not_know_it() {
    let (client, knowing, not_knowing) = (web_app(), grants(), []);
    let knowing = Allowance {
        client: &client,
        grants: &knowing,
        platform_audience: PLATFORM,
    };
    assert!(knowing.has_refresh_token(&scopes("openid offline_access")));
    assert!(!knowing.has_refresh_token(&scopes("openid")));
    let without = Allowance {
        grants: &not_knowing,
        ..knowing
    };
    assert!(without.has_refresh_token(&scopes("openid")));
    let client = Client {
        grant_types: vec![GrantType::AuthorizationCode],
        ..web_app()
    };
    assert!(
        !Allowance {
            client: &client,
            ..without
        }
        .has_refresh_token(&scopes("openid"))
    );
}

#[test]
fn a_worker_gets_openid_scopes_only() {
    let (client, grants) = (worker(), grants());
    let allowance = Allowance {
        client: &client,
        grants: &grants,
        platform_audience: PLATFORM,
    };
    assert!(allowance.for_client(None).unwrap().scopes.is_empty());
    assert_eq!(allowance.for_client(None).unwrap().audience(), [PLATFORM]);
    assert!(allowance.for_client(Some(&scopes("openid"))).is_ok());
    for scope in ["pay", "p1:read:user"] {
        let refused = Err(ScopeError::NotGranted(scope.to_owned()));
        assert_eq!(allowance.for_client(Some(&scopes(scope))), refused);
        assert_eq!(allowance.for_user(&scopes(scope), None), refused);
    }
}

#[test]
fn a_service_gets_the_scopes_of_its_one_custom_resource() {
    let (client, all) = (service(), grants());
    let several = Allowance {
        client: &client,
        grants: &all,
        platform_audience: PLATFORM,
    };
    assert_eq!(several.for_client(None), Err(ScopeError::MultipleResources));
    assert_eq!(
        several.for_client(Some(&scopes("pay"))).unwrap().audience(),
        ["payments"]
    );
    let one = Allowance {
        grants: &all[..3],
        ..several
    };
    assert_eq!(one.for_client(None).unwrap().scopes.to_string(), "pay read");
    let none = Allowance {
        grants: &all[..2],
        ..several
    };
    assert_eq!(none.for_client(None), Err(ScopeError::NothingGranted));
    assert_eq!(
        none.for_client(Some(&scopes("openid"))),
        Err(ScopeError::NothingGranted)
    );
    assert!(none.for_client(Some(&scopes("p1:read:user"))).is_err());
}

#[test]
fn narrowing_drops_the_resources_that_are_no_longer_touched() {
    let granted = ask(&web_app(), &grants(), "openid pay").unwrap();
    assert_eq!(
        granted.narrowed(&scopes("openid")).unwrap().audience(),
        [PLATFORM]
    );
    assert_eq!(
        granted.narrowed(&scopes("read")),
        Err(ScopeError::Wider("read".to_owned()))
    );
}

#[test]
fn the_grammar_is_that_of_rfc_6749() {
    assert_eq!(scopes("a  b a").to_string(), "a b");
    for bad in ["a\"b", "a\\b", "a\tb", "å", "a\u{7f}"] {
        assert_eq!(Scopes::parse(bad), Err(MalformedScope), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_reads_it_reads_again(text: String) {
        if let Ok(scopes) = Scopes::parse(&text) {
            prop_assert_eq!(Scopes::parse(&scopes.to_string()), Ok(scopes));
        }
    }

    #[test]
    fn nothing_is_granted_that_was_not_asked_for(text in "(openid |email |pay |read |report |p1:read:user |other ){0,5}") {
        if let Ok(granted) = ask(&web_app(), &grants(), &text) {
            prop_assert_eq!(&granted.scopes, &scopes(&text));
            prop_assert!(granted.resources.len() <= 1);
            for scope in granted.resources.iter().flat_map(|resource| &resource.scopes) {
                prop_assert!(granted.scopes.contains(scope));
            }
        }
    }
}

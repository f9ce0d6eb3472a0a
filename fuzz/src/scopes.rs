use std::collections::HashSet;

use stepgate_domain::{
    id::Id,
    oauth::{
        client::Client,
        scope::{Allowance, CLAIM_SCOPES, OPENID, ResourceGrant, ResourceKind, Scopes},
    },
    time::Duration,
};
use uuid::Uuid;

use crate::samples::web_app;

/// A list of scopes is what was asked for, each once, and is written as it was read. What is granted
/// of it is granted to the application, and shrinks but never grows.
pub fn scopes(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    let asked: Vec<&str> = text.split(' ').filter(|scope| !scope.is_empty()).collect();
    // RFC 6749 §3.3: NQCHAR.
    let is_scope = |scope: &&str| {
        scope
            .bytes()
            .all(|byte| (0x21..=0x7e).contains(&byte) && !matches!(byte, b'"' | b'\\'))
    };
    let Ok(scopes) = Scopes::parse(text) else {
        assert!(!asked.iter().all(is_scope), "every scope is well-formed");
        return;
    };
    assert!(asked.iter().all(is_scope));
    let mut seen = HashSet::new();
    let once: Vec<&str> = asked
        .iter()
        .copied()
        .filter(|scope| seen.insert(*scope))
        .collect();
    assert_eq!(scopes.iter().collect::<Vec<_>>(), once);
    assert_eq!(Scopes::parse(&scopes.to_string()).as_ref(), Ok(&scopes));
    let stored = serde_json::to_string(&scopes).expect("is JSON");
    assert_eq!(
        serde_json::from_str::<Scopes>(&stored).ok(),
        Some(scopes.clone())
    );
    for of_several in [false, true] {
        judge_granted(&scopes, of_several);
    }
}

fn judge_granted(scopes: &Scopes, request_scopes_for_multiple_resources: bool) {
    let client = Client {
        request_scopes_for_multiple_resources,
        ..web_app()
    };
    let grants = grants();
    let allowance = Allowance {
        client: &client,
        grants: &grants,
        platform_audience: "https://id.example.test",
    };
    let Ok(granted) = allowance.for_user(scopes, None) else {
        return;
    };
    assert_eq!(&granted.scopes, scopes);
    let is_granted = |scope: &str| {
        let listed = |grant: &ResourceGrant| grant.scopes.iter().any(|own| own == scope);
        scope == OPENID || CLAIM_SCOPES.contains(&scope) || grants.iter().any(listed)
    };
    assert!(scopes.iter().all(is_granted));
    assert!(granted.resources.len() <= 1 || request_scopes_for_multiple_resources);
    for resource in &granted.resources {
        assert!(!resource.scopes.is_empty());
        assert!(resource.scopes.iter().all(|scope| scopes.contains(scope)));
        let of = |grant: &&ResourceGrant| grant.audience == resource.audience;
        let own = grants.iter().find(of).expect("a resource is a granted one");
        assert!(
            resource
                .scopes
                .iter()
                .all(|scope| own.scopes.contains(scope))
        );
    }
    assert_eq!(granted.narrowed(scopes).as_ref(), Ok(&granted));
    let fewer: Vec<&str> = scopes.iter().skip(1).collect();
    let fewer = Scopes::parse(&fewer.join(" ")).expect("they were scopes before");
    let narrowed = granted.narrowed(&fewer).expect("fewer are never too many");
    assert!(narrowed.resources.len() <= granted.resources.len());
    if let Some(first) = scopes.iter().next() {
        assert!(
            narrowed
                .resources
                .iter()
                .all(|kept| !kept.scopes.iter().any(|scope| scope == first))
        );
        assert_eq!(narrowed.narrowed(scopes).is_ok(), fewer == *scopes);
    }
}

pub(crate) fn grants() -> Vec<ResourceGrant> {
    let grant = |number, kind, audience: &str, scopes: &[&str]| ResourceGrant {
        resource: Id::from_uuid(Uuid::from_u128(number)),
        kind,
        audience: audience.to_owned(),
        access_token_lifetime: Duration::from_minutes(10),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    vec![
        grant(
            1,
            ResourceKind::OpenidConnect,
            "openid",
            &["offline_access"],
        ),
        grant(
            2,
            ResourceKind::PlatformApi,
            "https://id.example.test",
            &["p1:read:user"],
        ),
        grant(
            3,
            ResourceKind::Custom,
            "https://orders.example.test",
            &["orders:read", "share"],
        ),
        grant(
            4,
            ResourceKind::Custom,
            "https://stock.example.test",
            &["stock:read", "share"],
        ),
    ]
}

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use stepgate_domain::{
    id::Id,
    oauth::hint_token::{HintError, HintRules, HintToken},
    profile::Profile,
    time::Duration,
};

use crate::samples::{CLIENT, ISSUER, NOW};

/// The largest token.
const LARGEST: usize = 8 * 1024;
/// Seconds by which clocks may differ, with what a `f64` may round.
const SKEW: f64 = 60.01;
/// Seconds.
const LONGEST_STRICT_LIFE: f64 = 300.01;

/// Only what was signed is a hint, only by our algorithms, and only with claims that name this
/// client, this issuer, one user and this moment. The input is the compact form, or the header and
/// the claims on lines of their own.
pub fn hint_token(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    let compact = match text.split_once('\n') {
        None => text.to_owned(),
        Some((header, claims)) => {
            let encode = |part: &str| BASE64URL_NOPAD.encode(part.as_bytes());
            format!("{}.{}.c2lnbmF0dXJl", encode(header), encode(claims))
        }
    };
    for profile in [Profile::Compat, Profile::Strict] {
        for maximum_age in [None, Some(Duration::from_minutes(10))] {
            let rules = HintRules {
                client: Id::from_uuid(CLIENT),
                issuers: &[ISSUER],
                now: NOW,
                profile,
                maximum_age,
            };
            judge(&compact, &rules);
        }
    }
}

fn judge(compact: &str, rules: &HintRules<'_>) {
    let Ok(token) = HintToken::parse(compact) else {
        return;
    };
    assert!(compact.len() <= LARGEST);
    // One spelling only: what is remembered of a used token must know it again.
    let signature = BASE64URL_NOPAD.encode(token.signature());
    assert_eq!(format!("{}.{signature}", token.signing_input()), compact);
    let parts: Vec<Value> = token
        .signing_input()
        .split('.')
        .map(|part| {
            let text = BASE64URL_NOPAD.decode(part.as_bytes());
            serde_json::from_slice(&text.expect("is base64url")).expect("is JSON")
        })
        .collect();
    let [header, claims] = <[Value; 2]>::try_from(parts).expect("two parts are signed");
    let algorithm = header["alg"].as_str().expect("there is an algorithm");
    assert_eq!(
        algorithm.to_lowercase(),
        format!("{:?}", token.algorithm()).to_lowercase()
    );
    assert!(["HS256", "HS384", "HS512"].contains(&algorithm));
    assert!(
        ["cty", "enc", "crit"]
            .iter()
            .all(|name| header.get(name).is_none())
    );

    let unsigned = HintToken::parse(compact).expect("it was read before");
    assert_eq!(
        unsigned.accept(false, rules),
        Err(HintError::WrongSignature)
    );
    let Ok(hint) = token.accept(true, rules) else {
        return;
    };
    assert_eq!(claims["iss"], rules.client.to_string());
    let is_ours = |audience: &Value| audience == ISSUER;
    let names_us = claims["aud"]
        .as_array()
        .is_some_and(|list| list.iter().any(is_ours));
    assert!(is_ours(&claims["aud"]) || names_us);
    assert_eq!(claims["sub"], *hint.subject);
    assert!(!hint.subject.is_empty());
    judge_dates(&claims, rules);
    assert!(
        hint.remembered_until(rules.now) > rules.now,
        "it could be used again"
    );
}

#[expect(clippy::cast_precision_loss, reason = "these dates are small")]
fn judge_dates(claims: &Value, rules: &HintRules<'_>) {
    let now = rules.now.as_millis() as f64 / 1_000.0;
    let date = |name: &str| {
        claims
            .get(name)
            .map(|date| date.as_f64().expect("is a number"))
    };
    let (issued, expires) = (date("iat"), date("exp"));
    assert!(expires.is_none_or(|expires| expires + SKEW > now));
    for begins in [issued, date("nbf")].into_iter().flatten() {
        assert!(begins <= now + SKEW);
    }
    if rules.profile == Profile::Strict {
        let expires = expires.expect("the strict profile has every hint expire");
        let begins = issued.map_or(now, |issued| issued.min(now));
        assert!(expires <= begins + LONGEST_STRICT_LIFE);
    }
    if let Some(age) = rules.maximum_age {
        let issued = issued.expect("an age needs a beginning");
        assert!(issued + age.as_seconds() as f64 + SKEW > now);
    }
}

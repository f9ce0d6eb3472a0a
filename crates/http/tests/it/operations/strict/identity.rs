//! Populations, users, their devices, and the settings of MFA.

use serde_json::{Value, json};

use super::{ANY, Kind};
use crate::support::{Server, id};

pub(super) async fn kinds(server: &Server) -> Vec<Kind> {
    let policies = server.get("passwordPolicies").await.json(200);
    let policy = id(&policies["_embedded"]["passwordPolicies"][0]);
    let populations = Kind::made(
        "populations",
        json!({ "name": "Crew" }),
        json!({ "description": "On board", "alternativeIdentifiers": ["C-1"],
            "passwordPolicy": { "id": policy }, "preferredLanguage": "en" }),
        json!({ "default": false, "userCount": 0, "preferredLanguage": "en" }),
    );
    let mut kinds = vec![populations, users(server).await, settings()];
    kinds.extend(devices(server).await);
    kinds
}

async fn users(server: &Server) -> Kind {
    let population = server.default_population().await;
    let optional = json!({
        "email": "ola@corp.example", "nickname": "Olli", "title": "Mate", "type": "staff",
        "locale": "nb-NO", "preferredLanguage": "nb, en;q=0.5", "timezone": "Europe/Oslo",
        "mobilePhone": "+4740612345", "primaryPhone": "+4740612346",
        "photo": { "href": "https://corp.example/ola.png" }, "externalId": "x-1", "accountId": "a-1",
        "name": { "formatted": "Ola Berg", "given": "Ola", "middle": "N", "family": "Berg",
            "honorificPrefix": "Dr", "honorificSuffix": "Jr" },
        "address": { "streetAddress": "1 Road", "locality": "Oslo", "region": "Oslo",
            "postalCode": "0150", "countryCode": "NO" },
        "population": { "id": population },
    });
    let filled = json!({
        "population": { "id": population }, "enabled": true, "mfaEnabled": false,
        "emailVerified": false, "verifyStatus": "NOT_INITIATED",
        "lifecycle": { "status": "ACCOUNT_OK" }, "identityProvider": { "type": "PING_ONE" },
        "account": { "canAuthenticate": true, "status": "OK" },
    });
    Kind::made("users", json!({ "username": "ola" }), optional, filled)
}

fn settings() -> Kind {
    let optional = json!({ "lockout": { "failureCount": 9, "durationSeconds": 60 },
        "phoneExtensions": { "enabled": false }, "users": { "mfaEnabled": false },
        "authentication": { "deviceSelection": "PROMPT_TO_SELECT" } });
    let filled =
        json!({ "phoneExtensions": { "enabled": false }, "users": { "mfaEnabled": true } });
    let pairing = json!({ "maxAllowedDevices": 7, "pairingKeyFormat": "ALPHANUMERIC" });
    Kind::set(
        "mfaSettings",
        json!({ "pairing": pairing }),
        optional,
        filled,
    )
}

async fn devices(server: &Server) -> Vec<Kind> {
    let user = server.user("signe").await;
    let policies = server.get("deviceAuthenticationPolicies").await.json(200);
    let policy = id(&policies["_embedded"]["deviceAuthenticationPolicies"][0]);
    let filled = json!({ "user": ANY, "status": "ACTIVE", "block": { "status": "UNBLOCKED" },
        "lock": { "status": "UNLOCKED" } });
    let optional = json!({ "nickname": "Mine", "status": "ACTIVE", "policy": { "id": policy } });
    let device = |least: Value| Kind {
        replaceable: false,
        ..Kind::made(
            format!("{user}/devices"),
            least,
            optional.clone(),
            filled.clone(),
        )
    };
    vec![
        device(json!({ "type": "SMS", "phone": "+47.40612345" })),
        device(json!({ "type": "EMAIL", "email": "signe@corp.example" })),
    ]
}

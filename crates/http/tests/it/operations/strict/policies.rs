//! Sign-on, password, device authentication and notification policies, and the security profile.

use serde_json::{Value, json};

use super::{Kind, merge};
use crate::support::{Server, id};

pub(super) async fn kinds(server: &Server) -> Vec<Kind> {
    let mut kinds = vec![
        Kind::made(
            "signOnPolicies",
            json!({ "name": "Strict" }),
            json!({ "description": "For comparison" }),
            json!({ "default": false }),
        ),
        passwords(),
        devices(server).await,
        notifications(),
        security_profile(server).await,
    ];
    kinds.extend(actions(server).await);
    kinds
}

async fn actions(server: &Server) -> Vec<Kind> {
    let policy = id(&server
        .create("signOnPolicies", json!({ "name": "Acting" }))
        .await);
    let path = format!("signOnPolicies/{policy}/actions");
    // The last action of a policy stays.
    server
        .create(&path, json!({ "type": "LOGIN", "priority": 9 }))
        .await;
    let policies = server.get("deviceAuthenticationPolicies").await.json(200);
    let devices = id(&policies["_embedded"]["deviceAuthenticationPolicies"][0]);
    let condition = json!({ "or": [{ "not": { "contains": "${flow.request.http.remoteIp}",
        "ipRange": ["10.20.0.0/16"] } }] });
    let mfa = |with: Value| {
        let mut least = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 2 });
        merge(&mut least, &with);
        least
    };
    let filled = |with: Value| {
        let mut filled = json!({ "signOnPolicy": { "id": policy }, "noDevicesMode": "BLOCK" });
        merge(&mut filled, &with);
        filled
    };
    let off = json!({ "enabled": false });
    let of_mfa = json!({ "noDevicesMode": "BYPASS", "condition": condition });
    let named = json!({ "deviceAuthenticationPolicy": { "id": devices } });
    let inline = json!({ "sms": { "enabled": true } });
    vec![
        Kind::made(
            path.clone(),
            json!({ "type": "LOGIN", "priority": 1 }),
            json!({ "recovery": { "enabled": true }, "condition": condition, "socialProviders": [],
                "registration": { "enabled": false, "confirmIdentityProviderAttributes": false },
                "enforceLockoutForIdentityProviders": false }),
            json!({ "signOnPolicy": { "id": policy }, "recovery": off,
                "enforceLockoutForIdentityProviders": false }),
        ),
        Kind::made(
            path.clone(),
            mfa(json!({})),
            of_mfa.clone(),
            filled(named.clone()),
        ),
        Kind::made(path.clone(), mfa(named), of_mfa.clone(), filled(json!({}))),
        Kind::made(
            path,
            mfa(inline),
            of_mfa,
            filled(
                json!({ "voice": off, "email": off, "authenticator": off, "securityKey": off,
                "boundBiometrics": off, "applications": [] }),
            ),
        ),
    ]
}

fn passwords() -> Kind {
    let least = json!({ "name": "Strict", "excludesCommonlyUsed": false,
        "excludesProfileData": false, "notSimilarToCurrent": false });
    let run = json!({ "maxLength": 4 });
    let optional = json!({ "description": "For comparison", "length": { "min": 9, "max": 255 },
        "minCharacters": { "0123456789": 2 }, "maxRepeatedCharacters": 3, "minUniqueCharacters": 4,
        "minComplexity": 5, "history": { "count": 2, "retentionDays": 9 },
        "lockout": { "failureCount": 3, "durationSeconds": 60 }, "maxAgeDays": 90, "minAgeDays": 2,
        "alphabetSequenceRule": run, "numberSequenceRule": run, "qwertySequenceRule": run,
        "shiftedNumberRowSequenceRule": run });
    Kind::made(
        "passwordPolicies",
        least,
        optional,
        json!({ "default": false }),
    )
}

async fn devices(server: &Server) -> Kind {
    let policies = server.get("notificationsPolicies").await.json(200);
    let notifications = id(&policies["_embedded"]["notificationsPolicies"][0]);
    let minutes = |duration: u32| json!({ "duration": duration, "timeUnit": "MINUTES" });
    let asked = json!({ "enabled": true, "pairingDisabled": false,
        "promptForNicknameOnPairing": false });
    let mut generated = asked.clone();
    generated["otp"] = json!({ "failure": { "count": 5, "coolDown": minutes(3) } });
    let mut totp = generated.clone();
    totp["passcodeGracePeriod"] = 4.into();
    totp["uriParameters"] = json!({ "issuer": "Corp" });
    let mut oath = generated.clone();
    oath["pairingKeyLifetime"] = minutes(10);
    let mut fido2 = asked.clone();
    fido2["failure"] = json!({ "count": 4, "coolDown": minutes(2) });
    let optional = json!({
        "authentication": { "deviceSelection": "PROMPT_TO_SELECT" },
        "newDeviceNotification": "SMS_THEN_EMAIL", "ignoreUserLock": true,
        "blockDisabledUsers": true, "blockUsersWithDisabledMfa": true,
        "notificationsPolicy": { "id": notifications },
        "rememberMe": { "web": { "enabled": true, "lifeTime": minutes(30) } },
        "sms": asked, "voice": asked, "email": asked, "whatsApp": asked,
        "mobile": { "enabled": true, "promptForNicknameOnPairing": true, "applications": [] },
        "totp": totp, "oathToken": oath, "fido2": fido2,
    });
    let failure = |wait: u32| json!({ "count": 3, "coolDown": minutes(wait) });
    let sent = json!({ "enabled": false,
        "otp": { "lifeTime": minutes(30), "otpLength": 6, "failure": failure(0) } });
    let made = json!({ "enabled": false, "otp": { "failure": failure(2) } });
    let filled = json!({
        "default": false, "forSignOnPolicy": false, "newDeviceNotification": "NONE",
        "ignoreUserLock": false, "authentication": { "deviceSelection": "DEFAULT_TO_FIRST" },
        "rememberMe": { "web": { "enabled": false,
            "lifeTime": { "duration": 30, "timeUnit": "DAYS" } } },
        "sms": sent, "voice": sent, "email": sent, "whatsApp": sent,
        "mobile": made, "totp": made, "oathToken": made,
    });
    Kind::made(
        "deviceAuthenticationPolicies",
        json!({ "name": "Strict" }),
        optional,
        filled,
    )
}

fn notifications() -> Kind {
    let off = json!({ "enabled": false });
    let seconds = |duration: u32| json!({ "duration": duration, "timeUnit": "SECONDS" });
    let on = |group: &str| {
        json!({ "enabled": true, "periods": [seconds(10), seconds(20), seconds(30)],
            "resendLimit": 4, "groupBy": group })
    };
    let chain = json!([{ "id": "PINGONE_TWILIO" }]);
    let optional = json!({
        "countryLimit": { "type": "ALLOWED", "deliveryMethods": ["SMS"], "countries": ["NO"] },
        "cooldownConfiguration": { "email": off, "sms": on("PHONE"), "voice": on("USER"),
            "whatsApp": off },
        "providerConfiguration": { "conditions": [{ "fallbackChain": chain },
            { "deliveryMethods": ["SMS"], "countries": ["SE"], "fallbackChain": chain }] },
    });
    let filled = json!({ "default": false, "countryLimit": { "type": "NONE" },
        "cooldownConfiguration": { "email": off, "sms": off, "voice": off, "whatsApp": off } });
    let quota = json!({ "type": "USER", "deliveryMethods": ["SMS", "Voice"], "total": 9 });
    let kind = Kind::made(
        "notificationsPolicies",
        json!({ "name": "Strict", "quotas": [quota] }),
        optional,
        filled,
    );
    Kind {
        status: 200,
        ..kind
    }
}

async fn security_profile(server: &Server) -> Kind {
    let application = server.create_application("aged", json!({})).await.id;
    let age = json!({ "application": { "id": application },
        "maximumAge": { "duration": 2, "timeUnit": "MINUTES" } });
    Kind::set(
        "securityProfile",
        json!({ "profile": "COMPAT" }),
        json!({ "hintMaximumAges": [age] }),
        json!({ "hintMaximumAges": [] }),
    )
}

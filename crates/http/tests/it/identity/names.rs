//! When two names are one, whoever compares them.

use reqwest::Method;
use serde_json::json;

use crate::support::{Flow, PUBLIC, Server, held::Trial, send};

#[tokio::test]
async fn names_that_look_and_mean_the_same_are_one_user() {
    let server = Server::start().await;
    for (name, others) in [
        (
            "mira.k",
            ["MIRA.K", "mira.k ", "\u{a0}mira.k", "ｍｉｒａ.k"],
        ),
        (
            "café",
            ["cafe\u{301}", "CAFÉ", "CAFE\u{301} ", "Cafe\u{301}"],
        ),
        ("straße", ["STRASSE", "strasse", "STRAẞE", " Straße"]),
        ("ΣΑΣ", ["σας", "σασ", "ΣΑς", "ΣΑΣ "]),
    ] {
        let made = server.create("users", json!({ "username": name })).await;
        assert_eq!(made["username"], name);
        for other in others {
            let refused = server.post("users", json!({ "username": other })).await;
            let details = refused.details();
            assert_eq!(
                (refused.status, details[0].0.as_str(), details[0].1.as_str()),
                (400, "UNIQUENESS_VIOLATION", "username"),
                "{other}"
            );
            let filter = format!("username eq {}", json!(other));
            let path = format!("/v1/environments/{}/users", server.environment);
            let found = server.admin().find(&path, &filter).await.json(200);
            assert_eq!(found["count"], 1, "{other}");
            assert_eq!(found["_embedded"]["users"][0]["id"], made["id"], "{other}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_name_is_compared_alike() {
    let server = Server::start().await;
    for (collection, with) in [
        ("populations", json!({})),
        (
            "passwordPolicies",
            json!({ "excludesProfileData": true, "notSimilarToCurrent": true, "excludesCommonlyUsed": true }),
        ),
        ("signOnPolicies", json!({})),
        ("notificationsPolicies", json!({ "quotas": [] })),
        ("resources", json!({})),
    ] {
        let named = |name: &str| {
            let mut body = with.clone();
            body["name"] = name.into();
            body
        };
        // The names of sign-on policies are ASCII.
        let (name, same) = match collection {
            "signOnPolicies" => ("Staff", ["STAFF", " staff "]),
            _ => ("Caf\u{e9}", ["CAFE\u{301}", " café "]),
        };
        let made = server.post(collection, named(name)).await;
        assert!(made.status < 300, "{}", made.text);
        for same in same {
            let refused = server.post(collection, named(same)).await;
            assert_eq!(
                refused.details()[0].0,
                "UNIQUENESS_VIOLATION",
                "{collection}"
            );
        }
        for no_name in [
            "  ",
            "\u{3164}",
            "Staff\u{202e}",
            "Sta\u{200b}ff",
            "Staff\n2",
        ] {
            let refused = server.post(collection, named(no_name)).await;
            assert_eq!(
                (refused.status, refused.details()[0].1.as_str()),
                (400, "name"),
                "{collection} {no_name:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_name_with_blanks_can_be_typed_and_hinted_in_each_form() {
    let trial = Trial::start().await;
    let (ola, _) = trial.user("ola.b", "+4712345699").await;
    let renamed = json!({ "username": "Ola Br\u{e5}ten " });
    let renamed = trial
        .server
        .manage(Method::PUT, &format!("users/{ola}"), renamed)
        .await;
    assert_eq!(renamed["username"], "Ola Br\u{e5}ten ");
    for typed in ["Ola Br\u{e5}ten ", "ola bra\u{30a}ten", "  OLA BRÅTEN"] {
        let flow = Flow::of(&trial.asked("pi.flow", Some(&trial.hint(typed))).await);
        assert_eq!(flow.body["_embedded"]["user"]["id"], ola, "{typed}");
        trial.wait(11);
    }
    for no_name in ["   ", "\u{3000}", "mira\u{200d}k", "mira\u{7}"] {
        let refused = json!({ "username": no_name });
        let refused = trial.server.put(&format!("users/{ola}"), refused).await;
        assert_eq!(
            (refused.status, refused.details()[0].1.as_str()),
            (400, "username"),
            "{no_name:?}"
        );
    }
}

#[tokio::test]
async fn a_name_never_stands_for_the_id_of_another() {
    let trial = Trial::start().await;
    let server = &trial.server;
    let (otto, _) = trial.user("otto", "+4712345699").await;
    let simple = otto.replace('-', "");
    let spellings = [
        otto.clone(),
        otto.to_uppercase(),
        simple.clone(),
        format!("{{{otto}}}"),
        format!("urn:uuid:{otto}"),
        format!(" {otto}"),
    ];
    for name in &spellings {
        let refused = server.post("users", json!({ "username": name })).await;
        assert_eq!(refused.details()[0].1, "username", "{name}");
        let refused = json!({ "username": name });
        let refused = server.put(&format!("users/{}", trial.user), refused).await;
        assert_eq!(refused.details()[0].1, "username", "{name}");
    }
    // A directory whose names are its own ids.
    let legacy = "9e0a1111-2222-4333-8444-555566667777";
    server.create("users", json!({ "username": legacy })).await;
    // Only the hyphened form is an id.
    let hinted = Flow::of(&trial.asked("pi.flow", Some(&trial.hint(&otto))).await);
    assert_eq!(hinted.body["_embedded"]["user"]["id"], otto);
    for name in spellings.get(2..).unwrap_or_default() {
        let refused = trial.asked("pi.flow", Some(&trial.hint(name))).await;
        assert!(refused.text.contains("User not found"), "{name}");
    }
}

#[tokio::test]
async fn a_mailbox_is_one_device_and_only_what_can_be_sent_to_is_one() {
    let server = Server::start().await;
    let user = server.create("users", json!({ "username": "mira" })).await;
    let devices = format!("users/{}/devices", user["id"].as_str().unwrap());
    let device = |email: &str| json!({ "type": "EMAIL", "email": email });
    let made = server.create(&devices, device("mira@Example.TEST")).await;
    assert_eq!(made["email"], "mira@Example.TEST");
    let again = server.post(&devices, device("Mira@example.test")).await;
    assert_eq!(again.details()[0].0, "UNIQUENESS_VIOLATION");
    for no_address in [
        "a..b@example.test",
        ".a@example.test",
        "mira@-example.test",
        "\u{202a}mira@example.test\u{202c}",
        "mi\u{200b}ra@example.test",
        "mira@exam\u{ad}ple.test",
        "mira@[192.0.2.1]",
    ] {
        let refused = server.post(&devices, device(no_address)).await;
        assert_eq!(refused.details()[0].1, "email", "{no_address:?}");
        let body = json!({ "username": "otto", "email": no_address });
        let refused = server.post("users", body).await;
        assert_eq!(refused.details()[0].1, "email", "{no_address:?}");
    }
    for address in ["\"mira k\"@example.test", "mira@bücher.example"] {
        let made = server.create(&devices, device(address)).await;
        assert_eq!(made["email"], address);
    }
}

#[tokio::test]
async fn a_number_is_one_device_and_never_another_number() {
    let server = Server::start().await;
    let user = server.create("users", json!({ "username": "mira" })).await;
    let devices = format!("users/{}/devices", user["id"].as_str().unwrap());
    let device = |phone: &str| json!({ "type": "SMS", "phone": phone });
    for (typed, same) in [
        ("+44(0)7700900123", "+447700900123"),
        ("+78123456789", "+7 (812) 345-67-89"),
        ("+57 (0) 321 123 4567", "+573211234567"),
    ] {
        let made = server.create(&devices, device(&format!(" {typed} "))).await;
        assert_eq!(made["phone"], typed);
        let again = server.post(&devices, device(same)).await;
        assert_eq!(again.details()[0].0, "UNIQUENESS_VIOLATION", "{same}");
        let path = format!("{devices}/{}", made["id"].as_str().unwrap());
        server.delete(&path).await;
    }
    for refused in [
        "5125551234",
        "15125551234",
        "1-512-555-1234",
        "+4407700900123",
    ] {
        let refused = server.post(&devices, device(refused)).await;
        let details = refused.details();
        assert_eq!(
            (details[0].0.as_str(), details[0].1.as_str()),
            ("INVALID_VALUE", "phone")
        );
    }
}

#[tokio::test]
async fn an_audience_is_nobody_elses() {
    let server = Server::without_senders().await;
    let resource = |name: &str, audience: &str| json!({ "name": name, "audience": audience });
    server
        .create("resources", json!({ "name": "Payments" }))
        .await;
    for (name, audience, target) in [
        ("other", "payments ", "audience"),
        ("OpenID ", "x", "name"),
        ("api", PUBLIC, "audience"),
        ("issuer", &server.issuer(), "audience"),
    ] {
        let refused = server.post("resources", resource(name, audience)).await;
        assert_eq!(
            (refused.status, refused.details()[0].1.as_str()),
            (400, target),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_filter_value_of_another_type_is_no_filter() {
    let server = Server::start().await;
    let path = format!("/v1/environments/{}/users", server.environment);
    server.create("users", json!({ "username": "mira" })).await;
    for value in ["\"maybe\"", "1", "\"\"", "\"tru\""] {
        let refused = server
            .admin()
            .find(&path, &format!("enabled eq {value}"))
            .await;
        assert_eq!(
            (refused.status, refused.details()[0].0.as_str()),
            (400, "INVALID_FILTER"),
            "{value}"
        );
    }
    for value in ["true", "\"TRUE\""] {
        let found = server
            .admin()
            .find(&path, &format!("enabled eq {value}"))
            .await;
        assert_eq!(found.json(200)["count"], 1, "{value}");
    }
}

#[tokio::test]
async fn if_match_is_a_list_of_strong_tags() {
    let server = Server::start().await;
    let made = server
        .create("populations", json!({ "name": "Staff" }))
        .await;
    let path = format!(
        "/v1/environments/{}/populations/{}",
        server.environment,
        made["id"].as_str().unwrap()
    );
    let admin = server.admin();
    let change = |lines: Vec<&'static [u8]>| {
        let mut request = admin
            .request(Method::PUT, &path)
            .json(&json!({ "name": "Staff" }));
        for line in lines {
            let value = reqwest::header::HeaderValue::from_bytes(line).unwrap();
            request = request.header("if-match", value);
        }
        send(request)
    };
    assert_eq!(change(vec![b"\"7\", \"1\""]).await.status, 200);
    assert_eq!(change(vec![b"\"7\"", b"\"2\""]).await.status, 200);
    for lines in [
        vec![&b"\"7\", W/\"3\""[..]],
        vec![b"\"caf\xe9\""],
        vec![b"\xff"],
        vec![b"\"1\"", b"\"2\""],
    ] {
        assert_eq!(change(lines).await.status, 412);
    }
}

//! What a newer schema does to a store that was there before.

use stepgate_store::{
    engine::{Batch, Engine, Statement},
    facts::{UserKey, sign_on_facts},
    sqlite::{Options, SqliteEngine},
};
use uuid::Uuid;

#[tokio::test]
async fn environments_without_a_security_profile_get_one() {
    let directory = tempfile::tempdir().unwrap();
    let open = || SqliteEngine::open(directory.path(), &Options::default()).unwrap();
    let engine = open();
    let here = "9e0a1111-2222-4333-8444-555566667777";
    let text = "INSERT INTO resource (environment, id, kind, version, created_at, updated_at, body) \
                VALUES ('00000000-0000-0000-0000-000000000000', $1, 'environment', 3, 5, 7, '{}')";
    let batch = Batch(vec![
        Statement::new(text, vec![here.into()]),
        Statement::new("DELETE FROM schema_version WHERE version >= 4", Vec::new()),
    ]);
    engine.commit(batch).await.unwrap();
    drop(engine);
    let engine = open();
    let text = "SELECT r.environment, r.version, r.created_at, r.body, t.total FROM resource r \
                JOIN tally t ON t.environment = r.environment AND t.kind = r.kind AND t.owner = '' \
                WHERE r.kind = 'securityProfile'";
    let rows = engine.query(text.into(), Vec::new()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].text(0).unwrap(), here);
    for (column, expected) in [(1, 1), (2, 5), (4, 1)] {
        assert_eq!(rows[0].integer(column).unwrap(), expected);
    }
    assert!(rows[0].text(3).unwrap().contains("COMPAT"));
}

const HERE: &str = "9e0a1111-2222-4333-8444-555566667777";

/// A user with a name whose key and term are those of lower case.
fn user(id: &str, name: &str) -> Vec<Statement> {
    let folded = name.to_lowercase();
    let texts = [
        (
            "INSERT INTO user_account (environment, id, kind, version, created_at, updated_at, body) \
             VALUES ($1, $2, 'user', 1, 5, 7, '{}')",
            vec![HERE, id],
        ),
        (
            "INSERT INTO user_account_key (environment, id, kind, name, owner, value) \
             VALUES ($1, $2, 'user', 'username', '', $3)",
            vec![HERE, id, &folded],
        ),
        (
            "INSERT INTO user_account_term (environment, id, kind, attribute, value) \
             VALUES ($1, $2, 'user', 'username', $3)",
            vec![HERE, id, &folded],
        ),
    ];
    texts
        .into_iter()
        .map(|(sql, args)| Statement::new(sql, args.into_iter().map(Into::into).collect()))
        .collect()
}

#[tokio::test]
async fn names_are_folded_anew_and_those_that_became_equal_keep_their_places() {
    let directory = tempfile::tempdir().unwrap();
    let open = || SqliteEngine::open(directory.path(), &Options::default()).unwrap();
    let engine = open();
    let id = |number: u8| format!("9e0a1111-2222-4333-8444-0000000000{number:02}");
    let names = [
        "Cafe\u{301}",
        "Café",
        "Straße",
        "ΣΑΣ",
        "mira.k",
        "mira.k ",
        "Ola ",
    ];
    let mut batch = Batch::default();
    for (number, name) in (0..).zip(names) {
        batch.extend(user(&id(number), name));
    }
    for (number, audience) in [(10, "Payments"), (11, "payments"), (12, "other")] {
        let text = "INSERT INTO resource (environment, id, kind, version, created_at, updated_at, body) \
                    VALUES ($1, $2, 'resource', 1, 5, 7, $3)";
        let body = format!(r#"{{"name":"r{number}","audience":"{audience}"}}"#);
        let args = vec![HERE.into(), id(number).into(), body.into()];
        batch.push(Statement::new(text, args));
    }
    batch.push(Statement::new(
        "DELETE FROM schema_version WHERE version >= 5",
        Vec::new(),
    ));
    engine.commit(batch).await.unwrap();
    drop(engine);

    let engine = open();
    let here: Uuid = HERE.parse().unwrap();
    let found = async |value: &str, former: &str| {
        let name = "username";
        let key = UserKey::Unique {
            name,
            value,
            former,
        };
        let facts = sign_on_facts(&engine, here, key).await.unwrap();
        facts.map(|facts| facts.user.id.to_string())
    };
    // Each of two that are equal now is found by its own spelling, and the one with the key by any.
    assert_eq!(found("café", "cafe\u{301}").await, Some(id(0)));
    assert_eq!(found("café", "café").await, Some(id(1)));
    assert_eq!(found("café", "ｃafé").await, Some(id(1)));
    assert_eq!(found("strasse", "strasse").await, Some(id(2)));
    assert_eq!(found("σασ", "σασ").await, Some(id(3)));
    assert_eq!(found("mira.k", "mira.k").await, Some(id(4)));
    assert_eq!(found("ola", "ola").await, Some(id(6)));
    let column = async |text: &'static str| {
        let rows = engine.query(text.into(), Vec::new()).await.unwrap();
        let texts = rows.iter().map(|row| row.text(0).unwrap().to_owned());
        texts.collect::<Vec<_>>()
    };
    assert_eq!(
        column("SELECT value FROM user_account_term ORDER BY id").await,
        ["café", "café", "strasse", "σασ", "mira.k", "mira.k", "ola"]
    );
    assert_eq!(
        column("SELECT id FROM resource_key WHERE name = 'audience' ORDER BY id").await,
        [id(10), id(12)]
    );
}

//! Rows that end by themselves.

use stepgate_domain::time::{Duration, Timestamp};
use stepgate_store::{
    codes::{self, StoredCode},
    counters::{self, StoredCounter},
    engine::Engine,
    expiry::{self, Expiring},
    flows::{self, StoredFlow},
    refresh_tokens,
    sessions::{self, StoredSession},
    token_families::{self, StoredFamily},
};
use uuid::Uuid;

use crate::{
    fixture::{NOW, Store, commit, new_id},
    tokens::code,
};

/// One row in each table that expires.
async fn fill(engine: &dyn Engine, environment: Uuid, expires_at: Timestamp) {
    let body = String::new;
    let name = new_id().to_string();
    let family = StoredFamily {
        environment,
        id: new_id(),
        application: new_id(),
        user: None,
        session: None,
        revoked_at: None,
        expires_at,
        body: body(),
    };
    let family_id = family.id;
    let session = StoredSession {
        environment,
        id: new_id(),
        token_hash: name.clone(),
        user: None,
        version: 1,
        expires_at,
        body: body(),
    };
    let statements = vec![
        flows::insert(StoredFlow {
            environment,
            id: new_id(),
            user: None,
            version: 1,
            expires_at,
            body: body(),
        }),
        counters::write(StoredCounter {
            environment,
            subject: name.clone(),
            version: 0,
            expires_at,
            body: body(),
        }),
        sessions::insert(session),
        codes::insert(StoredCode {
            expires_at,
            ..code(environment, &name)
        }),
        token_families::insert(family),
        refresh_tokens::insert(environment, &name, family_id, expires_at, body()),
    ];
    commit(engine, statements).await.unwrap();
}

pub(crate) async fn what_has_expired_goes_in_small_batches(engine: Store) {
    let late = NOW + Duration::from_minutes(1);
    for expires_at in [NOW, late, NOW, late, NOW] {
        fill(&*engine, new_id(), expires_at).await;
    }
    for table in Expiring::ALL {
        assert_eq!(
            expiry::next(&*engine, table).await.unwrap(),
            Some(NOW),
            "{table:?}"
        );
        // Two at a time: one of three is left.
        commit(&*engine, vec![expiry::delete(table, late, 2)])
            .await
            .unwrap();
        assert_eq!(
            expiry::next(&*engine, table).await.unwrap(),
            Some(NOW),
            "{table:?}"
        );
        commit(&*engine, vec![expiry::delete(table, late, 2)])
            .await
            .unwrap();
        assert_eq!(
            expiry::next(&*engine, table).await.unwrap(),
            Some(late),
            "{table:?}"
        );
        commit(&*engine, vec![expiry::delete(table, late, 2)])
            .await
            .unwrap();
        assert_eq!(
            expiry::next(&*engine, table).await.unwrap(),
            Some(late),
            "{table:?}"
        );
    }
}

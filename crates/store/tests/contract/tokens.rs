//! Things that work once, and what they bought.

use stepgate_domain::time::{Duration, Timestamp};
use stepgate_store::{
    codes::{self, StoredCode},
    data_keys::{self, DataKey},
    documents,
    engine::{Fault, Once},
    installation, refresh_tokens,
    sessions::{self, StoredSession},
    standing::{self, Standing},
    token_families::{self, StoredFamily},
};
use uuid::Uuid;

use crate::fixture::{
    NOW, POPULATION, Store, USER, commit, draft, fault, get, new_id, owned, put, race, winners,
};

const LATER: Timestamp = Timestamp::from_millis(NOW.as_millis() + 3_600_000);

fn family(here: Uuid) -> StoredFamily {
    StoredFamily {
        environment: here,
        id: new_id(),
        application: new_id(),
        user: Some(new_id()),
        session: None,
        revoked_at: None,
        expires_at: NOW,
        body: "{}".to_owned(),
    }
}

pub(crate) fn code(here: Uuid, hash: &str) -> StoredCode {
    StoredCode {
        environment: here,
        hash: hash.to_owned(),
        user: None,
        session: None,
        consumed_at: None,
        family: None,
        expires_at: NOW,
        body: "{}".to_owned(),
    }
}

pub(crate) async fn a_code_sent_eight_times_at_once_is_redeemed_once(engine: Store) {
    let here = new_id();
    commit(&*engine, vec![codes::insert(code(here, "h"))])
        .await
        .unwrap();
    assert_eq!(
        codes::read(&*engine, here, "h")
            .await
            .unwrap()
            .unwrap()
            .consumed_at,
        None
    );
    let families: Vec<StoredFamily> = (0..8).map(|_| family(here)).collect();
    let outcomes = race(&engine, 8, |number| {
        let bought = families[number].clone();
        vec![
            token_families::insert(bought.clone()),
            codes::consume(here, "h", NOW, Some(bought.id), LATER),
        ]
    })
    .await;
    assert_eq!(winners(&outcomes), 1);
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    for (number, bought) in families.iter().enumerate() {
        let found = token_families::read(&*engine, here, bought.id)
            .await
            .unwrap();
        assert_eq!(
            found.is_some(),
            number == winner,
            "nothing is bought by the others"
        );
    }
    let code = codes::read(&*engine, here, "h").await.unwrap().unwrap();
    assert_eq!(
        (code.consumed_at, code.family, code.expires_at),
        (Some(NOW), Some(families[winner].id), LATER)
    );
    for (environment, hash) in [(here, "other"), (new_id(), "h")] {
        let consume = codes::consume(environment, hash, NOW, None, LATER);
        assert_eq!(
            fault(commit(&*engine, vec![consume]).await),
            Fault::Consumed(Once::AuthorizationCode)
        );
    }
}

pub(crate) async fn a_refresh_token_is_used_once_and_dies_with_its_family(engine: Store) {
    let here = new_id();
    let bought = family(here);
    commit(
        &*engine,
        vec![
            token_families::insert(bought.clone()),
            refresh_tokens::insert(here, "a", bought.id, LATER, "{}".to_owned()),
            refresh_tokens::insert(here, "b", bought.id, LATER, "{}".to_owned()),
        ],
    )
    .await
    .unwrap();
    let outcomes = race(&engine, 8, |_| {
        vec![refresh_tokens::consume(here, "a", NOW)]
    })
    .await;
    assert_eq!(winners(&outcomes), 1);
    commit(
        &*engine,
        vec![token_families::prolong(here, bought.id, LATER)],
    )
    .await
    .unwrap();
    commit(
        &*engine,
        vec![token_families::prolong(here, bought.id, NOW)],
    )
    .await
    .unwrap();
    let token = refresh_tokens::read(&*engine, here, "a")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(token.consumed_at, Some(NOW));
    assert_eq!(
        token.family,
        StoredFamily {
            expires_at: LATER,
            ..bought.clone()
        }
    );
    commit(&*engine, vec![token_families::revoke(here, bought.id, NOW)])
        .await
        .unwrap();
    commit(
        &*engine,
        vec![token_families::revoke_of_user(
            here,
            bought.user.unwrap(),
            None,
            LATER,
        )],
    )
    .await
    .unwrap();
    let token = refresh_tokens::read(&*engine, here, "b")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (token.consumed_at, token.family.revoked_at),
        (None, Some(NOW))
    );
    for (too_late, once) in [
        (refresh_tokens::consume(here, "b", NOW), Once::RefreshToken),
        (
            refresh_tokens::insert(here, "c", bought.id, LATER, "{}".to_owned()),
            Once::TokenFamily,
        ),
        (
            token_families::prolong(here, bought.id, LATER),
            Once::TokenFamily,
        ),
    ] {
        assert_eq!(
            fault(commit(&*engine, vec![too_late]).await),
            Fault::Consumed(once)
        );
    }
}

pub(crate) async fn a_session_is_found_by_its_cookie(engine: Store) {
    let here = new_id();
    let user = new_id();
    let session = |token_hash: &str| StoredSession {
        environment: here,
        id: new_id(),
        token_hash: token_hash.to_owned(),
        user: Some(user),
        version: 1,
        expires_at: NOW,
        body: "{}".to_owned(),
    };
    let first = session("a");
    commit(&*engine, vec![sessions::insert(first.clone())])
        .await
        .unwrap();
    assert_eq!(
        fault(commit(&*engine, vec![sessions::insert(session("a"))]).await),
        Fault::NotUnique {
            target: "token_hash".to_owned()
        }
    );
    assert_eq!(
        sessions::find(&*engine, here, "a").await.unwrap(),
        Some(first.clone())
    );
    assert_eq!(
        sessions::read(&*engine, here, first.id).await.unwrap(),
        Some(first.clone())
    );
    // A raised session gets a new cookie, and the old one finds nothing.
    let raised = StoredSession {
        token_hash: "b".to_owned(),
        ..first.clone()
    };
    commit(&*engine, vec![sessions::update(raised.clone())])
        .await
        .unwrap();
    assert_eq!(
        fault(commit(&*engine, vec![sessions::update(raised)]).await),
        Fault::Stale
    );
    assert_eq!(sessions::find(&*engine, here, "a").await.unwrap(), None);
    assert_eq!(
        sessions::find(&*engine, here, "b")
            .await
            .unwrap()
            .unwrap()
            .version,
        2
    );
    commit(
        &*engine,
        vec![
            sessions::delete(here, first.id),
            sessions::insert(session("c")),
        ],
    )
    .await
    .unwrap();
    assert_eq!(sessions::find(&*engine, here, "b").await.unwrap(), None);
    commit(&*engine, vec![sessions::delete_of_user(here, user, None)])
        .await
        .unwrap();
    assert_eq!(sessions::find(&*engine, here, "c").await.unwrap(), None);
}

pub(crate) async fn the_sessions_that_were_used_last_stay(engine: Store) {
    let here = new_id();
    let (user, other) = (new_id(), new_id());
    let session = |user: Uuid, number: i64| StoredSession {
        environment: here,
        id: new_id(),
        token_hash: format!("{user} {number}"),
        user: Some(user),
        version: 1,
        expires_at: NOW + Duration::from_minutes(number),
        body: "{}".to_owned(),
    };
    let old: Vec<_> = (0..5).map(|number| session(user, number)).collect();
    let others = session(other, 0);
    let mut statements: Vec<_> = old.iter().cloned().map(sessions::insert).collect();
    statements.push(sessions::insert(others.clone()));
    commit(&*engine, statements).await.unwrap();

    // Whenever it ends itself, the new one is among those that stay.
    let new = session(user, -9);
    let make_room = sessions::keep_latest(&new, 3);
    commit(&*engine, vec![sessions::insert(new.clone()), make_room])
        .await
        .unwrap();
    let mut kept = Vec::new();
    for session in old.iter().chain([&new, &others]) {
        let found = sessions::read(&*engine, here, session.id).await.unwrap();
        kept.push(found.is_some());
    }
    assert_eq!(kept, [false, false, false, true, true, true, true]);
}

pub(crate) async fn a_grant_is_read_with_its_user_and_its_session(engine: Store) {
    let here = new_id();
    let population = put(&*engine, draft(&POPULATION, here)).await;
    let user = put(&*engine, owned(&USER, here, population.id)).await;
    let session = StoredSession {
        environment: here,
        id: new_id(),
        token_hash: "cookie".to_owned(),
        user: Some(user.id),
        version: 1,
        expires_at: LATER,
        body: "{}".to_owned(),
    };
    let minted = StoredCode {
        user: Some(user.id),
        session: Some(session.id),
        ..code(here, "h")
    };
    let bought = StoredFamily {
        user: Some(user.id),
        session: Some(session.id),
        ..family(here)
    };
    let statements = vec![
        sessions::insert(session.clone()),
        codes::insert(minted.clone()),
        token_families::insert(bought.clone()),
        refresh_tokens::insert(here, "t", bought.id, LATER, "{}".to_owned()),
    ];
    commit(&*engine, statements).await.unwrap();
    let token = refresh_tokens::read(&*engine, here, "t").await.unwrap();
    for (user, session_expires_at) in [
        (Some(user.clone()), Some(LATER)),
        (Some(user.clone()), None),
        (None, None),
    ] {
        if session_expires_at.is_none() {
            commit(&*engine, vec![sessions::delete(here, session.id)])
                .await
                .unwrap();
        }
        let id = bought.user.unwrap();
        if user.is_none() {
            let gone = get(&*engine, &USER, here, id).await.unwrap();
            commit(&*engine, documents::delete(&USER, &gone, NOW))
                .await
                .unwrap();
        }
        let expected = Standing {
            user,
            session_expires_at,
        };
        assert_eq!(
            standing::of_session(&*engine, here, id, session.id)
                .await
                .unwrap(),
            expected
        );
        assert_eq!(
            standing::of_code(&*engine, here, "h").await.unwrap(),
            Some((minted.clone(), expected.clone()))
        );
        assert_eq!(
            standing::of_family(&*engine, here, bought.id)
                .await
                .unwrap(),
            Some((bought.clone(), expected.clone()))
        );
        assert_eq!(
            standing::of_refresh_token(&*engine, here, "t")
                .await
                .unwrap(),
            token.clone().map(|token| (token, expected))
        );
    }
    let elsewhere = new_id();
    assert_eq!(
        standing::of_code(&*engine, elsewhere, "h").await.unwrap(),
        None
    );
    assert_eq!(
        standing::of_refresh_token(&*engine, elsewhere, "t")
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        standing::of_family(&*engine, elsewhere, bought.id)
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn facts_of_the_installation_are_established_once(engine: Store) {
    let here = new_id();
    let outcomes = race(&engine, 8, |number| {
        vec![installation::establish("organization", &number.to_string())]
    })
    .await;
    assert_eq!(winners(&outcomes), 1);
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    assert_eq!(
        installation::read(&*engine, "organization").await.unwrap(),
        Some(winner.to_string())
    );
    commit(&*engine, vec![installation::set("organization", "x")])
        .await
        .unwrap();
    assert_eq!(
        installation::read(&*engine, "organization")
            .await
            .unwrap()
            .as_deref(),
        Some("x")
    );
    let key = |id: &str, created_at| DataKey {
        environment: here,
        id: id.to_owned(),
        sealed: "sealed".to_owned(),
        created_at,
    };
    commit(
        &*engine,
        vec![
            data_keys::insert(key("b", LATER)),
            data_keys::insert(key("a", NOW)),
        ],
    )
    .await
    .unwrap();
    assert_eq!(
        fault(commit(&*engine, vec![data_keys::insert(key("a", NOW))]).await),
        Fault::NotUnique {
            target: "id".to_owned()
        }
    );
    assert_eq!(
        data_keys::list(&*engine, here).await.unwrap(),
        [key("a", NOW), key("b", LATER)]
    );
}

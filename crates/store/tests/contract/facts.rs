//! The combined reads of the hot path.

use stepgate_domain::resource::UniqueKey;
use stepgate_store::{
    counters::{self, StoredCounter},
    documents::{Document, Draft},
    engine::Engine,
    facts::{UserFacts, UserKey, flow_and_user, flow_facts, sign_on_facts},
    flows::{self, StoredFlow},
};
use uuid::Uuid;

use crate::fixture::{DEVICE, NOW, POPULATION, Store, USER, commit, draft, new_id, owned, put};

async fn count(engine: &dyn Engine, here: Uuid, subject: &str) {
    let counter = StoredCounter {
        environment: here,
        subject: subject.to_owned(),
        version: 0,
        expires_at: NOW,
        body: "{}".to_owned(),
    };
    commit(engine, vec![counters::write(counter)])
        .await
        .unwrap();
}

async fn alice(engine: &dyn Engine, here: Uuid) -> (Document, Vec<Document>) {
    let population = put(engine, draft(&POPULATION, here)).await;
    let user = || owned(&USER, here, population.id);
    let alice = put(
        engine,
        Draft {
            unique: Some(vec![UniqueKey::named("username", "Alice")]),
            secrets: Some("sealed".to_owned()),
            ..user()
        },
    )
    .await;
    let bob = put(engine, user()).await;
    let mut devices = Vec::new();
    // Two devices with one address, and one without.
    for subject in [Some("address:a"), Some("address:a"), None] {
        let device = Draft {
            subject: subject.map(str::to_owned),
            ..owned(&DEVICE, here, alice.id)
        };
        devices.push(put(engine, device).await);
    }
    let foreign = Draft {
        subject: Some("address:b".to_owned()),
        ..owned(&DEVICE, here, bob.id)
    };
    let foreign = put(engine, foreign).await;
    count(engine, here, &format!("user:{}", alice.id)).await;
    count(engine, here, &format!("user:{}", bob.id)).await;
    count(engine, here, &format!("device:{}", devices[2].id)).await;
    count(engine, here, &format!("device:{}", foreign.id)).await;
    count(engine, here, "address:a").await;
    count(engine, here, "address:b").await;
    (alice, devices)
}

pub(crate) async fn a_user_comes_with_devices_and_counters(engine: Store) {
    let here = new_id();
    let (user, devices) = alice(&*engine, here).await;
    let by_id = sign_on_facts(&*engine, here, UserKey::Id(user.id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((&by_id.user, &by_id.devices), (&user, &devices));
    let mut subjects: Vec<&str> = by_id
        .counters
        .iter()
        .map(|counter| counter.subject.as_str())
        .collect();
    let (of_user, of_device) = (
        format!("user:{}", user.id),
        format!("device:{}", devices[2].id),
    );
    // They are looked up by subject: their order is nobody's business.
    subjects.sort_unstable();
    assert_eq!(subjects, ["address:a", &of_device, &of_user]);
    assert_eq!(by_id.counter(&of_user).unwrap().version, 1);
    let key = UserKey::Unique {
        name: "username",
        value: "alice",
        former: "alice",
    };
    assert_eq!(
        sign_on_facts(&*engine, here, key).await.unwrap(),
        Some(by_id)
    );
    for nobody in [
        UserKey::Unique {
            name: "username",
            value: "bob",
            former: "bob",
        },
        UserKey::Id(new_id()),
    ] {
        assert_eq!(sign_on_facts(&*engine, here, nobody).await.unwrap(), None);
    }
    assert_eq!(
        sign_on_facts(&*engine, new_id(), UserKey::Id(user.id))
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn a_flow_comes_with_its_user(engine: Store) {
    let here = new_id();
    let (user, _) = alice(&*engine, here).await;
    let flow = |user| StoredFlow {
        environment: here,
        id: new_id(),
        user,
        version: 1,
        expires_at: NOW,
        body: "{\"state\":1}".to_owned(),
    };
    let (known, unknown) = (flow(Some(user.id)), flow(None));
    commit(
        &*engine,
        vec![flows::insert(known.clone()), flows::insert(unknown.clone())],
    )
    .await
    .unwrap();
    let facts = sign_on_facts(&*engine, here, UserKey::Id(user.id))
        .await
        .unwrap();
    assert_eq!(
        flow_facts(&*engine, here, known.id).await.unwrap(),
        Some((known.clone(), facts.clone()))
    );
    let account = facts.map(|facts| UserFacts {
        counters: facts
            .counters
            .into_iter()
            .filter(|counter| counter.subject.ends_with(&user.id.to_string()))
            .collect(),
        devices: Vec::new(),
        holds_a_role: facts.holds_a_role,
        user: facts.user,
    });
    assert_eq!(
        flow_and_user(&*engine, here, known.id).await.unwrap(),
        Some((known.clone(), account))
    );
    assert_eq!(
        flow_and_user(&*engine, here, unknown.id).await.unwrap(),
        Some((unknown.clone(), None))
    );
    assert_eq!(
        flow_facts(&*engine, here, unknown.id).await.unwrap(),
        Some((unknown, None))
    );
    assert_eq!(
        flow_facts(&*engine, new_id(), known.id).await.unwrap(),
        None
    );
}

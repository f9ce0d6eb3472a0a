//! Single objects: versions, keys, spaces.

use stepgate_domain::{
    resource::{DefaultMark, UniqueKey},
    time::Timestamp,
};
use stepgate_store::{
    change_log,
    documents::{self, Draft, ORGANIZATION_SPACE},
    engine::Fault,
};

use crate::fixture::{
    APPLICATION, DEVICE, ENVIRONMENT, GRANT, NOW, POPULATION, Store, USER, again, commit, delete,
    draft, fault, get, named, new_id, owned, put, race, winners,
};

pub(crate) async fn what_is_written_is_read_back(engine: Store) {
    let here = new_id();
    let population = put(&*engine, draft(&POPULATION, here)).await;
    let user = put(&*engine, owned(&USER, here, population.id)).await;
    let device = put(
        &*engine,
        Draft {
            body: "{\"type\":\"SMS\"}".to_owned(),
            secrets: Some("sealed".to_owned()),
            subject: Some("address:1".to_owned()),
            ..owned(&DEVICE, here, user.id)
        },
    )
    .await;
    assert_eq!(
        (device.environment, device.parent, device.version),
        (here, Some(user.id), 1)
    );
    assert_eq!((device.created_at, device.updated_at), (NOW, NOW));
    assert_eq!(device.body, "{\"type\":\"SMS\"}");
    assert_eq!(device.secrets.as_deref(), Some("sealed"));
    assert_eq!(device.subject.as_deref(), Some("address:1"));
    assert!(!device.is_default);
    delete(&*engine, &DEVICE, &device).await.unwrap();
    assert_eq!(get(&*engine, &DEVICE, here, device.id).await, None);
}

pub(crate) async fn a_replacement_keeps_the_age_and_raises_the_version(engine: Store) {
    let here = new_id();
    let old = put(&*engine, named(&APPLICATION, here, "one")).await;
    let later = Timestamp::from_millis(NOW.as_millis() + 5);
    let next = Draft {
        now: later,
        id: old.id,
        ..named(&APPLICATION, here, "two")
    };
    commit(&*engine, documents::replace(next, &old))
        .await
        .unwrap();
    let new = get(&*engine, &APPLICATION, here, old.id).await.unwrap();
    assert_eq!(
        (new.version, new.created_at, new.updated_at),
        (2, NOW, later)
    );
    assert_eq!(new.body, "{\"name\":\"two\"}");
    assert_eq!(
        documents::find(&*engine, &APPLICATION, here, "name", None, "one")
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        documents::find(&*engine, &APPLICATION, here, "name", None, "two")
            .await
            .unwrap(),
        Some(new)
    );
}

pub(crate) async fn an_outdated_version_is_refused(engine: Store) {
    let here = new_id();
    let old = put(&*engine, draft(&APPLICATION, here)).await;
    commit(
        &*engine,
        documents::replace(again(&APPLICATION, &old), &old),
    )
    .await
    .unwrap();
    assert_eq!(
        fault(
            commit(
                &*engine,
                documents::replace(again(&APPLICATION, &old), &old)
            )
            .await
        ),
        Fault::Stale
    );
    assert_eq!(
        fault(delete(&*engine, &APPLICATION, &old).await),
        Fault::Stale
    );
    let raised = documents::raise(&APPLICATION, here, old.id, old.version, NOW);
    assert_eq!(fault(commit(&*engine, raised).await), Fault::Stale);
    assert_eq!(
        get(&*engine, &APPLICATION, here, old.id)
            .await
            .unwrap()
            .version,
        2
    );
}

pub(crate) async fn of_eight_writers_of_one_version_one_wins(engine: Store) {
    let here = new_id();
    let old = put(&*engine, draft(&APPLICATION, here)).await;
    let outcomes = race(&engine, 8, |writer| {
        let next = Draft {
            body: format!("{{\"by\":{writer}}}"),
            ..again(&APPLICATION, &old)
        };
        documents::replace(next, &old)
    })
    .await;
    assert_eq!(winners(&outcomes), 1);
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    let new = get(&*engine, &APPLICATION, here, old.id).await.unwrap();
    assert_eq!((new.version, new.body), (2, format!("{{\"by\":{winner}}}")));
}

pub(crate) async fn a_key_belongs_to_one_object(engine: Store) {
    let here = new_id();
    let first = put(&*engine, named(&APPLICATION, here, "Portal")).await;
    let taken = Fault::NotUnique {
        target: "name".to_owned(),
    };
    let second = || documents::insert(named(&APPLICATION, here, "pORTAL"));
    assert_eq!(fault(commit(&*engine, second()).await), taken);
    // Elsewhere, and for another kind, it is free.
    put(&*engine, named(&APPLICATION, new_id(), "portal")).await;
    put(&*engine, named(&POPULATION, here, "portal")).await;
    // Its owner may keep it.
    let same = Draft {
        id: first.id,
        ..named(&APPLICATION, here, "PORTAL")
    };
    commit(&*engine, documents::replace(same, &first))
        .await
        .unwrap();
    assert_eq!(fault(commit(&*engine, second()).await), taken);
    // A new name, or the end of its owner, frees it.
    let first = get(&*engine, &APPLICATION, here, first.id).await.unwrap();
    let renamed = Draft {
        id: first.id,
        ..named(&APPLICATION, here, "gate")
    };
    commit(&*engine, documents::replace(renamed, &first))
        .await
        .unwrap();
    commit(&*engine, second()).await.unwrap();
    let first = get(&*engine, &APPLICATION, here, first.id).await.unwrap();
    delete(&*engine, &APPLICATION, &first).await.unwrap();
    put(&*engine, named(&APPLICATION, here, "gate")).await;
}

pub(crate) async fn of_eight_objects_with_one_key_one_is_made(engine: Store) {
    let here = new_id();
    let outcomes = race(&engine, 8, |_| {
        documents::insert(named(&APPLICATION, here, "one"))
    })
    .await;
    assert_eq!(winners(&outcomes), 1);
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(
            fault(outcome),
            Fault::NotUnique {
                target: "name".to_owned()
            }
        );
    }
}

pub(crate) async fn a_key_within_the_owner_is_free_elsewhere(engine: Store) {
    let here = new_id();
    let (one, other) = (
        put(&*engine, draft(&APPLICATION, here)).await,
        put(&*engine, draft(&APPLICATION, here)).await,
    );
    let grant = |owner| Draft {
        unique: Some(vec![UniqueKey {
            within_parent: true,
            target: "resource.id",
            ..UniqueKey::name("r")
        }]),
        ..owned(&GRANT, here, owner)
    };
    let first = put(&*engine, grant(one.id)).await;
    put(&*engine, grant(other.id)).await;
    assert_eq!(
        fault(commit(&*engine, documents::insert(grant(one.id))).await),
        Fault::NotUnique {
            target: "resource.id".to_owned()
        }
    );
    let found = documents::find(&*engine, &GRANT, here, "name", Some(one.id), "r")
        .await
        .unwrap();
    assert_eq!(found, Some(first));
}

pub(crate) async fn objects_of_the_organization_have_their_own_space(engine: Store) {
    let made_in = new_id();
    let environment = put(&*engine, named(&ENVIRONMENT, made_in, "Production")).await;
    assert_eq!(environment.environment, ORGANIZATION_SPACE);
    assert_eq!(
        get(&*engine, &ENVIRONMENT, new_id(), environment.id).await,
        Some(environment.clone())
    );
    assert_eq!(
        fault(
            commit(
                &*engine,
                documents::insert(named(&ENVIRONMENT, new_id(), "production"))
            )
            .await
        ),
        Fault::NotUnique {
            target: "name".to_owned()
        }
    );
}

pub(crate) async fn another_environment_or_kind_finds_nothing(engine: Store) {
    let (here, elsewhere) = (new_id(), new_id());
    let application = put(&*engine, named(&APPLICATION, here, "one")).await;
    assert_eq!(
        get(&*engine, &APPLICATION, elsewhere, application.id).await,
        None
    );
    assert_eq!(get(&*engine, &POPULATION, here, application.id).await, None);
    assert_eq!(
        documents::find(&*engine, &APPLICATION, elsewhere, "name", None, "one")
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn raising_an_owner_lets_one_of_two_changes_through(engine: Store) {
    let here = new_id();
    let owner = put(&*engine, draft(&APPLICATION, here)).await;
    let outcomes = race(&engine, 8, |_| {
        let mut change = documents::raise(&APPLICATION, here, owner.id, owner.version, NOW);
        change.extend(documents::insert(owned(&GRANT, here, owner.id)));
        change
    })
    .await;
    assert_eq!(winners(&outcomes), 1);
    let raised = documents::read(&*engine, &APPLICATION, here, owner.id, Some(&GRANT))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((raised.version, raised.members), (2, 1));
}

pub(crate) async fn changes_of_configuration_are_logged(engine: Store) {
    let here = new_id();
    let changes = async |after: &str| change_log::since(&*engine, here, after, 100).await.unwrap();
    let first = put(
        &*engine,
        Draft {
            default: DefaultMark::Set,
            ..draft(&APPLICATION, here)
        },
    )
    .await;
    let seen = changes("").await;
    assert_eq!(
        seen.iter()
            .map(|change| change.resource)
            .collect::<Vec<_>>(),
        [first.id]
    );
    // The former default is another object than before, and so is what a deleted owner owned.
    let later = Timestamp::from_millis(NOW.as_millis() + 1);
    let second = put(
        &*engine,
        Draft {
            now: later,
            default: DefaultMark::Set,
            ..draft(&APPLICATION, here)
        },
    )
    .await;
    let mut resources: Vec<_> = changes(&seen[0].id)
        .await
        .iter()
        .map(|change| change.resource)
        .collect();
    resources.sort_unstable();
    assert_eq!(resources, [first.id, second.id]);
    let grant = put(
        &*engine,
        Draft {
            now: later,
            ..owned(&GRANT, here, second.id)
        },
    )
    .await;
    let before = changes("").await;
    commit(
        &*engine,
        documents::delete(
            &APPLICATION,
            &second,
            Timestamp::from_millis(NOW.as_millis() + 2),
        ),
    )
    .await
    .unwrap();
    let mut kinds: Vec<_> = changes(&before.last().unwrap().id)
        .await
        .into_iter()
        .map(|change| (change.kind, change.resource))
        .collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            ("application".to_owned(), second.id),
            ("grant".to_owned(), grant.id)
        ]
    );
}

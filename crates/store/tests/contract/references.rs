//! Mentions and owners.

use stepgate_domain::resource::Reference;
use stepgate_store::{
    documents::{self, Draft},
    engine::{Fault, StoreError},
};

use crate::fixture::{
    APPLICATION, DEVICE, ENVIRONMENT, GRANT, POPULATION, Store, USER, USER_ROLE, again, commit,
    delete, draft, fault, get, new_id, owned, put,
};

fn broken(target: &str) -> Fault {
    Fault::BrokenReference {
        target: target.to_owned(),
    }
}

pub(crate) async fn a_mention_of_nothing_is_refused(engine: Store) {
    let here = new_id();
    let elsewhere = put(&*engine, draft(&APPLICATION, new_id())).await;
    for weak in [false, true] {
        for id in [new_id(), elsewhere.id] {
            let reference = Reference {
                weak,
                ..Reference::to(&APPLICATION, id, "applications[0].id")
            };
            let mention = Draft {
                references: vec![reference],
                ..draft(&POPULATION, here)
            };
            assert_eq!(
                fault(commit(&*engine, documents::insert(mention)).await),
                broken("applications[0].id")
            );
        }
    }
    // The organization's objects can be mentioned from everywhere.
    let environment = put(&*engine, draft(&ENVIRONMENT, here)).await;
    let references = vec![Reference::to(
        &ENVIRONMENT,
        environment.id,
        "environment.id",
    )];
    put(
        &*engine,
        Draft {
            references,
            ..draft(&POPULATION, here)
        },
    )
    .await;
    assert!(matches!(
        delete(&*engine, &ENVIRONMENT, &environment).await,
        Err(StoreError::StillReferenced)
    ));
}

pub(crate) async fn a_mention_of_the_wrong_kind_or_owner_is_refused(engine: Store) {
    let here = new_id();
    let (one, other) = (
        put(&*engine, draft(&APPLICATION, here)).await,
        put(&*engine, draft(&APPLICATION, here)).await,
    );
    let grant = put(&*engine, owned(&GRANT, here, one.id)).await;
    for weak in [false, true] {
        let mention = |kind, parent| Draft {
            references: vec![Reference {
                parent,
                weak,
                ..Reference::to(kind, grant.id, "grant.id")
            }],
            ..draft(&POPULATION, here)
        };
        for wrong in [mention(&APPLICATION, None), mention(&GRANT, Some(other.id))] {
            assert_eq!(
                fault(commit(&*engine, documents::insert(wrong)).await),
                broken("grant.id")
            );
        }
        put(&*engine, mention(&GRANT, Some(one.id))).await;
    }
}

pub(crate) async fn a_mentioned_object_stays(engine: Store) {
    let here = new_id();
    let application = put(&*engine, draft(&APPLICATION, here)).await;
    let references = vec![Reference::to(
        &APPLICATION,
        application.id,
        "application.id",
    )];
    let by = put(
        &*engine,
        Draft {
            references,
            ..draft(&POPULATION, here)
        },
    )
    .await;
    assert!(matches!(
        delete(&*engine, &APPLICATION, &application).await,
        Err(StoreError::StillReferenced)
    ));
    commit(&*engine, documents::replace(again(&POPULATION, &by), &by))
        .await
        .unwrap();
    delete(&*engine, &APPLICATION, &application).await.unwrap();
}

pub(crate) async fn a_weak_mention_holds_nothing(engine: Store) {
    let here = new_id();
    let population = put(&*engine, draft(&POPULATION, here)).await;
    let user = put(&*engine, owned(&USER, here, population.id)).await;
    let application = put(&*engine, draft(&APPLICATION, here)).await;
    let references = vec![
        Reference {
            weak: true,
            ..Reference::to(&APPLICATION, application.id, "application.id")
        },
        Reference {
            weak: true,
            ..Reference::to(&USER, user.id, "user.id")
        },
    ];
    put(
        &*engine,
        Draft {
            references,
            ..draft(&POPULATION, here)
        },
    )
    .await;
    let unchanged = get(&*engine, &APPLICATION, here, application.id)
        .await
        .unwrap();
    assert_eq!(unchanged, application);
    delete(&*engine, &APPLICATION, &application).await.unwrap();
    delete(&*engine, &USER, &user).await.unwrap();
}

pub(crate) async fn an_owner_must_exist(engine: Store) {
    let here = new_id();
    // The owner of a grant stands in the path, that of a user in the body.
    let lost = documents::insert(owned(&GRANT, here, new_id()));
    assert_eq!(fault(commit(&*engine, lost).await), Fault::Missing);
    let application = put(&*engine, draft(&APPLICATION, here)).await;
    let lost = documents::insert(owned(&USER, here, application.id));
    assert_eq!(fault(commit(&*engine, lost).await), broken("population.id"));
    let population = put(&*engine, draft(&POPULATION, here)).await;
    let user = put(&*engine, owned(&USER, here, population.id)).await;
    let moved = Draft {
        parent: Some(new_id()),
        ..again(&USER, &user)
    };
    assert_eq!(
        fault(commit(&*engine, documents::replace(moved, &user)).await),
        broken("population.id")
    );
}

pub(crate) async fn deleting_an_owner_deletes_what_it_owns(engine: Store) {
    let here = new_id();
    let application = put(&*engine, draft(&APPLICATION, here)).await;
    let grant = put(&*engine, owned(&GRANT, here, application.id)).await;
    delete(&*engine, &APPLICATION, &application).await.unwrap();
    assert_eq!(get(&*engine, &GRANT, here, grant.id).await, None);
    let population = put(&*engine, draft(&POPULATION, here)).await;
    let user = put(&*engine, owned(&USER, here, population.id)).await;
    let device = put(&*engine, owned(&DEVICE, here, user.id)).await;
    let role = put(&*engine, owned(&USER_ROLE, here, user.id)).await;
    delete(&*engine, &USER, &user).await.unwrap();
    assert_eq!(get(&*engine, &DEVICE, here, device.id).await, None);
    assert_eq!(get(&*engine, &USER_ROLE, here, role.id).await, None);
}

pub(crate) async fn a_population_with_users_stays(engine: Store) {
    let here = new_id();
    let population = put(&*engine, draft(&POPULATION, here)).await;
    let user = put(&*engine, owned(&USER, here, population.id)).await;
    assert!(matches!(
        delete(&*engine, &POPULATION, &population).await,
        Err(StoreError::StillReferenced)
    ));
    assert!(
        get(&*engine, &POPULATION, here, population.id)
            .await
            .is_some()
    );
    delete(&*engine, &USER, &user).await.unwrap();
    delete(&*engine, &POPULATION, &population).await.unwrap();
}

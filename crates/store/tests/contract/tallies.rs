//! Counts kept with the writes.

use stepgate_domain::{
    access::Reach,
    resource::{Kind, Reference},
};
use stepgate_store::{
    documents::{self, Draft, ListQuery, list},
    engine::Engine,
};
use uuid::Uuid;

use crate::fixture::{
    APPLICATION, DEVICE, GRANT, POPULATION, Store, USER, again, commit, delete, draft, named,
    new_id, owned, put, race,
};

async fn count(
    engine: &dyn Engine,
    kind: &'static Kind,
    environment: Uuid,
    parent: Option<Uuid>,
) -> u64 {
    let query = ListQuery {
        parent,
        ..ListQuery::new(kind, environment, &Reach::Everything)
    };
    let page = list(engine, query).await.unwrap();
    let count = page.count.unwrap();
    assert_eq!(
        page.documents.len(),
        usize::try_from(count).unwrap(),
        "the count is that of the objects there are"
    );
    count
}

pub(crate) async fn counts_follow_the_writes(engine: Store) {
    let here = new_id();
    let (one, other) = (
        put(&*engine, draft(&APPLICATION, here)).await,
        put(&*engine, draft(&APPLICATION, here)).await,
    );
    let first = put(&*engine, owned(&GRANT, here, one.id)).await;
    for owner in [one.id, other.id, one.id] {
        put(&*engine, owned(&GRANT, here, owner)).await;
    }
    assert_eq!(count(&*engine, &APPLICATION, here, None).await, 2);
    assert_eq!(count(&*engine, &GRANT, here, None).await, 4);
    assert_eq!(count(&*engine, &GRANT, here, Some(one.id)).await, 3);
    delete(&*engine, &GRANT, &first).await.unwrap();
    assert_eq!(count(&*engine, &GRANT, here, Some(one.id)).await, 2);
    // A refused write is not counted.
    put(&*engine, named(&APPLICATION, here, "taken")).await;
    commit(
        &*engine,
        documents::insert(named(&APPLICATION, here, "taken")),
    )
    .await
    .unwrap_err();
    assert_eq!(count(&*engine, &APPLICATION, here, None).await, 3);
    // What an owner owned is counted no more when it goes.
    delete(&*engine, &APPLICATION, &one).await.unwrap();
    assert_eq!(count(&*engine, &GRANT, here, None).await, 1);
    assert_eq!(count(&*engine, &GRANT, here, Some(one.id)).await, 0);
    let members = documents::read(&*engine, &APPLICATION, here, other.id, Some(&GRANT))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(members.members, 1);
}

pub(crate) async fn mentions_are_counted_by_the_kind_that_mentions(engine: Store) {
    let here = new_id();
    let mentioned = put(&*engine, draft(&APPLICATION, here)).await;
    let mention = |kind| Draft {
        references: vec![Reference::to(&APPLICATION, mentioned.id, "application.id")],
        ..draft(kind, here)
    };
    let first = put(&*engine, mention(&POPULATION)).await;
    put(&*engine, mention(&POPULATION)).await;
    put(&*engine, mention(&APPLICATION)).await;
    let members = async |counted| {
        let document = documents::read(&*engine, &APPLICATION, here, mentioned.id, counted);
        document.await.unwrap().unwrap().members
    };
    assert_eq!(members(Some(&POPULATION)).await, 2);
    assert_eq!(members(None).await, 0);
    delete(&*engine, &POPULATION, &first).await.unwrap();
    assert_eq!(members(Some(&POPULATION)).await, 1);
}

pub(crate) async fn counts_survive_a_race(engine: Store) {
    let here = new_id();
    let application = put(&*engine, draft(&APPLICATION, here)).await;
    race(&engine, 24, |_| {
        documents::insert(owned(&GRANT, here, application.id))
    })
    .await;
    assert_eq!(count(&*engine, &GRANT, here, None).await, 24);
    assert_eq!(
        count(&*engine, &GRANT, here, Some(application.id)).await,
        24
    );
}

pub(crate) async fn a_move_changes_the_owners_counts(engine: Store) {
    let here = new_id();
    let (from, to) = (
        put(&*engine, draft(&POPULATION, here)).await,
        put(&*engine, draft(&POPULATION, here)).await,
    );
    let user = put(&*engine, owned(&USER, here, from.id)).await;
    put(&*engine, owned(&DEVICE, here, user.id)).await;
    let moved = Draft {
        parent: Some(to.id),
        ..again(&USER, &user)
    };
    commit(&*engine, documents::replace(moved, &user))
        .await
        .unwrap();
    assert_eq!(count(&*engine, &USER, here, None).await, 1);
    assert_eq!(count(&*engine, &USER, here, Some(from.id)).await, 0);
    assert_eq!(count(&*engine, &USER, here, Some(to.id)).await, 1);
    let user = documents::read(&*engine, &USER, here, user.id, Some(&DEVICE))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((user.parent, user.members), (Some(to.id), 1));
    delete(&*engine, &USER, &user).await.unwrap();
    assert_eq!(count(&*engine, &DEVICE, here, None).await, 0);
}

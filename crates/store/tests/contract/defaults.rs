//! The default one of a kind.

use stepgate_domain::resource::DefaultMark;
use stepgate_store::documents::{self, Draft, default_of};

use crate::fixture::{
    POPULATION, Store, again, commit, delete, draft, get, new_id, put, race, winners,
};

pub(crate) async fn there_is_one_default_and_it_moves(engine: Store) {
    let here = new_id();
    let default = || Draft {
        default: DefaultMark::Set,
        ..draft(&POPULATION, here)
    };
    assert_eq!(default_of(&*engine, &POPULATION, here).await.unwrap(), None);
    let first = put(&*engine, default()).await;
    assert!(first.is_default);
    assert_eq!(
        default_of(&*engine, &POPULATION, here).await.unwrap(),
        Some(first.clone())
    );
    let second = put(&*engine, default()).await;
    assert_eq!(
        default_of(&*engine, &POPULATION, here).await.unwrap(),
        Some(second.clone())
    );
    // The former default reads differently now, so it has a new version.
    let former = get(&*engine, &POPULATION, here, first.id).await.unwrap();
    assert_eq!((former.is_default, former.version), (false, 2));
    // A replacement that says nothing about it changes nothing.
    commit(
        &*engine,
        documents::replace(again(&POPULATION, &second), &second),
    )
    .await
    .unwrap();
    assert_eq!(
        default_of(&*engine, &POPULATION, here)
            .await
            .unwrap()
            .map(|found| found.id),
        Some(second.id)
    );
    assert_eq!(
        default_of(&*engine, &POPULATION, new_id()).await.unwrap(),
        None
    );
}

pub(crate) async fn a_default_that_is_cleared_or_deleted_is_none(engine: Store) {
    let here = new_id();
    let default = || Draft {
        default: DefaultMark::Set,
        ..draft(&POPULATION, here)
    };
    let first = put(&*engine, default()).await;
    let bystander = put(&*engine, draft(&POPULATION, here)).await;
    let clear = |document| Draft {
        default: DefaultMark::Clear,
        ..again(&POPULATION, document)
    };
    commit(&*engine, documents::replace(clear(&bystander), &bystander))
        .await
        .unwrap();
    assert!(
        default_of(&*engine, &POPULATION, here)
            .await
            .unwrap()
            .is_some()
    );
    commit(&*engine, documents::replace(clear(&first), &first))
        .await
        .unwrap();
    assert_eq!(default_of(&*engine, &POPULATION, here).await.unwrap(), None);
    let second = put(&*engine, default()).await;
    delete(&*engine, &POPULATION, &second).await.unwrap();
    assert_eq!(default_of(&*engine, &POPULATION, here).await.unwrap(), None);
}

pub(crate) async fn racing_defaults_leave_one(engine: Store) {
    let here = new_id();
    let outcomes = race(&engine, 8, |_| {
        documents::insert(Draft {
            default: DefaultMark::Set,
            ..draft(&POPULATION, here)
        })
    })
    .await;
    assert_eq!(winners(&outcomes), 8);
    let reach = stepgate_domain::access::Reach::Everything;
    let query = documents::ListQuery::new(&POPULATION, here, &reach);
    let page = documents::list(&*engine, query).await.unwrap();
    assert_eq!(
        page.documents
            .iter()
            .filter(|document| document.is_default)
            .count(),
        1
    );
}

//! A small world of kinds, and the shortest way to put objects into it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use stepgate_domain::{
    access::Area,
    entropy::Seeded,
    id::Id,
    resource::{DefaultMark, Family, Kind, Scope, Term, UniqueKey},
    time::Timestamp,
};
use stepgate_store::{
    documents::{self, Document, Draft},
    engine::{Batch, Engine, Fault, Statement, StoreError},
};
use uuid::Uuid;

pub(crate) type Store = Arc<dyn Engine>;

const fn kind(
    name: &'static str,
    family: Family,
    parent: Option<&'static Kind>,
    nested: bool,
) -> Kind {
    Kind {
        name,
        collection: name,
        family,
        area: Area::Application,
        parent,
        nested,
        scope: Scope::Environment,
        not_found: None,
    }
}

pub(crate) static ENVIRONMENT: Kind = Kind {
    scope: Scope::Organization,
    ..kind("environment", Family::Configuration, None, false)
};
pub(crate) static POPULATION: Kind = kind("population", Family::Configuration, None, false);
pub(crate) static APPLICATION: Kind = kind("application", Family::Configuration, None, false);
pub(crate) static GRANT: Kind = kind("grant", Family::Configuration, Some(&APPLICATION), true);
pub(crate) static USER: Kind = kind("user", Family::User, Some(&POPULATION), false);
pub(crate) static DEVICE: Kind = kind("device", Family::Device, Some(&USER), true);
pub(crate) static USER_ROLE: Kind = kind("roleAssignment", Family::UserRole, Some(&USER), true);

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_770_000_000_000);

/// An id that sorts after all that were made before.
pub(crate) fn new_id() -> Uuid {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let now = Timestamp::from_millis(NOW.as_millis() + i64::try_from(number).unwrap());
    Id::<()>::new(now, &mut Seeded(number)).uuid()
}

pub(crate) fn draft(kind: &'static Kind, environment: Uuid) -> Draft {
    Draft {
        kind,
        environment,
        id: new_id(),
        parent: None,
        now: NOW,
        body: "{}".to_owned(),
        secrets: None,
        subject: None,
        unique: Some(Vec::new()),
        references: Vec::new(),
        terms: Vec::new(),
        default: DefaultMark::Keep,
    }
}

pub(crate) fn owned(kind: &'static Kind, environment: Uuid, parent: Uuid) -> Draft {
    Draft {
        parent: Some(parent),
        ..draft(kind, environment)
    }
}

pub(crate) fn named(kind: &'static Kind, environment: Uuid, name: &str) -> Draft {
    Draft {
        body: format!("{{\"name\":\"{name}\"}}"),
        unique: Some(vec![UniqueKey::name(name)]),
        terms: vec![Term::new("name", name)],
        ..draft(kind, environment)
    }
}

/// The draft that would leave the document as it is.
pub(crate) fn again(kind: &'static Kind, document: &Document) -> Draft {
    Draft {
        id: document.id,
        parent: document.parent,
        body: document.body.clone(),
        ..draft(kind, document.environment)
    }
}

pub(crate) async fn commit(
    engine: &dyn Engine,
    statements: Vec<Statement>,
) -> Result<(), StoreError> {
    engine.commit(Batch(statements)).await
}

/// Writes the object and reads it back.
pub(crate) async fn put(engine: &dyn Engine, draft: Draft) -> Document {
    let (kind, environment, id) = (draft.kind, draft.environment, draft.id);
    commit(engine, documents::insert(draft)).await.unwrap();
    get(engine, kind, environment, id).await.unwrap()
}

pub(crate) async fn get(
    engine: &dyn Engine,
    kind: &'static Kind,
    environment: Uuid,
    id: Uuid,
) -> Option<Document> {
    documents::read(engine, kind, environment, id, None)
        .await
        .unwrap()
}

pub(crate) async fn delete(
    engine: &dyn Engine,
    kind: &'static Kind,
    document: &Document,
) -> Result<(), StoreError> {
    commit(engine, documents::delete(kind, document, NOW)).await
}

/// Why the batch was refused.
pub(crate) fn fault(outcome: Result<(), StoreError>) -> Fault {
    match outcome {
        Err(StoreError::Refused(fault)) => fault,
        other => panic!("a refusal expected, found {other:?}"),
    }
}

/// The outcomes of `count` commits at once.
pub(crate) async fn race(
    engine: &Store,
    count: usize,
    statements: impl Fn(usize) -> Vec<Statement>,
) -> Vec<Result<(), StoreError>> {
    let start = Arc::new(tokio::sync::Barrier::new(count));
    let mut racers = Vec::new();
    for number in 0..count {
        let (engine, start, statements) =
            (Arc::clone(engine), Arc::clone(&start), statements(number));
        racers.push(tokio::spawn(async move {
            start.wait().await;
            commit(&*engine, statements).await
        }));
    }
    let mut outcomes = Vec::new();
    for racer in racers {
        outcomes.push(racer.await.unwrap());
    }
    outcomes
}

pub(crate) fn winners(outcomes: &[Result<(), StoreError>]) -> usize {
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

pub(crate) async fn number(engine: &dyn Engine, sql: &'static str) -> i64 {
    engine.query(sql.into(), Vec::new()).await.unwrap()[0]
        .integer(0)
        .unwrap()
}

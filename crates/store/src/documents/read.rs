//! Reads of single documents.

use stepgate_domain::{
    access::Reach,
    resource::{Kind, UniqueKey},
};
use uuid::Uuid;

use super::{Document, document, list::reach_condition, space, tables, uuid};
use crate::{
    engine::{Engine, StoreError, Value},
    sql::Sql,
};

/// One object by its id. `counted` names the kind whose objects it owns are counted.
pub async fn read(
    engine: &dyn Engine,
    kind: &'static Kind,
    environment: Uuid,
    id: Uuid,
    counted: Option<&'static Kind>,
) -> Result<Option<Document>, StoreError> {
    let environment = space(kind, environment);
    let args = vec![
        environment.to_string().into(),
        id.to_string().into(),
        kind.name.into(),
        name(counted),
    ];
    one(engine, environment, tables(kind.family).read.as_str(), args).await
}

/// One object by its id, if the caller reaches it.
pub async fn read_within(
    engine: &dyn Engine,
    kind: &'static Kind,
    environment: Uuid,
    id: Uuid,
    counted: Option<&'static Kind>,
    reach: &Reach,
) -> Result<Option<Document>, StoreError> {
    let environment = space(kind, environment);
    let args = vec![
        environment.to_string().into(),
        id.to_string().into(),
        kind.name.into(),
        name(counted),
    ];
    let mut sql = Sql::with_args(args);
    let text = match reach_condition(&mut sql, kind, reach) {
        None => tables(kind.family).read.clone(),
        Some(condition) => format!("{} AND {condition}", tables(kind.family).read),
    };
    one(engine, environment, text, sql.args).await
}

/// One object by a value that only it has: the key's name, the owner for keys that are unique
/// among the owner's objects, and the value as folded by the domain.
pub async fn find(
    engine: &dyn Engine,
    kind: &'static Kind,
    environment: Uuid,
    key: &str,
    owner: Option<Uuid>,
    value: &str,
) -> Result<Option<Document>, StoreError> {
    let environment = space(kind, environment);
    let args = vec![
        environment.to_string().into(),
        kind.name.into(),
        key.into(),
        owner
            .map_or_else(String::new, |owner| owner.to_string())
            .into(),
        value.into(),
        name(None),
    ];
    one(engine, environment, tables(kind.family).find.as_str(), args).await
}

/// The objects of a kind that mention this one.
pub async fn mentioning(
    engine: &dyn Engine,
    kind: &'static Kind,
    environment: Uuid,
    mentioned: Uuid,
) -> Result<Vec<Document>, StoreError> {
    let tables = tables(kind.family);
    let sql = format!(
        "SELECT {} FROM {} d WHERE d.environment = $1 AND d.kind = $3 AND d.id IN \
         (SELECT r.id FROM {} r WHERE r.to_environment = $1 AND r.to_id = $2 AND r.environment = $1) \
         ORDER BY d.id",
        tables.columns("$4"),
        tables.rows,
        tables.references
    );
    let args = vec![
        environment.to_string().into(),
        mentioned.to_string().into(),
        kind.name.into(),
        name(None),
    ];
    let rows = engine.query(sql.into(), args).await?;
    rows.iter().map(|row| document(environment, row)).collect()
}

/// In which environments an owner has an object of the kind with this key, and which owner it is.
pub async fn owners_with(
    engine: &dyn Engine,
    kind: &'static Kind,
    key: &UniqueKey,
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let sql = format!(
        "SELECT environment, owner FROM {} WHERE kind = $1 AND name = $2 AND value = $3 \
         AND owner <> '' ORDER BY environment, owner",
        tables(kind.family).keys
    );
    let args = vec![kind.name.into(), key.name.into(), key.value.as_str().into()];
    let rows = engine.query(sql.into(), args).await?;
    rows.iter()
        .map(|row| Ok((uuid(row.text(0)?)?, uuid(row.text(1)?)?)))
        .collect()
}

/// The default object of the kind, when there is one.
pub async fn default_of(
    engine: &dyn Engine,
    kind: &'static Kind,
    environment: Uuid,
) -> Result<Option<Document>, StoreError> {
    find(engine, kind, environment, "default", None, "").await
}

/// The environment of a configuration document of which only the id is known.
pub async fn environment_of(
    engine: &dyn Engine,
    kind: &'static Kind,
    id: Uuid,
) -> Result<Option<Uuid>, StoreError> {
    const FIND: &str = "SELECT environment FROM resource WHERE id = $1 AND kind = $2";
    let args = vec![id.to_string().into(), kind.name.into()];
    let rows = engine.query(FIND.into(), args).await?;
    rows.first().map(|row| uuid(row.text(0)?)).transpose()
}

/// Counts are kept by the kind's name; no kind has an empty one.
pub(super) fn name(counted: Option<&'static Kind>) -> Value {
    counted.map_or("", |kind| kind.name).into()
}

async fn one(
    engine: &dyn Engine,
    environment: Uuid,
    sql: impl Into<std::borrow::Cow<'static, str>> + Send,
    args: Vec<Value>,
) -> Result<Option<Document>, StoreError> {
    let rows = engine.query(sql.into(), args).await?;
    rows.first()
        .map(|row| document(environment, row))
        .transpose()
}

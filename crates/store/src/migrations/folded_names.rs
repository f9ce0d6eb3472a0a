//! Keys and terms that were made by lower case alone, brought to the fold of names.
//!
//! Where two names became one, nothing is renamed: the first object has the key, every other keeps the
//! one it had, by which it is still found, and the log names both.

use std::collections::HashSet;

use stepgate_domain::{email, name};

use super::Read;
use crate::engine::{Row, Statement, StoreError, Value};

const FAMILIES: [&str; 4] = ["resource", "user_account", "device", "user_role"];

/// What folds to itself by both rules is left out: ASCII without blanks at its ends, and quotes, which
/// e-mail addresses may have or not.
const MAY_FOLD: &str = "(octet_length(value) <> length(value) OR value < '#' \
     OR substr(value, length(value), 1) < '!')";

pub(super) fn migrate(read: Read<'_>) -> Result<Vec<Statement>, StoreError> {
    let mut statements = Vec::new();
    for family in FAMILIES {
        fold_keys(read, family, &mut statements)?;
        fold_terms(read, family, &mut statements)?;
    }
    keep_audiences(read, &mut statements)?;
    Ok(statements)
}

/// The place of a key, in the order of its columns.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    environment: String,
    kind: String,
    name: String,
    owner: String,
    value: String,
}

impl Key {
    fn args(&self) -> Vec<Value> {
        [
            &self.environment,
            &self.kind,
            &self.name,
            &self.owner,
            &self.value,
        ]
        .map(|text| text.as_str().into())
        .into()
    }
}

fn fold_keys(
    read: Read<'_>,
    family: &str,
    statements: &mut Vec<Statement>,
) -> Result<(), StoreError> {
    // The names of scopes are compared as they are (RFC 6749 §3.3), and other keys are ids or digits.
    let rows = read(
        &format!(
            "SELECT environment, kind, name, owner, value, id FROM {family}_key \
             WHERE name IN ('name', 'username', 'email') AND kind <> 'scope' AND {MAY_FOLD} \
             ORDER BY environment, id"
        ),
        &[],
    )?;
    let mut given = HashSet::new();
    for row in rows {
        let (former, id) = (key(&row)?, row.text(5)?);
        let value = if former.name == "email" {
            email::comparable(&former.value)
        } else {
            name::fold(&former.value)
        };
        let folded = Key {
            value,
            ..former.clone()
        };
        if folded == former || has_one_already(read, family, &folded, id)? {
            continue;
        }
        if !given.insert(folded.clone()) {
            report(&folded, id);
            continue;
        }
        let mut args = former.args();
        args.push(folded.value.into());
        statements.push(Statement::new(
            format!(
                "UPDATE {family}_key SET value = $6 WHERE environment = $1 AND kind = $2 \
                 AND name = $3 AND owner = $4 AND value = $5"
            ),
            args,
        ));
    }
    Ok(())
}

fn key(row: &Row) -> Result<Key, StoreError> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(Key {
        environment: text(0)?,
        kind: text(1)?,
        name: text(2)?,
        owner: text(3)?,
        value: text(4)?,
    })
}

/// Whether another object has the key, which is then reported.
fn has_one_already(read: Read<'_>, family: &str, key: &Key, id: &str) -> Result<bool, StoreError> {
    let found = read(
        &format!(
            "SELECT id FROM {family}_key WHERE environment = $1 AND kind = $2 AND name = $3 \
             AND owner = $4 AND value = $5"
        ),
        &key.args(),
    )?;
    if !found.is_empty() {
        report(key, id);
    }
    Ok(!found.is_empty())
}

/// Without the name: it may be a person's.
fn report(key: &Key, id: &str) {
    tracing::warn!(
        environment = key.environment,
        kind = key.kind,
        member = key.name,
        id,
        "another object has a value that counts as the same now: neither is changed, rename one"
    );
}

fn fold_terms(
    read: Read<'_>,
    family: &str,
    statements: &mut Vec<Statement>,
) -> Result<(), StoreError> {
    let rows = read(
        &format!(
            "SELECT environment, kind, attribute, value, id FROM {family}_term WHERE {MAY_FOLD}"
        ),
        &[],
    )?;
    for row in rows {
        let folded = name::fold(row.text(3)?);
        if folded == row.text(3)? {
            continue;
        }
        let mut args = row.0;
        statements.push(Statement::new(
            format!(
                "DELETE FROM {family}_term WHERE environment = $1 AND kind = $2 \
                 AND attribute = $3 AND value = $4 AND id = $5"
            ),
            args.clone(),
        ));
        if let Some(value) = args.get_mut(3) {
            *value = folded.into();
        }
        statements.push(Statement::new(
            format!(
                "INSERT INTO {family}_term (environment, kind, attribute, value, id) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
            ),
            args,
        ));
    }
    Ok(())
}

/// Audiences had no key before.
fn keep_audiences(read: Read<'_>, statements: &mut Vec<Statement>) -> Result<(), StoreError> {
    let rows = read(
        "SELECT environment, id, body FROM resource WHERE kind = 'resource' ORDER BY environment, id",
        &[],
    )?;
    let mut given = HashSet::new();
    for row in rows {
        let body: serde_json::Value = serde_json::from_str(row.text(2)?)
            .map_err(|_| StoreError::Decode("a resource is no JSON".to_owned()))?;
        let Some(audience) = body.get("audience").and_then(serde_json::Value::as_str) else {
            continue;
        };
        let key = Key {
            environment: row.text(0)?.to_owned(),
            kind: "resource".to_owned(),
            name: "audience".to_owned(),
            owner: String::new(),
            value: name::fold(audience),
        };
        let id = row.text(1)?;
        if !given.insert(key.clone()) {
            report(&key, id);
            continue;
        }
        let mut args = key.args();
        args.push(id.into());
        statements.push(Statement::new(
            "INSERT INTO resource_key (environment, kind, name, owner, value, id) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            args,
        ));
    }
    Ok(())
}

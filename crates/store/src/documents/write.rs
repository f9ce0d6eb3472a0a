//! Writes of documents. Every function returns the statements of one change; they belong in one
//! batch, together with whatever else happens because of it.

use stepgate_domain::{
    resource::{Family, Kind},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    Document, Draft,
    parts::{
        Place, change_id, count_one_less, count_one_more, keep_keys, keep_references, keep_terms,
        log_change, mark_default, owner_kind, ownerless, text,
    },
    space, tables,
};
use crate::engine::{Fault, Statement, Value};

/// A new object. Faults: its owner does not exist ([`Fault::Missing`], or
/// [`Fault::BrokenReference`] where the body names the owner), a key is taken
/// ([`Fault::NotUnique`]), a mentioned object does not exist ([`Fault::BrokenReference`]).
pub fn insert(draft: Draft) -> Vec<Statement> {
    let tables = tables(draft.kind.family);
    let place = Place::of(&draft);
    let mut statements = Vec::with_capacity(8);
    let mut args = vec![
        place.environment.clone(),
        place.id.clone(),
        draft.kind.name.into(),
        draft.now.as_millis().into(),
        draft.body.into(),
        draft.secrets.into(),
        draft.subject.into(),
    ];
    if let Some(owner) = draft.parent {
        args.push(text(owner));
        args.push(owner_kind(draft.kind).into());
        statements
            .push(Statement::new(tables.insert_owned.as_str(), args).once(ownerless(draft.kind)));
    } else {
        statements.push(Statement::new(tables.insert.as_str(), args).once(Fault::Missing));
    }
    statements.push(count_one_more(&place, draft.parent, true));
    keep_keys(
        &mut statements,
        &place,
        draft.parent,
        draft.unique.unwrap_or_default(),
    );
    keep_references(&mut statements, &place, draft.environment, draft.references);
    keep_terms(&mut statements, &place, draft.terms);
    mark_default(&mut statements, &place, draft.default, 1, draft.now);
    statements.extend(log_change(&place, 1, draft.now));
    statements
}

/// The object as drafted, in place of `old`. Faults: as for [`insert`], and [`Fault::Stale`] when
/// `old` is not the newest version.
pub fn replace(draft: Draft, old: &Document) -> Vec<Statement> {
    let tables = tables(draft.kind.family);
    let place = Place::of(&draft);
    let mut statements = Vec::with_capacity(8);
    let moves = draft.parent != old.parent;
    let args = vec![
        place.environment.clone(),
        place.id.clone(),
        draft.kind.name.into(),
        old.version.into(),
        draft.parent.map(|owner| owner.to_string()).into(),
        draft.now.as_millis().into(),
        draft.body.into(),
        draft.secrets.into(),
        draft.subject.into(),
    ];
    if let Some(owner) = draft.parent.filter(|_| moves)
        && let Some(owner_kind) = draft.kind.parent
    {
        let args = vec![
            place.environment.clone(),
            text(owner),
            owner_kind.name.into(),
        ];
        let owners = super::tables(owner_kind.family);
        statements.push(Statement::new(owners.exists.as_str(), args).once(ownerless(draft.kind)));
    }
    statements.push(Statement::new(tables.update.as_str(), args).once(Fault::Stale));
    if moves {
        if let Some(owner) = old.parent {
            statements.push(count_one_less(&place, &[text(owner)]));
        }
        if let Some(owner) = draft.parent {
            statements.push(count_one_more(&place, Some(owner), false));
        }
    }
    let forget =
        |sql: &'static str| Statement::new(sql, vec![place.environment.clone(), place.id.clone()]);
    if let Some(unique) = draft.unique {
        statements.push(forget(tables.forget_keys.as_str()));
        keep_keys(&mut statements, &place, draft.parent, unique);
    }
    statements.push(forget(tables.forget_references.as_str()));
    statements.push(forget(tables.forget_terms.as_str()));
    keep_references(&mut statements, &place, draft.environment, draft.references);
    keep_terms(&mut statements, &place, draft.terms);
    let version = old.version.saturating_add(1);
    mark_default(&mut statements, &place, draft.default, version, draft.now);
    statements.extend(log_change(&place, version, draft.now));
    statements
}

/// Other sealed members, and nothing else: a note such as when a secret was last used is no change
/// of the object, so its version stays. Fault: [`Fault::Stale`].
pub fn reseal(document: &Document, kind: &'static Kind, secrets: String) -> Statement {
    let sql = format!(
        "UPDATE {} SET secrets = $4 WHERE environment = $1 AND id = $2 AND version = $3",
        tables(kind.family).rows
    );
    let args = vec![
        text(document.environment),
        text(document.id),
        document.version.into(),
        secrets.into(),
    ];
    Statement::new(sql, args).once(Fault::Stale)
}

/// The body as it is given, for a change that touches neither keys nor references nor terms and is
/// no change of anybody's making. Fault: [`Fault::Stale`].
pub fn rewrite(document: &Document, kind: &'static Kind, body: String) -> Statement {
    let sql = format!(
        "UPDATE {} SET body = $4, version = version + 1 WHERE environment = $1 AND id = $2 AND version = $3",
        tables(kind.family).rows
    );
    let args = vec![
        text(document.environment),
        text(document.id),
        document.version.into(),
        body.into(),
    ];
    Statement::new(sql, args).once(Fault::Stale)
}

/// The object goes, and with it what it owns. Faults: [`Fault::Stale`]. An object that is mentioned
/// elsewhere stays ([`crate::engine::StoreError::StillReferenced`]).
pub fn delete(kind: &'static Kind, document: &Document, now: Timestamp) -> Vec<Statement> {
    let tables = tables(kind.family);
    let place = Place::new(kind, document.environment, document.id);
    let version = document.version.saturating_add(1);
    let mut statements = Vec::with_capacity(6);
    if kind.family == Family::Configuration {
        // Owned objects are cached too.
        statements.push(Statement::new(
            "INSERT INTO change_log (environment, id, kind, resource, changed_at) \
             SELECT environment, $2 || id, kind, id, CAST($3 AS BIGINT) FROM resource \
             WHERE environment = $1 AND parent = $4 ON CONFLICT DO NOTHING",
            vec![
                place.environment.clone(),
                format!("{}:", change_id(&place, version, now)).into(),
                now.as_millis().into(),
                place.id.clone(),
            ],
        ));
    }
    let owned = || vec![place.environment.clone(), place.id.clone()];
    statements.push(Statement::new(
        "UPDATE tally SET total = total - (SELECT o.total FROM tally o \
         WHERE o.environment = tally.environment AND o.kind = tally.kind AND o.owner = $2) \
         WHERE environment = $1 AND owner = '' AND kind IN \
         (SELECT kind FROM tally WHERE environment = $1 AND owner = $2)",
        owned(),
    ));
    statements.push(Statement::new(
        "DELETE FROM tally WHERE environment = $1 AND owner = $2",
        owned(),
    ));
    statements.push(
        Statement::new(
            tables.delete.as_str(),
            vec![
                place.environment.clone(),
                place.id.clone(),
                kind.name.into(),
                document.version.into(),
            ],
        )
        .once(Fault::Stale),
    );
    let mut owners = vec![Value::from("")];
    owners.extend(document.parent.map(text));
    statements.push(count_one_less(&place, &owners));
    statements.extend(log_change(&place, version, now));
    statements
}

/// Holds that no object of a kind mentions this one any more. Fault: [`Fault::Stale`].
pub fn unmentioned(kind: &'static Kind, document: &Document, by: &'static Kind) -> Statement {
    let (rows, mentioning) = (tables(kind.family).rows, tables(by.family));
    let sql = format!(
        "UPDATE {rows} SET version = version WHERE environment = $1 AND id = $2 AND NOT EXISTS \
         (SELECT 1 FROM {} r JOIN {} m ON m.environment = r.environment AND m.id = r.id \
         WHERE r.to_environment = $1 AND r.to_id = $2 AND m.kind = $3)",
        mentioning.references, mentioning.rows
    );
    let args = vec![
        text(document.environment),
        text(document.id),
        by.name.into(),
    ];
    Statement::new(sql, args).once(Fault::Stale)
}

/// Raises the revision of an owner whose set of objects changes, so that two changes judged by the
/// same set cannot both happen. Fault: [`Fault::Stale`].
pub fn raise(
    kind: &'static Kind,
    environment: Uuid,
    id: Uuid,
    expected_version: i64,
    now: Timestamp,
) -> Vec<Statement> {
    let place = Place::new(kind, space(kind, environment), id);
    let args = vec![
        place.environment.clone(),
        place.id.clone(),
        kind.name.into(),
        expected_version.into(),
    ];
    let mut statements =
        vec![Statement::new(tables(kind.family).raise.as_str(), args).once(Fault::Stale)];
    statements.extend(log_change(&place, expected_version.saturating_add(1), now));
    statements
}

//! Writes of documents. Every function returns the statements of one change; they belong in one
//! batch, together with whatever else happens because of it.

use std::fmt::Write as _;

use stepgate_domain::{
    resource::{DefaultMark, Family, Kind, Reference, Scope, Term, UniqueKey},
    time::Timestamp,
};
use uuid::Uuid;

use super::{Document, Draft, Tables, space, tables};
use crate::engine::{Fault, Statement, Value};

/// Terms that go into one statement.
const TERMS_AT_ONCE: usize = 100;

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
    keep_keys(&mut statements, &place, draft.parent, draft.unique);
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
    for forget in [
        &tables.forget_keys,
        &tables.forget_references,
        &tables.forget_terms,
    ] {
        statements.push(Statement::new(
            forget.as_str(),
            vec![place.environment.clone(), place.id.clone()],
        ));
    }
    keep_keys(&mut statements, &place, draft.parent, draft.unique);
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

/// Where an object is.
struct Place {
    kind: &'static Kind,
    tables: &'static Tables,
    environment: Value,
    id: Value,
    uuid: Uuid,
}

impl Place {
    fn new(kind: &'static Kind, environment: Uuid, id: Uuid) -> Self {
        Self {
            kind,
            tables: tables(kind.family),
            environment: text(environment),
            id: text(id),
            uuid: id,
        }
    }
    fn of(draft: &Draft) -> Self {
        Self::new(draft.kind, space(draft.kind, draft.environment), draft.id)
    }
}

fn text(id: Uuid) -> Value {
    id.to_string().into()
}

fn owner_kind(kind: &Kind) -> &'static str {
    kind.parent.map_or("", |owner| owner.name)
}

/// The owner stands in the path, or in the body.
fn ownerless(kind: &Kind) -> Fault {
    if kind.nested {
        Fault::Missing
    } else {
        Fault::BrokenReference {
            target: format!("{}.id", owner_kind(kind)),
        }
    }
}

fn keep_keys(
    statements: &mut Vec<Statement>,
    place: &Place,
    parent: Option<Uuid>,
    keys: Vec<UniqueKey>,
) {
    for key in keys {
        let owner = parent
            .filter(|_| key.within_parent)
            .map_or_else(String::new, |owner| owner.to_string());
        let args = vec![
            place.environment.clone(),
            place.kind.name.into(),
            key.name.into(),
            owner.into(),
            key.value.into(),
            place.id.clone(),
        ];
        statements.push(
            Statement::new(place.tables.key.as_str(), args).once(Fault::NotUnique {
                target: key.target.to_owned(),
            }),
        );
    }
}

fn keep_references(
    statements: &mut Vec<Statement>,
    place: &Place,
    environment: Uuid,
    references: Vec<Reference>,
) {
    for reference in references {
        let to_environment = text(match reference.kind.scope {
            Scope::Organization => super::ORGANIZATION_SPACE,
            Scope::Environment => environment,
        });
        let held = !reference.weak && reference.kind.family == Family::Configuration;
        let mut args = Vec::with_capacity(7);
        if held {
            args.extend([
                place.environment.clone(),
                place.id.clone(),
                reference.target.clone().into(),
            ]);
        }
        args.extend([
            to_environment,
            text(reference.id),
            reference.kind.name.into(),
        ]);
        args.extend(reference.parent.map(text));
        let mentioned = tables(reference.kind.family);
        let sql = match (held, reference.parent.is_some()) {
            (true, true) => &place.tables.reference_owned,
            (true, false) => &place.tables.reference,
            (false, true) => &mentioned.exists_owned,
            (false, false) => &mentioned.exists,
        };
        let target = reference.blamed().to_owned();
        statements.push(Statement::new(sql.as_str(), args).once(Fault::BrokenReference { target }));
    }
}

fn keep_terms(statements: &mut Vec<Statement>, place: &Place, terms: Vec<Term>) {
    let mut terms = terms.into_iter().peekable();
    while terms.peek().is_some() {
        let mut sql = format!(
            "INSERT INTO {} (environment, kind, id, attribute, value) VALUES ",
            place.tables.terms
        );
        let mut args = vec![
            place.environment.clone(),
            place.kind.name.into(),
            place.id.clone(),
        ];
        for term in terms.by_ref().take(TERMS_AT_ONCE) {
            let comma = if args.len() > 3 { ", " } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(
                sql,
                "{comma}($1, $2, $3, ${}, ${})",
                args.len() + 1,
                args.len() + 2
            );
            args.push(term.attribute.into());
            args.push(term.value.into());
        }
        sql.push_str(" ON CONFLICT DO NOTHING");
        statements.push(Statement::new(sql, args));
    }
}

fn mark_default(
    statements: &mut Vec<Statement>,
    place: &Place,
    mark: DefaultMark,
    version: i64,
    now: Timestamp,
) {
    let args = || {
        vec![
            place.environment.clone(),
            place.kind.name.into(),
            place.id.clone(),
        ]
    };
    match mark {
        DefaultMark::Keep => {}
        DefaultMark::Clear => {
            statements.push(Statement::new(place.tables.clear_default.as_str(), args()));
        }
        DefaultMark::Set => {
            // The answer for the one that was the default before changes with it.
            if place.kind.family == Family::Configuration {
                statements.push(Statement::new(
                    place.tables.log_former_default.as_str(),
                    vec![
                        place.environment.clone(),
                        format!("{}:", change_id(place, version, now)).into(),
                        now.as_millis().into(),
                        place.kind.name.into(),
                        place.id.clone(),
                    ],
                ));
            }
            statements.push(Statement::new(
                place.tables.raise_former_default.as_str(),
                args(),
            ));
            statements.push(Statement::new(place.tables.set_default.as_str(), args()));
        }
    }
}

/// One more object of the kind: under its owner, and in the whole environment too unless it only
/// moved.
fn count_one_more(place: &Place, owner: Option<Uuid>, is_new: bool) -> Statement {
    const END: &str =
        " ON CONFLICT (environment, kind, owner) DO UPDATE SET total = tally.total + 1";
    const BEGIN: &str = "INSERT INTO tally (environment, kind, owner, total) VALUES ";
    let values = match (owner.is_some(), is_new) {
        (true, true) => "($1, $2, '', 1), ($1, $2, $3, 1)",
        (true, false) => "($1, $2, $3, 1)",
        (false, _) => "($1, $2, '', 1)",
    };
    let mut args = vec![place.environment.clone(), place.kind.name.into()];
    args.extend(owner.map(text));
    Statement::new(format!("{BEGIN}{values}{END}"), args)
}

fn count_one_less(place: &Place, owners: &[Value]) -> Statement {
    let sql = if owners.len() == 1 {
        "UPDATE tally SET total = total - 1 WHERE environment = $1 AND kind = $2 AND owner = $3"
    } else {
        "UPDATE tally SET total = total - 1 WHERE environment = $1 AND kind = $2 AND owner IN ($3, $4)"
    };
    let mut args = vec![place.environment.clone(), place.kind.name.into()];
    args.extend_from_slice(owners);
    Statement::new(sql, args)
}

fn change_id(place: &Place, version: i64, now: Timestamp) -> String {
    format!("{:015}:{}:{version}", now.as_millis(), place.uuid)
}

fn log_change(place: &Place, version: i64, now: Timestamp) -> Option<Statement> {
    (place.kind.family == Family::Configuration).then(|| {
        Statement::new(
            "INSERT INTO change_log (environment, id, kind, resource, changed_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            vec![
                place.environment.clone(),
                change_id(place, version, now).into(),
                place.kind.name.into(),
                place.id.clone(),
                now.as_millis().into(),
            ],
        )
    })
}

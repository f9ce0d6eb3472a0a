//! What is kept beside a document: its keys, mentions and terms, the mark of the default, the counts
//! and the log of changes. Each writer adds its statements to those of the change.

use std::fmt::Write as _;

use stepgate_domain::{
    resource::{DefaultMark, Family, Kind, Reference, Scope, Term, UniqueKey},
    time::Timestamp,
};
use uuid::Uuid;

use super::{Draft, Tables, space, tables};
use crate::engine::{Fault, Statement, Value};

/// Terms that go into one statement.
const TERMS_AT_ONCE: usize = 100;

/// Where an object is.
pub(super) struct Place {
    kind: &'static Kind,
    tables: &'static Tables,
    pub(super) environment: Value,
    pub(super) id: Value,
    uuid: Uuid,
}

impl Place {
    pub(super) fn new(kind: &'static Kind, environment: Uuid, id: Uuid) -> Self {
        Self {
            kind,
            tables: tables(kind.family),
            environment: text(environment),
            id: text(id),
            uuid: id,
        }
    }
    pub(super) fn of(draft: &Draft) -> Self {
        Self::new(draft.kind, space(draft.kind, draft.environment), draft.id)
    }
}

pub(super) fn text(id: Uuid) -> Value {
    id.to_string().into()
}

pub(super) fn owner_kind(kind: &Kind) -> &'static str {
    kind.parent.map_or("", |owner| owner.name)
}

/// The owner stands in the path, or in the body.
pub(super) fn ownerless(kind: &Kind) -> Fault {
    if kind.nested {
        Fault::Missing
    } else {
        Fault::BrokenReference {
            target: format!("{}.id", owner_kind(kind)),
        }
    }
}

pub(super) fn keep_keys(
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

pub(super) fn keep_references(
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

pub(super) fn keep_terms(statements: &mut Vec<Statement>, place: &Place, terms: Vec<Term>) {
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

pub(super) fn mark_default(
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
pub(super) fn count_one_more(place: &Place, owner: Option<Uuid>, is_new: bool) -> Statement {
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

pub(super) fn count_one_less(place: &Place, owners: &[Value]) -> Statement {
    let sql = if owners.len() == 1 {
        "UPDATE tally SET total = total - 1 WHERE environment = $1 AND kind = $2 AND owner = $3"
    } else {
        "UPDATE tally SET total = total - 1 WHERE environment = $1 AND kind = $2 AND owner IN ($3, $4)"
    };
    let mut args = vec![place.environment.clone(), place.kind.name.into()];
    args.extend_from_slice(owners);
    Statement::new(sql, args)
}

pub(super) fn change_id(place: &Place, version: i64, now: Timestamp) -> String {
    format!("{:015}:{}:{version}", now.as_millis(), place.uuid)
}

pub(super) fn log_change(place: &Place, version: i64, now: Timestamp) -> Option<Statement> {
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

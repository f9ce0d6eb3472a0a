//! `filter` in SQL. Attributes with terms are looked up in the term table, the others are columns.
//!
//! A filter that demands one term (`eq`), or a range of terms (`sw`, `gt`, …), is driven by the
//! index over terms; everything else is a condition on the rows that this yields. Every condition
//! is either true or false, never NULL, so that `not` means what it says. A condition does not
//! name the kind, which the id implies: named, it would lead the planner to the index by value, and
//! through all values for each row.

use stepgate_domain::{
    resource::{FilterAttribute, FilterSource},
    scim::{Comparison, Filter, Operator},
    time::Timestamp,
};

use crate::{
    documents::Tables,
    engine::{StoreError, Value},
    sql::{FALSE, Sql},
};

/// Greater than every character a value can begin with after a given prefix.
const LAST: char = '\u{10FFFF}';

/// A filter whose attributes are known.
#[derive(Debug, Clone)]
pub(crate) enum Resolved {
    Compare {
        source: Source,
        operator: Operator,
        value: String,
    },
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Id,
    Parent,
    CreatedAt,
    UpdatedAt,
    Term(String),
}

pub(crate) fn resolve(
    filter: &Filter,
    attributes: &[FilterAttribute],
) -> Result<Resolved, StoreError> {
    resolve_within(filter, attributes, "")
}

fn resolve_within(
    filter: &Filter,
    attributes: &[FilterAttribute],
    prefix: &str,
) -> Result<Resolved, StoreError> {
    let all = |filters: &[Filter]| -> Result<Vec<Resolved>, StoreError> {
        filters
            .iter()
            .map(|filter| resolve_within(filter, attributes, prefix))
            .collect()
    };
    Ok(match filter {
        Filter::And(filters) => Resolved::And(all(filters)?),
        Filter::Or(filters) => Resolved::Or(all(filters)?),
        Filter::Not(filter) => Resolved::Not(Box::new(resolve_within(filter, attributes, prefix)?)),
        Filter::Within { attribute, filter } => {
            resolve_within(filter, attributes, &format!("{prefix}{attribute}."))?
        }
        Filter::Compare(Comparison {
            attribute,
            operator,
            value,
        }) => {
            let name = format!("{prefix}{attribute}");
            let known = attributes
                .iter()
                .find(|known| known.name.eq_ignore_ascii_case(&name))
                .ok_or_else(|| {
                    StoreError::Decode(format!("the filter names an unknown attribute '{name}'"))
                })?;
            let source = match known.source {
                FilterSource::Id => Source::Id,
                FilterSource::Parent => Source::Parent,
                FilterSource::CreatedAt => Source::CreatedAt,
                FilterSource::UpdatedAt => Source::UpdatedAt,
                FilterSource::Term | FilterSource::TimeTerm | FilterSource::BooleanTerm => {
                    Source::Term(known.name.to_owned())
                }
            };
            Resolved::Compare {
                source,
                operator: *operator,
                value: operator.folded(value),
            }
        }
    })
}

/// The term, or the range of terms, that every match has.
#[derive(Debug, Clone)]
pub(crate) struct Driver {
    pub(crate) attribute: String,
    pub(crate) operator: Operator,
    pub(crate) value: String,
}

impl Driver {
    /// Whether all matches share one value, so that they come in order of id.
    pub(crate) fn is_single(&self) -> bool {
        self.operator == Operator::Eq
    }
}

/// Splits the filter into the best driver and the conditions that remain.
pub(crate) fn split(filter: Resolved) -> (Option<Driver>, Vec<Resolved>) {
    let mut conditions = Vec::new();
    flatten(filter, &mut conditions);
    let rank = |condition: &Resolved| match condition {
        Resolved::Compare {
            source: Source::Term(_),
            operator,
            ..
        } => match operator {
            Operator::Eq => Some(0),
            Operator::Sw | Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le => Some(1),
            Operator::Ne | Operator::Co => None,
        },
        _ => None,
    };
    let best = conditions
        .iter()
        .enumerate()
        .filter_map(|(index, condition)| rank(condition).map(|rank| (rank, index)))
        .min();
    let driver = best.and_then(|(_, index)| match conditions.remove(index) {
        Resolved::Compare {
            source: Source::Term(attribute),
            operator,
            value,
        } => Some(Driver {
            attribute,
            operator,
            value,
        }),
        _ => None,
    });
    (driver, conditions)
}

fn flatten(filter: Resolved, into: &mut Vec<Resolved>) {
    match filter {
        Resolved::And(filters) => filters.into_iter().for_each(|filter| flatten(filter, into)),
        other => into.push(other),
    }
}

/// A condition on the document `d`.
pub(crate) fn condition(sql: &mut Sql, tables: &Tables, filter: &Resolved) -> String {
    match filter {
        Resolved::And(filters) => joined(sql, tables, filters, " AND ", "1 = 1"),
        Resolved::Or(filters) => joined(sql, tables, filters, " OR ", FALSE),
        Resolved::Not(filter) => format!("NOT ({})", condition(sql, tables, filter)),
        Resolved::Compare {
            source,
            operator,
            value,
        } => match source {
            Source::Id => comparison(sql, "d.id", *operator, value),
            Source::Parent => comparison(sql, "COALESCE(d.parent, '')", *operator, value),
            Source::CreatedAt => instant(sql, "d.created_at", *operator, value),
            Source::UpdatedAt => instant(sql, "d.updated_at", *operator, value),
            Source::Term(attribute) => {
                // `ne` holds for an object that has no such value, as well as for one without any.
                let (not, operator) = match operator {
                    Operator::Ne => ("NOT ", Operator::Eq),
                    other => ("", *other),
                };
                let attribute = sql.bind(attribute.as_str());
                let test = comparison(sql, "x.value", operator, value);
                format!(
                    "{not}EXISTS (SELECT 1 FROM {} x WHERE x.environment = d.environment AND \
                     x.attribute = {attribute} AND x.id = d.id AND {test})",
                    tables.terms
                )
            }
        },
    }
}

fn joined(sql: &mut Sql, tables: &Tables, filters: &[Resolved], with: &str, empty: &str) -> String {
    if filters.is_empty() {
        return empty.to_owned();
    }
    let conditions: Vec<String> = filters
        .iter()
        .map(|filter| condition(sql, tables, filter))
        .collect();
    format!("({})", conditions.join(with))
}

/// A comparison of texts, both of them folded.
pub(crate) fn comparison(sql: &mut Sql, column: &str, operator: Operator, value: &str) -> String {
    let symbol = match operator {
        Operator::Eq => "=",
        Operator::Ne => "<>",
        Operator::Gt => ">",
        Operator::Ge => ">=",
        Operator::Lt => "<",
        Operator::Le => "<=",
        Operator::Sw => {
            let low = sql.bind(value);
            let high = sql.bind(format!("{value}{LAST}"));
            return format!("({column} >= {low} AND {column} < {high})");
        }
        Operator::Co => {
            let escaped = value
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            let pattern = sql.bind(format!("%{escaped}%"));
            return format!("{column} LIKE {pattern} ESCAPE '\\'");
        }
    };
    let place = sql.bind(value);
    format!("{column} {symbol} {place}")
}

fn instant(sql: &mut Sql, column: &str, operator: Operator, value: &str) -> String {
    let symbol = match operator {
        Operator::Eq => "=",
        Operator::Ne => "<>",
        Operator::Gt => ">",
        Operator::Ge => ">=",
        Operator::Lt => "<",
        Operator::Le => "<=",
        // Parts of a point in time are not compared.
        Operator::Sw | Operator::Co => return FALSE.to_owned(),
    };
    match parse_instant(value) {
        Some(instant) => {
            let place = sql.bind(instant.as_millis());
            format!("{column} {symbol} {place}")
        }
        None => FALSE.to_owned(),
    }
}

/// Clients also send times without a zone, and mean UTC.
fn parse_instant(value: &str) -> Option<Timestamp> {
    let value = value.to_uppercase();
    value.parse().or_else(|_| format!("{value}Z").parse()).ok()
}

/// The driver's terms as `f`.
pub(crate) fn drive(sql: &mut Sql, driver: &Driver) -> String {
    let attribute = sql.bind(driver.attribute.as_str());
    let range = comparison(sql, "f.value", driver.operator, &driver.value);
    format!("f.attribute = {attribute} AND {range}")
}

/// An object with several values in the range counts by its least one.
pub(crate) fn least(sql: &mut Sql, tables: &Tables, driver: &Driver) -> String {
    let range = comparison(sql, "g.value", driver.operator, &driver.value);
    format!(
        "NOT EXISTS (SELECT 1 FROM {} g WHERE g.environment = f.environment \
         AND g.attribute = f.attribute AND g.id = f.id AND g.value < f.value AND {range})",
        tables.terms
    )
}

/// The literal of a position in a list, from a cursor.
pub(crate) fn position(value: &serde_json::Value) -> Option<Value> {
    match value {
        serde_json::Value::String(text) => Some(text.as_str().into()),
        serde_json::Value::Number(number) => number.as_i64().map(Value::Integer),
        _ => None,
    }
}

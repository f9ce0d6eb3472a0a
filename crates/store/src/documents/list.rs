//! Collections: the objects of a kind, as far as the caller reaches, filtered, ordered and paged by
//! the database.

use std::fmt::Write as _;

use data_encoding::BASE64URL_NOPAD;
use stepgate_domain::{
    access::{Limit, Reach},
    resource::{FilterAttribute, FilterSource, Kind},
    scim::Filter,
};
use uuid::Uuid;

use super::{Document, Tables, document, read::name, space, tables};
use crate::{
    engine::{Engine, Row, StoreError, Value},
    filter::{self, Driver, Resolved},
    sql::{FALSE, Sql},
};

/// Filtered collections are counted up to here.
const COUNTED_AT_MOST: i64 = 1_000;

/// One attribute to order by. Objects that lack it come after the others (before them when
/// descending).
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// As in [`stepgate_domain::resource::OrderAttribute::name`]; terms are kept by it.
    pub attribute: &'a str,
    pub source: FilterSource,
    pub descending: bool,
}

/// Which objects are asked for, in which order, and how many of them.
#[derive(Debug)]
pub struct ListQuery<'a> {
    pub kind: &'static Kind,
    pub environment: Uuid,
    /// Only what this object owns.
    pub parent: Option<Uuid>,
    pub reach: &'a Reach,
    pub filter: Option<&'a Filter>,
    /// What the filter may name.
    pub attributes: &'a [FilterAttribute],
    /// By default the order of creation.
    pub order: &'a [Order<'a>],
    /// The [`Page::next`] of the page before, of the same query.
    pub after: Option<&'a str>,
    /// All of them when absent.
    pub limit: Option<u32>,
    pub counted: Option<&'static Kind>,
}

impl<'a> ListQuery<'a> {
    /// The whole collection.
    pub fn new(kind: &'static Kind, environment: Uuid, reach: &'a Reach) -> Self {
        Self {
            kind,
            environment,
            parent: None,
            reach,
            filter: None,
            attributes: &[],
            order: &[],
            after: None,
            limit: None,
            counted: None,
        }
    }
}

#[derive(Debug)]
pub struct Page {
    pub documents: Vec<Document>,
    /// Where the next page begins; absent on the last one.
    pub next: Option<String>,
    /// How many objects the query finds on all pages; absent when a filter finds more than 1,000.
    pub count: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("the cursor does not belong to this query")]
    Cursor,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One page of a collection.
pub async fn list(engine: &dyn Engine, query: ListQuery<'_>) -> Result<Page, ListError> {
    let filter = query
        .filter
        .map(|filter| filter::resolve(filter, query.attributes))
        .transpose()?;
    let count = count(engine, &query, filter.as_ref()).await?;
    let mut selection = Selection::of(&query, filter);
    if let Some(cursor) = query.after {
        selection.start_after(cursor)?;
    }
    let (sql, args, keys) = selection.page(&query);
    let rows = engine.query(sql.into(), args).await?;
    let limit = query.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let next = if rows.len() > limit {
        limit
            .checked_sub(1)
            .and_then(|last| rows.get(last))
            .map(|row| cursor(row, &keys))
            .transpose()?
    } else {
        None
    };
    let environment = space(query.kind, query.environment);
    let documents = rows
        .iter()
        .take(limit)
        .map(|row| document(environment, row))
        .collect::<Result<_, StoreError>>()?;
    Ok(Page {
        documents,
        next,
        count,
    })
}

/// Without a filter from the counts kept with the writes, else by counting.
async fn count(
    engine: &dyn Engine,
    query: &ListQuery<'_>,
    filter: Option<&Resolved>,
) -> Result<Option<u64>, StoreError> {
    let number = |rows: &[Row]| rows.first().map_or(Ok(0), |row| row.integer(0));
    if filter.is_none() && *query.reach == Reach::Everything {
        let owner = query
            .parent
            .map_or_else(String::new, |parent| parent.to_string());
        let environment = space(query.kind, query.environment).to_string();
        let rows = engine
            .query(
                "SELECT total FROM tally WHERE environment = $1 AND kind = $2 AND owner = $3"
                    .into(),
                vec![environment.into(), query.kind.name.into(), owner.into()],
            )
            .await?;
        return Ok(u64::try_from(number(&rows)?).ok());
    }
    let Selection { from, mut sql, .. } = Selection::of(query, filter.cloned());
    let limit = sql.bind(COUNTED_AT_MOST + 1);
    let text = format!("SELECT COUNT(*) FROM (SELECT 1 AS one {from} LIMIT {limit}) AS found");
    let rows = engine.query(text.into(), sql.args).await?;
    Ok(Some(number(&rows)?)
        .filter(|&found| found <= COUNTED_AT_MOST)
        .and_then(|found| u64::try_from(found).ok()))
}

/// What rows are ordered by, before their id.
#[derive(Debug)]
struct Key {
    /// Names the key in a cursor, which must not be used with another order.
    name: String,
    expression: String,
    descending: bool,
}

/// `FROM … WHERE …`, and the order of its rows.
#[derive(Debug)]
struct Selection {
    sql: Sql,
    from: String,
    /// The id as the driving index has it, so that its order is used.
    id: &'static str,
    keys: Vec<Key>,
}

impl Selection {
    fn of(query: &ListQuery<'_>, filter: Option<Resolved>) -> Self {
        let tables = tables(query.kind.family);
        let mut sql = Sql::default();
        let environment = sql.bind(space(query.kind, query.environment).to_string());
        let kind = sql.bind(query.kind.name);
        let (driver, rest) = filter.map_or((None, Vec::new()), filter::split);
        let mut from = match &driver {
            None => format!(
                "FROM {} d WHERE d.environment = {environment} AND d.kind = {kind}",
                tables.rows
            ),
            // CROSS JOIN keeps the order of the tables: terms first.
            Some(driver) => {
                let terms = filter::drive(&mut sql, driver);
                format!(
                    "FROM {} f CROSS JOIN {} d WHERE f.environment = {environment} AND f.kind = {kind} \
                     AND {terms} AND d.environment = f.environment AND d.id = f.id",
                    tables.terms, tables.rows
                )
            }
        };
        if let Some(driver) = driver.as_ref().filter(|driver| !driver.is_single()) {
            and(&mut from, &filter::least(&mut sql, tables, driver));
        }
        if let Some(parent) = query.parent {
            let parent = sql.bind(parent.to_string());
            and(&mut from, &format!("d.parent = {parent}"));
        }
        if let Some(reach) = reach_condition(&mut sql, query.kind, query.reach) {
            and(&mut from, &reach);
        }
        for condition in &rest {
            let condition = filter::condition(&mut sql, tables, condition);
            and(&mut from, &condition);
        }
        let keys = keys(&mut sql, tables, query.order, driver.as_ref());
        let id = if driver.is_some() { "f.id" } else { "d.id" };
        Self {
            sql,
            from,
            id,
            keys,
        }
    }

    /// Rows after the position that the cursor names.
    fn start_after(&mut self, cursor: &str) -> Result<(), ListError> {
        let bytes = BASE64URL_NOPAD
            .decode(cursor.as_bytes())
            .map_err(|_| ListError::Cursor)?;
        let (names, values, id): (Vec<String>, Vec<serde_json::Value>, Uuid) =
            serde_json::from_slice::<(Vec<String>, Vec<serde_json::Value>, String)>(&bytes)
                .ok()
                .and_then(|(names, values, id)| Some((names, values, id.parse().ok()?)))
                .ok_or(ListError::Cursor)?;
        if !names.iter().eq(self.keys.iter().map(|key| &key.name))
            || values.len() != self.keys.len()
        {
            return Err(ListError::Cursor);
        }
        let values = values
            .iter()
            .map(filter::position)
            .collect::<Option<Vec<_>>>()
            .ok_or(ListError::Cursor)?;
        let id_column = self.id;
        if let (
            [
                Key {
                    expression,
                    descending: false,
                    ..
                },
            ],
            [value],
        ) = (self.keys.as_slice(), values.as_slice())
        {
            // A comparison of rows is answered from the index alone.
            let (value, id) = (self.sql.bind(value.clone()), self.sql.bind(id.to_string()));
            and(
                &mut self.from,
                &format!("({expression}, {id_column}) > ({value}, {id})"),
            );
            return Ok(());
        }
        // (a > 1) OR (a = 1 AND b < 2) OR (a = 1 AND b = 2 AND id > 3)
        let mut equal = String::new();
        let mut alternatives = Vec::with_capacity(values.len() + 1);
        for (key, value) in self.keys.iter().zip(values) {
            let place = self.sql.bind(value);
            let beyond = if key.descending { "<" } else { ">" };
            alternatives.push(format!("({equal}{} {beyond} {place})", key.expression));
            equal = format!("{equal}{} = {place} AND ", key.expression);
        }
        let place = self.sql.bind(id.to_string());
        alternatives.push(format!("({equal}{id_column} > {place})"));
        and(&mut self.from, &format!("({})", alternatives.join(" OR ")));
        Ok(())
    }

    fn page(mut self, query: &ListQuery<'_>) -> (String, Vec<Value>, Vec<Key>) {
        let counted = self.sql.bind(name(query.counted));
        let mut columns = tables(query.kind.family).columns(&counted);
        let mut order = String::new();
        for (
            index,
            Key {
                expression,
                descending,
                ..
            },
        ) in self.keys.iter().enumerate()
        {
            // Writing to a String cannot fail.
            let _ = write!(columns, ", {expression} AS position{index}");
            let _ = write!(
                order,
                "position{index}{}, ",
                if *descending { " DESC" } else { "" }
            );
        }
        let mut text = format!("SELECT {columns} {} ORDER BY {order}{}", self.from, self.id);
        if let Some(limit) = query.limit {
            text.push_str(" LIMIT ");
            text.push_str(&self.sql.bind(i64::from(limit) + 1));
        }
        (text, self.sql.args, self.keys)
    }
}

fn and(from: &mut String, condition: &str) {
    from.push_str(" AND ");
    from.push_str(condition);
}

fn keys(sql: &mut Sql, tables: &Tables, order: &[Order<'_>], driver: Option<&Driver>) -> Vec<Key> {
    if order.is_empty() {
        // A range of terms is read in the order of its index.
        return match driver.filter(|driver| !driver.is_single()) {
            None => Vec::new(),
            Some(driver) => vec![Key {
                name: format!("~{}", driver.attribute),
                expression: "f.value".to_owned(),
                descending: false,
            }],
        };
    }
    order
        .iter()
        .map(|Order { attribute, source, descending }| {
            let expression = match source {
                FilterSource::Id => "d.id".to_owned(),
                FilterSource::Parent => "COALESCE(d.parent, '')".to_owned(),
                FilterSource::CreatedAt => "d.created_at".to_owned(),
                FilterSource::UpdatedAt => "d.updated_at".to_owned(),
                FilterSource::Term | FilterSource::TimeTerm | FilterSource::BooleanTerm => {
                    let attribute = sql.bind(*attribute);
                    format!(
                        "COALESCE((SELECT MIN(o.value) FROM {} o WHERE o.environment = d.environment AND \
                         o.attribute = {attribute} AND o.id = d.id), '\u{10FFFF}')",
                        tables.terms
                    )
                }
            };
            let sign = if *descending { '-' } else { '+' };
            Key { name: format!("{sign}{attribute}"), expression, descending: *descending }
        })
        .collect()
}

/// The position of a row, for [`Selection::start_after`].
fn cursor(row: &Row, keys: &[Key]) -> Result<String, StoreError> {
    /// The columns of a document come first.
    const DOCUMENT: usize = 10;
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    let values = (DOCUMENT..DOCUMENT + keys.len())
        .map(|column| match row.0.get(column) {
            Some(Value::Integer(integer)) => Ok((*integer).into()),
            _ => row.text(column).map(serde_json::Value::from),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let position = serde_json::json!([names, values, row.text(0)?]);
    Ok(BASE64URL_NOPAD.encode(position.to_string().as_bytes()))
}

/// What the caller reaches of the kind. `None` when that is everything.
pub(super) fn reach_condition(sql: &mut Sql, kind: &'static Kind, reach: &Reach) -> Option<String> {
    match reach.limit(kind) {
        Limit::Unlimited => None,
        Limit::Nothing => Some(FALSE.to_owned()),
        Limit::Among { owners_above, ids } => Some(below(sql, kind, "d", owners_above, ids)),
    }
}

/// Whether `row`, of this kind, is one of those or has one of them so many owners above it.
fn below(
    sql: &mut Sql,
    kind: &'static Kind,
    row: &str,
    owners_above: usize,
    ids: &[Uuid],
) -> String {
    let texts = || ids.iter().map(Uuid::to_string);
    match (owners_above, kind.parent) {
        (0, _) => sql.among(&format!("{row}.id"), texts()),
        (1, _) => sql.among(&format!("{row}.parent"), texts()),
        (_, None) => FALSE.to_owned(),
        (_, Some(owner)) => {
            let above = format!("{row}o");
            let condition = below(sql, owner, &above, owners_above - 1, ids);
            let rows = tables(owner.family).rows;
            format!(
                "EXISTS (SELECT 1 FROM {rows} {above} WHERE {above}.environment = {row}.environment \
                 AND {above}.id = {row}.parent AND {condition})"
            )
        }
    }
}

//! Our statements in the words of `SQLite`.

use rusqlite::{
    Connection, ToSql, params_from_iter,
    types::{Null, ToSqlOutput, ValueRef},
};

use super::error::translate;
use crate::engine::{Row, StoreError, Value};

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Text(text) => text.to_sql(),
            Self::Integer(integer) => integer.to_sql(),
            Self::Bytes(bytes) => bytes.to_sql(),
            Self::NullText | Self::NullInteger => Null.to_sql(),
        }
    }
}

/// `$1` is a name in `SQLite`, numbered by its first appearance; `?1` is the first parameter. The
/// text is short and the scan cheaper than a cache of its outcome.
pub(super) fn native(sql: &str) -> String {
    let mut native = String::with_capacity(sql.len());
    // What stands between two apostrophes, every other part, is a value.
    for (number, part) in sql.split('\'').enumerate() {
        if number > 0 {
            native.push('\'');
        }
        if number % 2 == 1 {
            native.push_str(part);
            continue;
        }
        let mut pieces = part.split('$');
        native.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            native.push('?');
            native.push_str(piece);
        }
    }
    native
}

/// The number of rows that the statement touched.
pub(super) fn execute(connection: &Connection, sql: &str, args: &[Value]) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(&native(sql))?;
    let touched = statement.execute(params_from_iter(args))?;
    Ok(u64::try_from(touched).unwrap_or(u64::MAX))
}

pub(super) fn query(
    connection: &Connection,
    sql: &str,
    args: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let failed = |error: rusqlite::Error| translate(&error);
    let mut statement = connection.prepare_cached(&native(sql)).map_err(failed)?;
    let columns = statement.column_count();
    let mut rows = statement.query(params_from_iter(args)).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let values = (0..columns)
            .map(|column| value(row.get_ref(column).map_err(failed)?))
            .collect::<Result<_, StoreError>>()?;
        found.push(Row(values));
    }
    Ok(found)
}

fn value(value: ValueRef<'_>) -> Result<Value, StoreError> {
    match value {
        ValueRef::Null => Ok(Value::NullText),
        ValueRef::Integer(integer) => Ok(Value::Integer(integer)),
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(StoreError::Decode("UTF-8 expected".to_owned())),
        },
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(StoreError::Decode("a fraction was not expected".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_and_quoted_text_is_left_alone() {
        assert_eq!(
            native("SELECT $2, '$1 it''s $3', $10"),
            "SELECT ?2, '$1 it''s $3', ?10"
        );
    }
}

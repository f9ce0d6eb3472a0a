//! Our statements in the words of `SQLite`.

use rusqlite::{
    Connection, Error, ToSql, params_from_iter,
    types::{Null, ToSqlOutput, Type, ValueRef},
};

use crate::engine::{Row, Value};

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
    let mut native = sql.as_bytes().to_vec();
    let mut is_quoted = false;
    for byte in &mut native {
        match byte {
            b'\'' => is_quoted = !is_quoted,
            b'$' if !is_quoted => *byte = b'?',
            _ => {}
        }
    }
    // One ASCII character in another's place.
    String::from_utf8(native).unwrap_or_else(|_| sql.to_owned())
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
) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(&native(sql))?;
    let columns = statement.column_count();
    let mut rows = statement.query(params_from_iter(args))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|column| value(row, column));
        found.push(Row(values.collect::<Result<_, _>>()?));
    }
    Ok(found)
}

fn value(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Value> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => Value::NullText,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Text(_) => Value::Text(row.get(column)?),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => {
            let name = row.as_ref().column_name(column)?.to_owned();
            return Err(Error::InvalidColumnType(column, name, Type::Real));
        }
    })
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

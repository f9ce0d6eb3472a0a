//! Facts of the installation, by name.

use crate::engine::{Engine, Fault, Statement, StoreError};

/// Writes a fact that is not known yet. Fault: [`Fault::NotUnique`].
pub fn establish(name: &str, value: &str) -> Statement {
    Statement::new(
        "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        vec![name.into(), value.into()],
    )
    .once(Fault::NotUnique {
        target: name.to_owned(),
    })
}

/// Writes a fact, known or not.
pub fn set(name: &str, value: &str) -> Statement {
    Statement::new(
        "INSERT INTO installation (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        vec![name.into(), value.into()],
    )
}

pub async fn read(engine: &dyn Engine, name: &str) -> Result<Option<String>, StoreError> {
    let rows = engine
        .query(
            "SELECT value FROM installation WHERE name = $1".into(),
            vec![name.into()],
        )
        .await?;
    rows.first()
        .map(|row| row.text(0).map(str::to_owned))
        .transpose()
}

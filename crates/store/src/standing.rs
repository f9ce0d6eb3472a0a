//! What tokens are judged by: a code, a refresh token or a family, together with the user and the
//! session that stand behind it, in one consistent read.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    codes::{self, StoredCode},
    documents::{Document, uuid},
    engine::{Engine, Row, StoreError, Value},
    refresh_tokens::{self, StoredRefreshToken},
    token_families::{self, StoredFamily},
};

/// Who stands behind a grant.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Absent when there is no such user any more.
    pub user: Option<Document>,
    /// When the session ends by itself; absent when it has been ended.
    pub session_expires_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "u.id, u.environment, u.parent, u.version, u.created_at, u.updated_at, u.body, s.expires_at";

/// User and session of the row `owner`, which names both.
fn joined(owner: &str) -> String {
    format!(
        "LEFT JOIN user_account u ON u.environment = {owner}.environment AND u.id = {owner}.user_id \
         LEFT JOIN session s ON s.environment = {owner}.environment AND s.id = {owner}.session"
    )
}

pub async fn of_code(
    engine: &dyn Engine,
    environment: Uuid,
    hash: &str,
) -> Result<Option<(StoredCode, Standing)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, {} FROM authorization_code c {} WHERE c.environment = $1 AND c.hash = $2",
        codes::COLUMNS,
        joined("c")
    );
    let rows = engine.query(sql.into(), args(environment, hash)).await?;
    rows.first()
        .map(|row| Ok((codes::code(row, COLUMN_COUNT)?, standing(row)?)))
        .transpose()
}

pub async fn of_refresh_token(
    engine: &dyn Engine,
    environment: Uuid,
    hash: &str,
) -> Result<Option<(StoredRefreshToken, Standing)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, {}, {} FROM {} {} WHERE t.environment = $1 AND t.hash = $2",
        refresh_tokens::COLUMNS,
        token_families::COLUMNS,
        refresh_tokens::JOINED,
        joined("f")
    );
    let rows = engine.query(sql.into(), args(environment, hash)).await?;
    rows.first()
        .map(|row| Ok((refresh_tokens::token(row, COLUMN_COUNT)?, standing(row)?)))
        .transpose()
}

pub async fn of_family(
    engine: &dyn Engine,
    environment: Uuid,
    id: Uuid,
) -> Result<Option<(StoredFamily, Standing)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, {} FROM token_family f {} WHERE f.environment = $1 AND f.id = $2",
        token_families::COLUMNS,
        joined("f")
    );
    let rows = engine
        .query(sql.into(), args(environment, &id.to_string()))
        .await?;
    rows.first()
        .map(|row| Ok((token_families::family(row, COLUMN_COUNT)?, standing(row)?)))
        .transpose()
}

/// User and session by themselves.
pub async fn of_session(
    engine: &dyn Engine,
    environment: Uuid,
    user: Uuid,
    session: Uuid,
) -> Result<Standing, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM user_account u LEFT JOIN session s \
         ON s.environment = u.environment AND s.user_id = u.id AND s.id = $3 \
         WHERE u.environment = $1 AND u.id = $2"
    );
    let mut args = args(environment, &user.to_string());
    args.push(session.to_string().into());
    let rows = engine.query(sql.into(), args).await?;
    rows.first().map_or(
        Ok(Standing {
            user: None,
            session_expires_at: None,
        }),
        standing,
    )
}

fn args(environment: Uuid, key: &str) -> Vec<Value> {
    vec![environment.to_string().into(), key.into()]
}

const COLUMN_COUNT: usize = 8;

/// Without sealed members and counts, which no token tells.
fn standing(row: &Row) -> Result<Standing, StoreError> {
    let user = match row.optional_text(0)? {
        None => None,
        Some(id) => Some(Document {
            environment: uuid(row.text(1)?)?,
            id: uuid(id)?,
            parent: row.optional_text(2)?.map(uuid).transpose()?,
            version: row.integer(3)?,
            created_at: Timestamp::from_millis(row.integer(4)?),
            updated_at: Timestamp::from_millis(row.integer(5)?),
            is_default: false,
            members: 0,
            body: row.text(6)?.to_owned(),
            secrets: None,
            subject: None,
        }),
    };
    Ok(Standing {
        user,
        session_expires_at: row.optional_integer(7)?.map(Timestamp::from_millis),
    })
}

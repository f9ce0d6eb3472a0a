//! Everything that a step of a sign-on is judged by, in one consistent read.

use std::sync::LazyLock;

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    counters::StoredCounter,
    documents::{Document, uuid},
    engine::{Engine, Row, StoreError, Value},
    flows::StoredFlow,
};

/// How a user is named.
#[derive(Debug, Clone, Copy)]
pub enum UserKey<'a> {
    Id(Uuid),
    /// A unique key of the kind `user`, with its value folded.
    Unique {
        name: &'a str,
        value: &'a str,
    },
}

/// A user with what belongs to the second factor.
#[derive(Debug, Clone, PartialEq)]
pub struct UserFacts {
    pub user: Document,
    /// In order of id, which is the order of pairing.
    pub devices: Vec<Document>,
    /// Those of `user:{id}`, `sends:{id}`, `device:{id}` of each device, and of each device's subject.
    pub counters: Vec<StoredCounter>,
}

impl UserFacts {
    pub fn counter(&self, subject: &str) -> Option<&StoredCounter> {
        self.counters
            .iter()
            .find(|counter| counter.subject == subject)
    }
}

const FLOW: i64 = 0;
const USER: i64 = 1;
const DEVICE: i64 = 2;

/// One text for the user, the devices and the counters. `user` yields the user's id.
fn facts(user: &str) -> String {
    let document = "id, parent, version, created_at, updated_at, body, secrets, subject";
    let counter = "c.subject, NULL, c.version, c.expires_at, c.expires_at, c.body, NULL, NULL";
    format!(
        "SELECT 1 AS part, {document} FROM user_account WHERE environment = $1 AND id = {user} \
         UNION ALL SELECT 2, {document} FROM device WHERE environment = $1 AND parent = {user} \
         UNION ALL SELECT 3, {counter} FROM counter c WHERE c.environment = $1 AND c.subject = 'user:' || {user} \
         UNION ALL SELECT 3, {counter} FROM counter c WHERE c.environment = $1 AND c.subject = 'sends:' || {user} \
         UNION ALL SELECT 3, {counter} FROM device d CROSS JOIN counter c WHERE d.environment = $1 \
         AND d.parent = {user} AND c.environment = d.environment AND c.subject = 'device:' || d.id \
         UNION ALL SELECT 3, {counter} FROM device d CROSS JOIN counter c WHERE d.environment = $1 \
         AND d.parent = {user} AND c.environment = d.environment AND c.subject = d.subject"
    )
}

static BY_ID: LazyLock<String> = LazyLock::new(|| facts("$2"));
static BY_KEY: LazyLock<String> = LazyLock::new(|| {
    let user = "(SELECT k.id FROM user_account_key k WHERE k.environment = $1 AND k.kind = 'user' \
                AND k.name = $2 AND k.owner = '' AND k.value = $3)";
    facts(user)
});
static BY_FLOW: LazyLock<String> = LazyLock::new(|| {
    let user = "(SELECT w.user_id FROM flow w WHERE w.environment = $1 AND w.id = $2)";
    format!(
        "SELECT 0 AS part, id, user_id AS parent, version, expires_at AS created_at, expires_at AS updated_at, \
         body, NULL AS secrets, NULL AS subject FROM flow WHERE environment = $1 AND id = $2 \
         UNION ALL {}",
        facts(user)
    )
});

/// A user, the devices and the counters of both: one query.
pub async fn sign_on_facts(
    engine: &dyn Engine,
    environment: Uuid,
    user: UserKey<'_>,
) -> Result<Option<UserFacts>, StoreError> {
    let mut args: Vec<Value> = vec![environment.to_string().into()];
    let sql = match user {
        UserKey::Id(id) => {
            args.push(id.to_string().into());
            BY_ID.as_str()
        }
        UserKey::Unique { name, value } => {
            args.extend([name.into(), value.into()]);
            BY_KEY.as_str()
        }
    };
    let rows = engine.query(sql.into(), args).await?;
    sort(environment, &rows).map(|(_, facts)| facts)
}

/// A flow with the facts of its user: one query.
pub async fn flow_facts(
    engine: &dyn Engine,
    environment: Uuid,
    flow: Uuid,
) -> Result<Option<(StoredFlow, Option<UserFacts>)>, StoreError> {
    let args = vec![environment.to_string().into(), flow.to_string().into()];
    let rows = engine.query(BY_FLOW.as_str().into(), args).await?;
    let (flow, facts) = sort(environment, &rows)?;
    Ok(flow.map(|flow| (flow, facts)))
}

fn sort(
    environment: Uuid,
    rows: &[Row],
) -> Result<(Option<StoredFlow>, Option<UserFacts>), StoreError> {
    let (mut flow, mut user) = (None, None);
    let (mut devices, mut counters) = (Vec::<Document>::new(), Vec::<StoredCounter>::new());
    for row in rows {
        match row.integer(0)? {
            FLOW => {
                flow = Some(StoredFlow {
                    environment,
                    id: uuid(row.text(1)?)?,
                    user: row.optional_text(2)?.map(uuid).transpose()?,
                    version: row.integer(3)?,
                    expires_at: Timestamp::from_millis(row.integer(4)?),
                    body: row.text(6)?.to_owned(),
                });
            }
            USER => user = Some(document(environment, row)?),
            DEVICE => devices.push(document(environment, row)?),
            _ => counters.push(StoredCounter {
                environment,
                subject: row.text(1)?.to_owned(),
                version: row.integer(3)?,
                expires_at: Timestamp::from_millis(row.integer(4)?),
                body: row.text(6)?.to_owned(),
            }),
        }
    }
    // A handful: cheaper here than as an order over the parts of the query.
    devices.sort_unstable_by_key(|device| device.id);
    counters.sort_unstable_by(|one, other| one.subject.cmp(&other.subject));
    // Two devices may share an address.
    counters.dedup_by(|later, earlier| later.subject == earlier.subject);
    Ok((
        flow,
        user.map(|user| UserFacts {
            user,
            devices,
            counters,
        }),
    ))
}

/// Nothing is counted below it, and whether it is a default is not asked: users and devices have
/// no default.
fn document(environment: Uuid, row: &Row) -> Result<Document, StoreError> {
    Ok(Document {
        environment,
        id: uuid(row.text(1)?)?,
        parent: row.optional_text(2)?.map(uuid).transpose()?,
        version: row.integer(3)?,
        created_at: Timestamp::from_millis(row.integer(4)?),
        updated_at: Timestamp::from_millis(row.integer(5)?),
        is_default: false,
        members: 0,
        body: row.text(6)?.to_owned(),
        secrets: row.optional_text(7)?.map(str::to_owned),
        subject: row.optional_text(8)?.map(str::to_owned),
    })
}

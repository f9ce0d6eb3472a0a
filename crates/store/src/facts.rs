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
    /// A unique key of the kind `user`, with its value folded. Whoever has the former fold of it
    /// for key comes first.
    Unique {
        name: &'a str,
        value: &'a str,
        former: &'a str,
    },
}

/// A user with what belongs to the second factor.
#[derive(Debug, Clone, PartialEq)]
pub struct UserFacts {
    pub user: Document,
    pub holds_a_role: bool,
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

const DOCUMENT: &str =
    "d.id, d.parent, d.version, d.created_at, d.updated_at, d.body, d.secrets, d.subject";
/// What was failed with the document, and what was sent.
const COUNTERS: &str =
    "f.subject, f.version, f.expires_at, f.body, s.subject, s.version, s.expires_at, s.body";
const OF_USER: &str = "LEFT JOIN counter f ON f.environment = d.environment AND f.subject = 'user:' || d.id \
     LEFT JOIN counter s ON s.environment = d.environment AND s.subject = 'sends:' || d.id";
const OF_DEVICE: &str = "LEFT JOIN counter f ON f.environment = d.environment AND f.subject = 'device:' || d.id \
     LEFT JOIN counter s ON s.environment = d.environment AND s.subject = d.subject";

// Positions in a row: the part, the document, the counters, the flow.
const FAILURES: usize = 9;
const SENDS: usize = 13;
const FLOW: usize = 17;

const USER: i64 = 0;
const DEVICE: i64 = 1;
/// A user who holds a role.
const ADMINISTRATOR: i64 = 2;

fn part_of_user() -> String {
    format!(
        "CASE WHEN EXISTS (SELECT 1 FROM user_role h WHERE h.environment = d.environment \
         AND h.parent = d.id) THEN {ADMINISTRATOR} ELSE {USER} END AS part"
    )
}

/// The devices of a user; `user` yields the user's id, `more` are columns that only users have.
fn devices(user: &str, more: &str) -> String {
    format!(
        "UNION ALL SELECT {DEVICE}, {DOCUMENT}, {COUNTERS}{more} FROM device d {OF_DEVICE} \
         WHERE d.environment = $1 AND d.parent = {user}"
    )
}

fn user_and_devices(user: &str) -> String {
    format!(
        "SELECT {}, {DOCUMENT}, {COUNTERS} FROM user_account d {OF_USER} \
         WHERE d.environment = $1 AND d.id = {user} {}",
        part_of_user(),
        devices(user, "")
    )
}

static BY_ID: LazyLock<String> = LazyLock::new(|| user_and_devices("$2"));
static BY_KEY: LazyLock<String> = LazyLock::new(|| {
    let holder = |value: &str| {
        format!(
            "(SELECT k.id FROM user_account_key k WHERE k.environment = $1 AND k.kind = 'user' \
             AND k.name = $2 AND k.owner = '' AND k.value = {value})"
        )
    };
    // A list of both values, and an order of them, would cost a table of their own each.
    user_and_devices(&format!("COALESCE({}, {})", holder("$4"), holder("$3")))
});
static FLOW_AND_USER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {DOCUMENT}, {COUNTERS}, w.user_id, w.version, w.expires_at, w.body \
         FROM flow w LEFT JOIN user_account d ON d.environment = w.environment AND d.id = w.user_id \
         {OF_USER} WHERE w.environment = $1 AND w.id = $2",
        part_of_user()
    )
});
static FLOW_AND_FACTS: LazyLock<String> = LazyLock::new(|| {
    let user = "(SELECT w.user_id FROM flow w WHERE w.environment = $1 AND w.id = $2)";
    let devices = devices(user, ", NULL, NULL, NULL, NULL");
    format!("{} {devices}", *FLOW_AND_USER)
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
        UserKey::Unique {
            name,
            value,
            former,
        } => {
            args.extend([name.into(), value.into(), former.into()]);
            BY_KEY.as_str()
        }
    };
    let rows = engine.query(sql.into(), args).await?;
    user_facts(environment, rows)
}

/// A flow with the facts of its user: one query.
pub async fn flow_facts(
    engine: &dyn Engine,
    environment: Uuid,
    flow: Uuid,
) -> Result<Option<(StoredFlow, Option<UserFacts>)>, StoreError> {
    by_flow(engine, FLOW_AND_FACTS.as_str(), environment, flow).await
}

/// A flow with the facts of its user but for the devices, which its end is not judged by.
pub async fn flow_and_user(
    engine: &dyn Engine,
    environment: Uuid,
    flow: Uuid,
) -> Result<Option<(StoredFlow, Option<UserFacts>)>, StoreError> {
    by_flow(engine, FLOW_AND_USER.as_str(), environment, flow).await
}

async fn by_flow(
    engine: &dyn Engine,
    sql: &'static str,
    environment: Uuid,
    id: Uuid,
) -> Result<Option<(StoredFlow, Option<UserFacts>)>, StoreError> {
    let args = vec![environment.to_string().into(), id.to_string().into()];
    let mut rows = engine.query(sql.into(), args).await?;
    let is_flow = |row: &&mut Row| matches!(row.integer(0), Ok(USER | ADMINISTRATOR));
    let Some(row) = rows.iter_mut().find(is_flow) else {
        return Ok(None);
    };
    let flow = StoredFlow {
        environment,
        id,
        user: row.optional_text(FLOW)?.map(uuid).transpose()?,
        version: row.integer(FLOW + 1)?,
        expires_at: Timestamp::from_millis(row.integer(FLOW + 2)?),
        body: row.take_text(FLOW + 3)?,
    };
    Ok(Some((flow, user_facts(environment, rows)?)))
}

fn user_facts(environment: Uuid, rows: Vec<Row>) -> Result<Option<UserFacts>, StoreError> {
    let mut user = None;
    let (mut devices, mut counters) = (Vec::<Document>::new(), Vec::<StoredCounter>::new());
    for mut row in rows {
        // A flow that is nobody's yet.
        if row.optional_text(1)?.is_none() {
            continue;
        }
        for first in [FAILURES, SENDS] {
            counters.extend(counter(environment, &mut row, first)?);
        }
        let part = row.integer(0)?;
        let document = document(environment, &mut row)?;
        match part {
            DEVICE => devices.push(document),
            _ => user = Some((document, part == ADMINISTRATOR)),
        }
    }
    // A handful: cheaper here than as an order over the parts of the query.
    devices.sort_unstable_by_key(|device| device.id);
    counters.sort_unstable_by(|one, other| one.subject.cmp(&other.subject));
    // Two devices may share an address.
    counters.dedup_by(|later, earlier| later.subject == earlier.subject);
    Ok(user.map(|(user, holds_a_role)| UserFacts {
        user,
        holds_a_role,
        devices,
        counters,
    }))
}

/// The counter in the columns from `first` on, if it is there.
fn counter(
    environment: Uuid,
    row: &mut Row,
    first: usize,
) -> Result<Option<StoredCounter>, StoreError> {
    if row.optional_text(first)?.is_none() {
        return Ok(None);
    }
    Ok(Some(StoredCounter {
        environment,
        subject: row.take_text(first)?,
        version: row.integer(first + 1)?,
        expires_at: Timestamp::from_millis(row.integer(first + 2)?),
        body: row.take_text(first + 3)?,
    }))
}

/// Nothing is counted below it, and whether it is a default is not asked: users and devices have
/// no default.
fn document(environment: Uuid, row: &mut Row) -> Result<Document, StoreError> {
    Ok(Document {
        environment,
        id: uuid(row.text(1)?)?,
        parent: row.optional_text(2)?.map(uuid).transpose()?,
        version: row.integer(3)?,
        created_at: Timestamp::from_millis(row.integer(4)?),
        updated_at: Timestamp::from_millis(row.integer(5)?),
        is_default: false,
        members: 0,
        body: row.take_text(6)?,
        secrets: row.optional_text(7)?.map(str::to_owned),
        subject: row.optional_text(8)?.map(str::to_owned),
    })
}

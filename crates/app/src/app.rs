//! What every use case is given.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use stepgate_domain::{
    authenticator::sending::Floors,
    client_address::Proxies,
    id::{Id, IdSequence},
    secret::Secret,
    time::{Duration, Timestamp},
};
use stepgate_notify::Senders;
use stepgate_store::engine::{Batch, Engine, StoreError};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    clock::Clock,
    configuration_cache::ConfigurationCache,
    keys::SigningKeys,
    metrics::Metrics,
    origin::Origins,
    outbox::Outbox,
    passwords::Passwords,
    random::SystemRandom,
    refusals::Refusals,
    seal::{Binding, DataKey, Seal, SealError},
    sign_on::{LookUps, Polls},
};

/// Decided when the server starts, and never changed.
#[derive(Debug, Clone)]
pub struct Settings {
    pub origins: Origins,
    /// Whose word on the client's address is taken.
    pub proxies: Proxies,
    /// Whether the operator has said what stands between: conditions may then ask for the address.
    pub client_address_is_known: bool,
    /// What nobody may exceed in messages, whatever a notification policy allows.
    pub floors: Floors,
    /// How many names a client address may type in an hour that nothing comes of; none: as many as it
    /// likes.
    pub look_ups_hourly: Option<u32>,
    /// How long the audit trail is kept.
    pub audit_retention: Duration,
    /// Whether the developer inbox is served.
    pub inbox: bool,
    /// Whether the metrics are served beside everything else, to this machine alone.
    pub metrics: bool,
}

/// More than a year, so that a yearly review finds the whole of it.
pub const AUDIT_RETENTION: Duration = Duration::from_days(400);

/// Enough for a household or a small office.
pub const LOOK_UPS_HOURLY: u32 = 20;

pub struct App {
    pub engine: Arc<dyn Engine>,
    pub clock: Arc<dyn Clock>,
    pub seal: Seal,
    pub cache: ConfigurationCache,
    pub keys: SigningKeys,
    pub senders: Senders,
    pub passwords: Passwords,
    pub settings: Settings,
    pub(crate) polls: Polls,
    pub(crate) look_ups: LookUps,
    ids: Mutex<IdSequence>,
    pub outbox: Arc<Outbox>,
    pub metrics: Metrics,
    pub refusals: Refusals,
    /// Wakes the worker that removes deleted environments.
    pub deletions: Notify,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl App {
    pub fn new(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        seal: Seal,
        senders: Senders,
        settings: Settings,
    ) -> Self {
        Self {
            metrics: Metrics::new(Arc::clone(&engine)),
            refusals: Refusals::default(),
            engine,
            clock,
            seal,
            cache: ConfigurationCache::default(),
            keys: SigningKeys::default(),
            senders,
            passwords: Passwords::default(),
            settings,
            polls: Polls::default(),
            look_ups: LookUps::default(),
            ids: Mutex::default(),
            outbox: Arc::default(),
            deletions: Notify::new(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id that sorts after all that were made before it.
    pub fn new_id<T>(&self) -> Id<T> {
        let mut sequence = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        Id::next(&mut sequence, self.now(), &mut SystemRandom)
    }

    pub async fn data_key(&self, environment: Uuid) -> Result<Arc<DataKey>, SealError> {
        self.seal.data_key(&*self.engine, environment).await
    }

    pub async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.engine.commit(batch).await
    }

    /// Seals the members that a document keeps apart from its body.
    pub async fn seal_members(
        &self,
        environment: Uuid,
        kind: &str,
        id: Uuid,
        members: &HashMap<String, Secret<String>>,
    ) -> Result<Option<String>, SealError> {
        if members.is_empty() {
            return Ok(None);
        }
        let key = self.data_key(environment).await?;
        let id = id.to_string();
        let mut sealed = serde_json::Map::new();
        for (name, value) in members {
            let binding = Binding {
                environment,
                kind,
                id: &id,
                field: name,
            };
            sealed.insert(
                name.clone(),
                key.seal(binding, value.expose().as_bytes())?.into(),
            );
        }
        Ok(Some(serde_json::Value::Object(sealed).to_string()))
    }

    /// Opens what [`Self::seal_members`] sealed.
    pub async fn open_members(
        &self,
        environment: Uuid,
        kind: &str,
        id: Uuid,
        sealed: Option<&str>,
    ) -> Result<HashMap<String, Secret<String>>, SealError> {
        let Some(sealed) = sealed else {
            return Ok(HashMap::new());
        };
        let members: HashMap<String, String> =
            serde_json::from_str(sealed).map_err(|_| SealError::Unopenable)?;
        let key = self.data_key(environment).await?;
        let id = id.to_string();
        let mut opened = HashMap::new();
        for (name, value) in members {
            let binding = Binding {
                environment,
                kind,
                id: &id,
                field: &name,
            };
            let plain = key.open(binding, &value)?;
            let plain =
                String::from_utf8(plain.expose().clone()).map_err(|_| SealError::Unopenable)?;
            opened.insert(name, Secret::new(plain));
        }
        Ok(opened)
    }
}

//! Configuration in memory: documents are loaded when asked for, kept typed, and dropped when
//! they are written.

use std::{
    any::Any,
    collections::HashMap,
    future::Future,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use uuid::Uuid;

/// Beyond this many entries the cache starts anew, so that an installation of many environments
/// does not grow without end.
const CAPACITY: usize = 50_000;

/// Which entry of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entry {
    Document(Uuid),
    /// All objects of the kind, in the environment or under one owner.
    Collection(Option<Uuid>),
    /// The default one.
    Default,
    /// What was sealed beside the document.
    Secrets(Uuid),
}

type Key = (Uuid, &'static str, Entry);

#[derive(Debug, Default)]
pub struct ConfigurationCache {
    entries: RwLock<HashMap<Key, Arc<dyn Any + Send + Sync>>>,
    /// Raised by every invalidation: a value that was being loaded meanwhile is not kept.
    revision: AtomicU64,
}

impl ConfigurationCache {
    /// The entry, from memory or from `load`.
    pub async fn get<T, E, F>(
        &self,
        environment: Uuid,
        kind: &'static str,
        entry: Entry,
        load: impl FnOnce() -> F,
    ) -> Result<Arc<T>, E>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, E>>,
    {
        let key = (environment, kind, entry);
        let kept = self
            .entries
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(value) = kept.and_then(|value| value.downcast::<T>().ok()) {
            return Ok(value);
        }
        let revision = self.revision.load(Ordering::SeqCst);
        let value = Arc::new(load().await?);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if self.revision.load(Ordering::SeqCst) == revision {
            if entries.len() >= CAPACITY {
                entries.clear();
            }
            entries.insert(key, value.clone());
        }
        Ok(value)
    }

    /// Drops what a write of this object may have changed.
    pub fn invalidate(
        &self,
        environment: Uuid,
        kind: &'static str,
        id: Uuid,
        parent: Option<Uuid>,
    ) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        self.revision.fetch_add(1, Ordering::SeqCst);
        for entry in [
            Entry::Document(id),
            Entry::Secrets(id),
            Entry::Collection(None),
            Entry::Collection(parent),
            Entry::Default,
        ] {
            entries.remove(&(environment, kind, entry));
        }
    }

    /// Drops everything of an environment that was deleted.
    pub fn forget(&self, environment: Uuid) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        self.revision.fetch_add(1, Ordering::SeqCst);
        entries.retain(|key, _| key.0 != environment);
    }
}

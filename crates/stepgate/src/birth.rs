//! The birth of an installation: what every start checks of its data directory, and credentials
//! that are kept before they are true.
//!
//! The credentials exist once. So they are out of this process and durable before the commit that
//! makes them work: whoever cannot be given them gets no installation.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use anyhow::Context;
use serde_json::{Value, json};
use stepgate_app::{
    App,
    provisioning::{self, Unborn},
    random::SystemRandom,
    seal::Seal,
};
use stepgate_domain::{resources::environment::Region, secret::Secret};
use stepgate_store::{
    data_keys,
    engine::{Engine, StoreError},
    sqlite::{Options, SqliteEngine},
};

use crate::{
    config::{Mode, Settings},
    whole_file::{PRIVATE, WholeFile},
};

/// What a first start by `serve` keeps in the data directory.
const FIRST_RUN: &str = "first-run.json";
/// Permissions of those who are neither the owner nor of the group.
const OTHERS: u32 = 0o007;

/// What a first start makes. The secret is shown once.
#[derive(Debug)]
pub(crate) struct InitOutput {
    pub(crate) organization: String,
    pub(crate) license: String,
    pub(crate) environment: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret<String>,
}

impl InitOutput {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "organization": { "id": self.organization },
            "license": { "id": self.license },
            "environment": { "id": self.environment },
            "client": { "id": self.client_id, "secret": self.client_secret.expose() },
        })
    }

    /// For a person.
    pub(crate) fn to_text(&self) -> String {
        [
            format!("organization   {}", self.organization),
            format!("license        {}", self.license),
            format!("environment    {}  (Administrators)", self.environment),
            format!("client id      {}", self.client_id),
            format!(
                "client secret  {}  (shown this once)",
                self.client_secret.expose()
            ),
        ]
        .join("\n")
    }
}

impl From<&provisioning::Installation> for InitOutput {
    fn from(made: &provisioning::Installation) -> Self {
        Self {
            organization: made.organization.to_string(),
            license: made.license.to_string(),
            environment: made.environment.to_string(),
            client_id: made.client.to_string(),
            client_secret: made.client_secret.clone(),
        }
    }
}

/// Opens the database and the key to it, or says what is missing. A key is made only for a database
/// that holds nothing yet.
pub(crate) async fn open(settings: &Settings) -> anyhow::Result<(Arc<dyn Engine>, Seal)> {
    let data = &settings.data;
    let has_first_run = data.join(FIRST_RUN).exists();
    if has_first_run && !SqliteEngine::exists(data) {
        return Err(lost(data));
    }
    let engine = SqliteEngine::open(data, &Options::default()).map_err(|error| match error {
        StoreError::Locked => anyhow::anyhow!("{} is in use by another stepgate", data.display()),
        other => anyhow::Error::new(other).context(format!("{} cannot be opened", data.display())),
    })?;
    let engine: Arc<dyn Engine> = Arc::new(engine);
    let sealed = data_keys::first(&*engine).await?;
    if has_first_run && sealed.is_none() {
        return Err(lost(data));
    }
    let master_key = settings
        .master_key
        .load(sealed.is_some(), &mut SystemRandom)?;
    let seal = Seal::new(&Secret::new(master_key.expose().to_vec()))?;
    if let Some(sealed) = &sealed {
        seal.check(sealed).with_context(|| {
            format!(
                "this master key does not open the database in {}: start with the key that it was made with",
                data.display()
            )
        })?;
    }
    warn_of_permissions(settings);
    Ok((engine, seal))
}

fn lost(data: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "{} holds the {FIRST_RUN} of an installation, but not its database: restore the database, or \
         remove {FIRST_RUN} to begin anew",
        data.display()
    )
}

/// Makes the installation after `keep` has kept its credentials. Nothing when there is one already.
pub(crate) async fn initialize(
    app: &Arc<App>,
    region: Region,
    keep: impl FnOnce(&InitOutput) -> io::Result<()>,
) -> anyhow::Result<Option<InitOutput>> {
    let Some(unborn) = provisioning::prepare(app, region).await? else {
        return Ok(None);
    };
    kept_first(app, unborn, keep, "nothing was initialized")
        .await
        .map(Some)
}

/// Makes another worker after `keep` has kept its credentials. Nothing when there is no installation.
pub(crate) async fn recover(
    app: &Arc<App>,
    keep: impl FnOnce(&InitOutput) -> io::Result<()>,
) -> anyhow::Result<Option<InitOutput>> {
    let Some(unborn) = provisioning::recover(app).await? else {
        return Ok(None);
    };
    kept_first(app, unborn, keep, "nothing was recovered")
        .await
        .map(Some)
}

/// Makes credentials true once they are kept. `nothing` says what did not happen otherwise.
async fn kept_first(
    app: &Arc<App>,
    unborn: Unborn,
    keep: impl FnOnce(&InitOutput) -> io::Result<()>,
    nothing: &str,
) -> anyhow::Result<InitOutput> {
    let made = InitOutput::from(unborn.installation());
    keep(&made).with_context(|| format!("{nothing}: the credentials cannot be written"))?;
    unborn
        .commit(app)
        .await
        .with_context(|| format!("{nothing}, and the credentials that were written are void"))?;
    Ok(made)
}

/// Makes the installation when there is none, and keeps its credentials in the data directory.
pub(crate) async fn ensure(app: &Arc<App>, settings: &Settings) -> anyhow::Result<()> {
    let path = settings.data.join(FIRST_RUN);
    finish_interrupted(app, &path).await?;
    let mut kept = None;
    let made = initialize(app, Region::default(), |made| {
        let text = format!("{:#}\n", made.to_json());
        kept = Some(WholeFile::write(&path, &text, PRIVATE)?);
        Ok(())
    })
    .await
    .with_context(|| path.display().to_string())?;
    if let Some(kept) = kept {
        kept.appear()
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if made.is_some() {
        tracing::info!(path = %path.display(), "initialized: the first credentials are in this file");
    }
    if settings.mode == Mode::Production && path.exists() {
        tracing::warn!(
            path = %path.display(),
            "this file holds the organization administrator's secret in clear: keep it elsewhere and remove the file"
        );
    }
    Ok(())
}

/// A process that ended between its commit and the name of its file left the only copy of the
/// credentials under the temporary name; one that ended before its commit left nothing of worth.
async fn finish_interrupted(app: &Arc<App>, path: &Path) -> anyhow::Result<()> {
    let Some(left) = WholeFile::left_behind(path) else {
        return Ok(());
    };
    let organization = provisioning::organization(app).await?;
    let told: Option<Value> = serde_json::from_str(&left.read()?).ok();
    let told = told
        .as_ref()
        .and_then(|told| told.pointer("/organization/id")?.as_str());
    if organization.is_some_and(|id| told == Some(&id.to_string())) {
        left.appear()
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn warn_of_permissions(settings: &Settings) {
    let first_run = settings.data.join(FIRST_RUN);
    let watched = [
        Some(settings.data.as_path()),
        Some(first_run.as_path()),
        settings.master_key.file(),
    ];
    for path in watched.into_iter().flatten() {
        if is_open_to_others(path) {
            tracing::warn!(path = %path.display(), "every user of this machine has access to this path");
        }
    }
}

/// Whether users of the machine who are neither the owner nor of the group have access.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & OTHERS != 0)
}

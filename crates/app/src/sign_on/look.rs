//! Reading a flow, which changes nothing but how long it waits.

use data_encoding::BASE64URL_NOPAD;
use stepgate_domain::{
    flow::{Flow, FlowError, state::ResponseMode},
    id::Id,
    resources::environment::Environment,
    secret::Secret,
};
use stepgate_store::{
    engine::{Batch, Fault, StoreError},
    flows,
};
use uuid::Uuid;

use super::{
    FlowFailure, Shown, Visitor,
    act::refused,
    admission::{Admitted, admit, environment_key},
    authorize::stored,
    polls::TooOften,
};
use crate::{App, error::ManagementError};

/// The flow as it is. Whoever reads it keeps it alive; nobody waits for that to be written.
pub async fn look(
    app: &App,
    environment: Id<Environment>,
    flow: Uuid,
    visitor: &Visitor,
) -> Result<Shown, FlowFailure> {
    let Admitted {
        mut flow,
        version,
        allowed_origin,
        ..
    } = read(app, environment, flow, visitor).await?;
    let now = app.now();
    let is_worth_writing = flow.should_persist_touch(now);
    flow.touch(now);
    if is_worth_writing {
        write_touch(app, &flow, version)?;
    }
    Ok(Shown {
        flow,
        cookie: None,
        authorize_response: None,
        refused: None,
        allowed_origin,
    })
}

/// As [`look`], for who asks again and again; too often is refused before anything is looked up.
pub async fn poll(
    app: &App,
    environment: Id<Environment>,
    flow: Uuid,
    visitor: &Visitor,
) -> Result<Shown, FlowFailure> {
    let now = app.now();
    app.polls
        .admit(flow, now)
        .map_err(|TooOften { retry_after }| FlowFailure::TooOften { retry_after })?;
    let shown = look(app, environment, flow, visitor).await?;
    // Of others' flows nobody can use up the readings.
    app.polls.note(flow, now);
    Ok(shown)
}

/// The environment of a flow of which only the id is known.
pub async fn environment_of_flow(
    app: &App,
    flow: Uuid,
) -> Result<Option<Id<Environment>>, ManagementError> {
    let found = flows::environment_of(&*app.engine, flow).await?;
    Ok(found.map(Id::from_uuid))
}

async fn read(
    app: &App,
    environment: Id<Environment>,
    flow: Uuid,
    visitor: &Visitor,
) -> Result<Admitted, FlowFailure> {
    let key = environment_key(app, environment)
        .await?
        .ok_or(FlowFailure::NotFound)?;
    let stored = flows::read(&*app.engine, environment.uuid(), flow).await?;
    admit(app, key, stored, visitor).await
}

fn write_touch(app: &App, flow: &Flow, version: i64) -> Result<(), FlowFailure> {
    let batch = Batch(vec![flows::update(stored(flow, version)?)]);
    let engine = app.engine.clone();
    tokio::spawn(async move {
        match engine.commit(batch).await {
            // Whoever was faster has touched it too.
            Ok(()) | Err(StoreError::Refused(Fault::Stale)) => {}
            Err(error) => tracing::warn!(%error, "the reading of a flow was not noted"),
        }
    });
    Ok(())
}

/// Refuses an action that is published and never offered, after the checks that go before it.
pub async fn refuse_unoffered(
    app: &App,
    environment: Id<Environment>,
    flow: Uuid,
    visitor: &Visitor,
    name: &str,
) -> FlowFailure {
    match read(app, environment, flow, visitor).await {
        Err(failure) => failure,
        Ok(admitted) => {
            tracing::debug!(action = name, "an action that is never offered was refused");
            let status = admitted.flow.status.name();
            let error = FlowError::InvalidAction {
                action: None,
                status,
            };
            refused(error, admitted.allowed_origin)
        }
    }
}

/// The flow of the same browser whose code is on its way to the device that this one would have sent
/// its own to. Nobody else learns that there is one.
pub async fn earlier(
    app: &App,
    visitor: &Visitor,
    shown: &Shown,
) -> Result<Option<Flow>, ManagementError> {
    let now = app.now();
    let Some(earlier) = shown.flow.status.not_sent(now).and_then(|it| it.earlier) else {
        return Ok(None);
    };
    let environment = shown.flow.environment.cast();
    match read(app, environment, earlier.uuid(), visitor).await {
        Ok(Admitted { flow, .. }) => Ok(Some(flow)
            .filter(|flow| flow.response_mode == ResponseMode::Redirect && flow.awaits_code(now))),
        Err(FlowFailure::Management(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// What the forms of the hosted page carry, so that no other site can post them: made from what the
/// flow is bound to, and told only to whom the flow is shown.
pub async fn page_token(app: &App, shown: &Shown) -> Result<Secret<String>, ManagementError> {
    let Shown { flow, .. } = shown;
    let key = app.data_key(flow.environment.uuid()).await?;
    let (id, bound_to) = (flow.id.uuid(), &flow.session.token_hash);
    let hash = key.hash("page token", &[id.as_bytes(), bound_to.as_bytes()]);
    Ok(Secret::new(BASE64URL_NOPAD.encode(&hash)))
}

//! Messages that the worker could not deliver, and what their flows make of that.

use stepgate_domain::{
    flow::{self, Input, Transition},
    ids::MessageId,
};
use stepgate_store::{
    engine::{Batch, Fault, Statement, StoreError},
    facts::flow_facts,
    flows,
};
use uuid::Uuid;

use super::{
    ATTEMPTS,
    authorize::stored,
    code::Drawn,
    effects::{Stage, Writes},
    facts::{Known, Whom, facts, stand_in_of},
};
use crate::{App, error::ManagementError, seal::DataKey};

/// Whether the flow still waits for the code of the message.
pub async fn awaits(
    app: &App,
    environment: Uuid,
    flow: Uuid,
    message: &str,
) -> Result<bool, ManagementError> {
    let Some(row) = flows::read(&*app.engine, environment, flow).await? else {
        return Ok(false);
    };
    let flow: flow::Flow = serde_json::from_str(&row.body)?;
    let message: Option<MessageId> = message.parse().ok();
    Ok(message.is_some_and(|message| flow.awaits(message, app.now())))
}

/// The worker found out that a message of this flow cannot be delivered: `dead` is committed with
/// what the flow makes of it.
pub async fn delivery_failed(
    app: &App,
    environment: Uuid,
    flow: Uuid,
    message: &str,
    dead: Statement,
) -> Result<(), ManagementError> {
    let message: Option<MessageId> = message.parse().ok();
    let mut judged_by = None;
    for _ in 0..ATTEMPTS {
        let read = flow_facts(&*app.engine, environment, flow).await?;
        let told = match (read, message) {
            (Some((row, user)), Some(message)) => {
                if judged_by.replace(row.version) == Some(row.version) {
                    // The flow is as it was, so it was the lease that is lost.
                    return Ok(());
                }
                let key = app.data_key(environment).await?;
                let flow: flow::Flow = serde_json::from_str(&row.body)?;
                let known = user.map(|rows| Known::of(rows, app.now())).transpose()?;
                told(app, &key, &flow, row.version, known.as_ref(), message).await?
            }
            (None, _) | (_, None) => None,
        };
        let is_only_dead = told.is_none();
        let (statements, writes) = told.unzip();
        let mut batch = Batch(statements.unwrap_or_default());
        batch.push(dead.clone());
        match app.commit(batch).await {
            Ok(()) => {
                if let Some(writes) = writes {
                    writes.committed(app);
                }
                return Ok(());
            }
            // Whoever has the lease now writes the outcome.
            Err(StoreError::Refused(Fault::Stale)) if is_only_dead => return Ok(()),
            Err(StoreError::Refused(Fault::Stale)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}

/// What the flow makes of it, and what is to be told of that: nothing, when it has gone on meanwhile.
async fn told(
    app: &App,
    key: &DataKey,
    flow: &flow::Flow,
    version: i64,
    known: Option<&Known>,
    message: MessageId,
) -> Result<Option<(Vec<Statement>, Writes)>, ManagementError> {
    let now = app.now();
    let environment = flow.environment.uuid();
    let drawn = Drawn::new(app, key, flow.id);
    let stand_in = match flow.typed_name() {
        Some(name) => Some(stand_in_of(app, key, flow, name, now).await?),
        None => None,
    };
    let whom = Whom {
        known,
        // That does not matter to a message that was lost.
        is_permitted: true,
        stand_in,
    };
    let facts = facts(app, environment, &flow.policies, whom, &drawn, now).await?;
    let input = Input::DeliveryFailed { message };
    let Ok(Transition { flow, effects, .. }) = flow::step(flow, &input, &facts) else {
        return Ok(None);
    };
    let stage = Stage {
        app,
        key,
        flow: &flow,
        known,
        visitor: None,
        drawn: &drawn,
        now,
    };
    let mut writes = stage.writes(effects, None).await?;
    let mut statements = vec![flows::update(stored(&flow, version)?)];
    statements.append(&mut writes.statements);
    Ok(Some((statements, writes)))
}

//! The end of a flow: its answer is handed out once.

use stepgate_domain::{id::Id, resources::environment::Environment};
use stepgate_store::{
    engine::{Batch, Fault, StoreError},
    facts::flow_and_user,
    flows, sessions,
};
use uuid::Uuid;

use super::{
    ATTEMPTS, FlowFailure, Resumed, Shown, Visitor,
    admission::{Admitted, admit, environment_key},
    browser,
    ending::{Ended, Ending, Told},
    facts::{Known, is_permitted},
};
use crate::App;

/// Exchanges a final flow for its answer, and opens or raises the session. A flow that is not
/// finished is shown as it is.
pub async fn resume(
    app: &App,
    environment: Id<Environment>,
    flow: Uuid,
    visitor: &Visitor,
) -> Result<Resumed, FlowFailure> {
    let mut has_session = false;
    for _ in 0..ATTEMPTS {
        match try_once(app, environment, flow, visitor, has_session).await? {
            Tried::Done(resumed) => return Ok(*resumed),
            Tried::Stale => {}
            Tried::SessionIsStored => has_session = true,
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}

enum Tried {
    Done(Box<Resumed>),
    Stale,
    /// Another flow has opened the same session meanwhile.
    SessionIsStored,
}

async fn try_once(
    app: &App,
    environment: Id<Environment>,
    flow: Uuid,
    visitor: &Visitor,
    has_session: bool,
) -> Result<Tried, FlowFailure> {
    let now = app.now();
    let key = environment_key(app, environment)
        .await?
        .ok_or(FlowFailure::NotFound)?;
    let (row, user) = flow_and_user(&*app.engine, environment.uuid(), flow)
        .await?
        .unzip();
    let Admitted {
        mut flow,
        version,
        key,
        application,
        allowed_origin,
    } = admit(app, key, row, visitor).await?;
    let login_page_url = application.body.login_page_url.clone();
    if !flow.status.is_final() {
        let is_pi_flow = flow.authorization_request.request.recipient.is_pi_flow();
        let shown = Shown {
            flow,
            cookie: None,
            authorize_response: None,
            refused: None,
            allowed_origin,
        };
        return Ok(Tried::Done(Box::new(if is_pi_flow {
            Resumed::Flow(shown)
        } else {
            Resumed::Page {
                shown,
                login_page_url,
            }
        })));
    }
    let known = user
        .flatten()
        .map(|rows| Known::of(rows, now))
        .transpose()?;
    let is_permitted = is_permitted(&application, known.as_ref());
    let session = match flow.session.id.parse() {
        Ok(id) if has_session || flow.authorization_request.session_is_stored => {
            sessions::read(&*app.engine, environment.uuid(), id).await?
        }
        Ok(_) | Err(_) => browser::opened_meanwhile(app, &key, &flow, visitor, now).await?,
    };
    let id = flow.id.uuid();
    let ending = Ending {
        app,
        key: &key,
        visitor,
        known: known.as_ref(),
        is_permitted,
        session,
        now,
    };
    let Ended {
        statements,
        outcome,
        cookie,
    } = ending.end(&mut flow)?;
    // First of all: whoever comes second finds nothing to be answered.
    let mut batch = Batch(vec![flows::consume(environment.uuid(), id, version)]);
    batch.extend(statements);
    match app.commit(batch).await {
        Ok(()) => {}
        Err(StoreError::Refused(Fault::Stale)) => return Ok(Tried::Stale),
        Err(StoreError::Refused(Fault::NotUnique { .. })) => return Ok(Tried::SessionIsStored),
        Err(error) => return Err(error.into()),
    }
    let issuer = visitor.origin.issuer(environment);
    let recipient = &flow.authorization_request.request.recipient;
    let refused = outcome.refused().cloned();
    let told = outcome.told(recipient, &issuer, &visitor.correlation_id);
    Ok(Tried::Done(Box::new(match told {
        Told::Inline(members) => Resumed::Flow(Shown {
            flow,
            cookie,
            authorize_response: Some(members),
            refused,
            allowed_origin,
        }),
        Told::ThroughBrowser(answer) => Resumed::Answer {
            answer,
            refused,
            cookie,
            allowed_origin,
        },
    })))
}

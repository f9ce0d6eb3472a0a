//! What is done to a flow: load, compare, step, commit, and only then answer.

use std::{mem, sync::Arc};

use stepgate_domain::{
    flow::{self, Action, Answer, FlowError, Transition},
    id::Id,
    resources::environment::Environment,
    violation::Violation,
};
use stepgate_store::{
    engine::{Batch, Fault, StoreError},
    facts::flow_facts,
    flows,
};
use uuid::Uuid;

use super::{
    ATTEMPTS, Deed, FlowFailure, Shown, Visitor,
    admission::{Admitted, admit, environment_key},
    authorize::stored,
    code::Drawn,
    effects::Stage,
    facts::{Known, Whom, facts, is_permitted},
    pace::Pace,
    verdict::{Judged, count_look_up, judge, typed_name},
};
use crate::{App, seal::DataKey};

/// Does something to a flow. What a step was judged by is checked again by the commit; whoever comes
/// second is judged by what the first one left.
pub async fn act(
    app: &App,
    environment: Id<Environment>,
    flow: Uuid,
    visitor: &Visitor,
    deed: Deed,
) -> Result<Shown, FlowFailure> {
    let key = environment_key(app, environment)
        .await?
        .ok_or(FlowFailure::NotFound)?;
    let mut pace = Pace::begin();
    let done = try_often(app, environment, &key, flow, visitor, &deed, &mut pace).await;
    pace.keep().await;
    done
}

async fn try_often(
    app: &App,
    environment: Id<Environment>,
    key: &Arc<DataKey>,
    flow: Uuid,
    visitor: &Visitor,
    deed: &Deed,
    pace: &mut Pace,
) -> Result<Shown, FlowFailure> {
    for _ in 0..ATTEMPTS {
        if let Some(shown) = try_once(app, environment, key, flow, visitor, deed, pace).await? {
            return Ok(shown);
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}

/// `None`: it has to be judged again.
async fn try_once(
    app: &App,
    environment: Id<Environment>,
    key: &Arc<DataKey>,
    flow: Uuid,
    visitor: &Visitor,
    deed: &Deed,
    pace: &mut Pace,
) -> Result<Option<Shown>, FlowFailure> {
    let now = app.now();
    let (row, user) = flow_facts(&*app.engine, environment.uuid(), flow)
        .await?
        .unzip();
    let known = user
        .flatten()
        .map(|rows| Known::of(rows, now))
        .transpose()?;
    if let Some(known) = &known
        && known.was_ahead(app, now).await?
    {
        return Ok(None);
    }
    let admitted = admit(app, key.clone(), row, visitor).await?;
    let Admitted {
        flow,
        version,
        application,
        allowed_origin,
        ..
    } = admitted;
    let refuse = |error| refused(error, allowed_origin.clone());
    let action = action(deed);
    if !flow.offers(action) {
        let status = flow.status.name();
        return Err(refuse(FlowError::InvalidAction {
            action: Some(action),
            status,
        }));
    }
    if let Some(violation) = fault(deed, &flow) {
        return Err(FlowFailure::Invalid {
            violations: vec![violation],
            allowed_origin,
        });
    }
    pace.is_kept = typed_name(deed, &flow).is_some();
    let counted = match deed {
        Deed::UserLookup { .. } => count_look_up(app, flow.id, visitor).map_err(refuse)?,
        _ => None,
    };
    let Judged {
        input,
        known,
        stand_in,
        attempt,
    } = judge(app, key, &flow, known, deed).await?;
    let whom = Whom {
        known: known.as_ref(),
        is_permitted: is_permitted(&application, known.as_ref()),
        stand_in,
    };
    let drawn = Drawn::new(app, key, flow.id);
    let facts = facts(app, environment.uuid(), &flow.policies, whom, &drawn, now).await?;
    let Transition {
        flow,
        effects,
        answer,
    } = flow::step(&flow, &input, &facts).map_err(refuse)?;
    let stage = Stage {
        app,
        key,
        flow: &flow,
        known: known.as_ref(),
        visitor: Some(visitor),
        drawn: &drawn,
        now,
    };
    let mut writes = stage.writes(effects, attempt).await?;
    let mut batch = Batch(vec![flows::update(stored(&flow, version)?)]);
    batch.extend(mem::take(&mut writes.statements));
    match app.commit(batch).await {
        Ok(()) => {}
        Err(StoreError::Refused(Fault::Stale)) => {
            if let Some(counted) = counted {
                app.look_ups.take_back(counted);
            }
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    writes.committed(app);
    match answer {
        Answer::Accepted => Ok(Some(Shown {
            flow,
            cookie: None,
            authorize_response: None,
            refused: None,
            allowed_origin,
        })),
        Answer::Refused(error) => Err(refuse(error)),
    }
}

pub(super) fn refused(error: FlowError, allowed_origin: Option<String>) -> FlowFailure {
    match error {
        FlowError::FlowExpired => FlowFailure::NotFound,
        FlowError::FactsMissing => super::unexpected(error).into(),
        error => FlowFailure::Refused {
            error,
            allowed_origin,
        },
    }
}

const fn action(deed: &Deed) -> Action {
    match deed {
        Deed::SessionReset => Action::SessionReset,
        Deed::UserLookup { .. } => Action::UserLookup,
        Deed::UsernamePasswordCheck { .. } => Action::UsernamePasswordCheck,
        Deed::DeviceSelect { .. } => Action::DeviceSelect,
        Deed::OtpCheck { .. } => Action::OtpCheck,
    }
}

/// A member that this flow cannot do without.
fn fault(deed: &Deed, flow: &flow::Flow) -> Option<Violation> {
    match deed {
        Deed::UserLookup { username }
        | Deed::UsernamePasswordCheck {
            username: Some(username),
            ..
        } => username
            .trim()
            .is_empty()
            .then(|| Violation::empty("username")),
        Deed::UsernamePasswordCheck { username: None, .. } => {
            flow.needs(action(deed)).map(Violation::required)
        }
        Deed::SessionReset | Deed::DeviceSelect { .. } | Deed::OtpCheck { .. } => None,
    }
}

//! Who the caller is and whether the operation is permitted: before any handler runs.

use axum::http::header;
use stepgate_app::{
    error::{Denial, ManagementError, Missing},
    management::{self, Actor, Caller},
    tokens,
};
use stepgate_domain::{
    access::{Access, Permission, Reach, Verdict, judge},
    resource::Resource,
    resources::{environment::Environment, user::User},
};
use uuid::Uuid;

use crate::{
    api::{Guard, Operation},
    call::Call,
    error::management::{ApiError, BearerChallenge},
    exchange::KnownCaller,
    refusal::Refusal,
};

/// What a token of the management API is for, in challenges.
const REALM: &str = "management";

pub(crate) async fn admit(call: &Call, operation: &Operation) -> Result<Option<Caller>, ApiError> {
    let permission = match operation.guard {
        Guard::Public => return Ok(None),
        Guard::Token => None,
        Guard::Permission(permission) => Some(permission),
    };
    let refuse = |token_was_sent| {
        ApiError::InvalidToken(BearerChallenge {
            realm: REALM.to_owned(),
            token_was_sent,
        })
    };
    let token = bearer(call).ok_or_else(|| refuse(false))?;
    let actor = tokens::verify_management(&call.app, &call.exchange.origin, token)
        .await?
        .map_err(|fault| {
            call.exchange.refuse(fault);
            refuse(true)
        })?;
    call.exchange.note_caller(KnownCaller {
        client: Some(actor.application.uuid()),
        user: actor.user,
        home: Some(actor.environment.uuid()),
    });
    let caller = |reach, access| Caller {
        actor: actor.clone(),
        reach,
        access,
        correlation_id: call.exchange.correlation_id.clone(),
        remote_ip: call.remote,
    };
    let Some(permission) = permission else {
        // Without any role there is nothing to administer, and so nothing to answer.
        if actor.assignments.is_empty() {
            return Err(ManagementError::Forbidden(Denial::NoRole).into());
        }
        return Ok(Some(caller(Reach::Everything, Access::Read)));
    };
    let environment = environment_of(call)?;
    match judge(&actor.assignments, environment, permission) {
        Verdict::Allowed(reach) => {
            if let Some(environment) = environment
                && management::cached::<Environment>(&call.app, environment, environment)
                    .await?
                    .is_none()
            {
                return Err(unknown_environment(environment));
            }
            Ok(Some(caller(reach, permission.access)))
        }
        Verdict::Forbidden => Err(denied(call, permission)),
        Verdict::Unknown => match (own_account(call, operation, &actor)?, environment) {
            (Some(user), _) => Ok(Some(caller(Reach::Own(user), permission.access))),
            (None, Some(environment)) => Err(unknown_environment(environment)),
            (None, None) => Err(denied(call, permission)),
        },
    }
}

/// No role of the caller has the permission.
fn denied(call: &Call, permission: Permission) -> ApiError {
    let error = ManagementError::Forbidden(Denial::Permission);
    let ids: Vec<String> = permission.ids().map(|id| id.to_string()).collect();
    call.exchange
        .refuse(Refusal::from(&error).with(ids.join(" ")));
    error.into()
}

/// The user who asks for something of the own account, with the scope for it.
fn own_account(
    call: &Call,
    operation: &Operation,
    actor: &Actor,
) -> Result<Option<Uuid>, ApiError> {
    let (Some(scope), Some(user)) = (operation.own_scope, actor.user) else {
        return Ok(None);
    };
    let is_own = actor.scopes.iter().any(|held| held == scope)
        && call.id::<User>("userID").is_ok_and(|id| id.uuid() == user)
        && call.environment()? == actor.environment;
    Ok(is_own.then_some(user))
}

/// The environment that the path speaks of. A malformed id names none.
fn environment_of(call: &Call) -> Result<Option<Uuid>, ApiError> {
    if call.params.contains_key("environmentID") {
        Ok(Some(call.environment()?.uuid()))
    } else {
        Ok(None)
    }
}

fn unknown_environment(id: Uuid) -> ApiError {
    ManagementError::NotFound(Some(Missing {
        kind: Environment::KIND,
        id,
        environment: id,
    }))
    .into()
}

fn bearer(call: &Call) -> Option<&str> {
    let value = call.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}

/// The permission to read or write a kind of resource.
pub(crate) const fn reads(kind: &stepgate_domain::resource::Kind) -> Guard {
    Guard::Permission(Permission::read(kind.area))
}

pub(crate) const fn writes(kind: &stepgate_domain::resource::Kind) -> Guard {
    Guard::Permission(Permission::write(kind.area))
}

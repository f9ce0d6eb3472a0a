//! Why a use case did not happen, as facts. The edge gives them a status and words.

use stepgate_domain::{
    resource::{Kind, Refusal, Scope},
    time::Duration,
    violation::{Violation, ViolationCode},
};
use stepgate_store::engine::{Fault, StoreError};

use crate::{cores::WorkError, seal::SealError};

/// Why a caller may not do something. Told in the log only: the answer is the same for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The token carries no role at all.
    NoRole,
    /// No role of the caller has the permission.
    Permission,
    /// The object is, or would come to be, in a part of the environment that the caller does not
    /// administer.
    OutOfReach,
    /// The object holds roles that the caller could not assign.
    HoldsMore,
    /// Somebody in the environment holds roles that the caller could not assign.
    EnvironmentHoldsMore,
    /// Whoever holds roles changes their own account only just after a second factor.
    SecondFactorTooOld,
    OwnIdentityProvider,
    /// Not the caller's organization.
    Organization,
}

impl Denial {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoRole => "no_role",
            Self::Permission => "permission_missing",
            Self::OutOfReach => "out_of_reach",
            Self::HoldsMore => "object_holds_more",
            Self::EnvironmentHoldsMore => "environment_holds_more",
            Self::SecondFactorTooOld => "second_factor_too_old",
            Self::OwnIdentityProvider => "own_identity_provider",
            Self::Organization => "other_organization",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ManagementError {
    /// The body breaks rules: all of them, at once.
    #[error("the body is invalid: {0:?}")]
    Invalid(Vec<Violation>),
    /// The state forbids it.
    #[error("the request failed: {0:?}")]
    Failed(Violation),
    /// No such object, or none that the caller may know of. `None`: the generic sentence.
    #[error("not found")]
    NotFound(Option<Missing>),
    #[error("the caller has no right to this: {}", .0.as_str())]
    Forbidden(Denial),
    /// A parameter of the query cannot be served.
    #[error("the query cannot be served: {0:?}")]
    InvalidQuery(Violation),
    /// `If-Match` names another version.
    #[error("the precondition failed")]
    PreconditionFailed,
    /// A limit on how often something may be asked.
    #[error("too often: {detail:?}")]
    Limited {
        detail: Violation,
        retry_after: Duration,
    },
    /// The store cannot write, or not in time, or there is too much to do: the same request may
    /// succeed later.
    #[error("no answer is possible now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A fault of this server or of what it stands on.
    #[error("internal failure")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What was not found, for the message that clients compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    pub kind: &'static Kind,
    pub id: uuid::Uuid,
    pub environment: uuid::Uuid,
}

impl From<Refusal> for ManagementError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(violation) => Self::Invalid(vec![violation]),
            Refusal::Failed(violation) => Self::Failed(violation),
        }
    }
}

impl From<Vec<Violation>> for ManagementError {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Invalid(violations)
    }
}

impl From<Violation> for ManagementError {
    fn from(violation: Violation) -> Self {
        Self::Invalid(vec![violation])
    }
}

impl From<SealError> for ManagementError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Store(error) => error.into(),
            other @ (SealError::Unopenable | SealError::MalformedMasterKey) => {
                Self::Internal(Box::new(other))
            }
        }
    }
}

impl From<WorkError> for ManagementError {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Crowded => Self::Unavailable(Box::new(error)),
            WorkError::Interrupted => Self::Internal(Box::new(error)),
        }
    }
}

impl From<StoreError> for ManagementError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(Fault::NotUnique { target }) => {
                Violation::not_unique(target, Scope::Environment).into()
            }
            StoreError::Refused(Fault::BrokenReference { target }) => {
                Violation::invalid(target, "names an object that does not exist").into()
            }
            StoreError::Refused(Fault::Missing) => Self::NotFound(None),
            StoreError::StillReferenced => {
                Violation::constraint("id", "is still in use by another object").into()
            }
            other @ (StoreError::DiskFull | StoreError::Unwritable(_) | StoreError::TooLong) => {
                Self::Unavailable(Box::new(other))
            }
            other @ (StoreError::Refused(Fault::Stale | Fault::Consumed(_))
            | StoreError::Decode(_)
            | StoreError::Locked
            | StoreError::Damaged(_)
            | StoreError::NewerSchema { .. }
            | StoreError::Driver(_)
            | StoreError::Closed) => Self::Internal(Box::new(other)),
        }
    }
}

impl ManagementError {
    /// The cursor is not one that this collection gave.
    pub fn bad_cursor() -> Self {
        Self::InvalidQuery(Violation::new(
            ViolationCode::InvalidParameter,
            "cursor",
            "is not a cursor that this collection gave",
        ))
    }
    /// Why a write of objects was refused that stand within the organization or an environment.
    pub(crate) fn of_write(error: StoreError, within: Scope) -> Self {
        match error {
            StoreError::Refused(Fault::NotUnique { target }) => {
                Violation::not_unique(target, within).into()
            }
            other => other.into(),
        }
    }
}

impl From<serde_json::Error> for ManagementError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}

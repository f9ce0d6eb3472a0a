//! How far a permitted call reaches. There is one rule for it, which the queries and the use cases both
//! go by; what it does not name is out of reach.

use uuid::Uuid;

use crate::{
    resource::Kind,
    resources::{
        application::APPLICATION, environment::ENVIRONMENT, population::POPULATION, user::USER,
    },
};

/// Every query takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Everything,
    /// Only these environments, among the organization's.
    Environments(Vec<Uuid>),
    /// Only what belongs to these populations.
    Populations(Vec<Uuid>),
    /// Only these applications.
    Applications(Vec<Uuid>),
    /// Only this user, who asks for the own account with a scope for it.
    Own(Uuid),
}

/// What a reach means for the objects of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit<'a> {
    /// All of them.
    Unlimited,
    /// Those that have one of these so many owners above them; 0 is the object itself.
    Among {
        owners_above: usize,
        ids: &'a [Uuid],
    },
    /// None of them.
    Nothing,
}

impl Reach {
    pub fn limit(&self, kind: &'static Kind) -> Limit<'_> {
        let (anchor, ids): (&Kind, &[Uuid]) = match self {
            Self::Everything => return Limit::Unlimited,
            Self::Environments(ids) => (&ENVIRONMENT, ids),
            Self::Populations(ids) => (&POPULATION, ids),
            Self::Applications(ids) => (&APPLICATION, ids),
            Self::Own(id) => (&USER, std::slice::from_ref(id)),
        };
        let mut line = std::iter::successors(Some(kind), |kind| kind.parent);
        match line.position(|kind| kind == anchor) {
            Some(owners_above) => Limit::Among { owners_above, ids },
            None => Limit::Nothing,
        }
    }
}

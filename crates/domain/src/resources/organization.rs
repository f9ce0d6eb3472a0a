//! The organization: what all environments and licences belong to. Clients only read it.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;

use crate::{
    access::Area,
    id::{Id, Ref},
    resource::{
        Built, Context, DefaultMark, FilterAttribute, FilterSource, Kind, Link, Resource, Scope,
        Stored, Term, ViewMember,
    },
    scim::Operator,
    time::Timestamp,
    violation::Violation,
};

pub static ORGANIZATION: Kind = Kind {
    scope: Scope::Organization,
    ..Kind::new("organization", "organizations", Area::Organization)
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum OrganizationType {
    Paid,
    Trial,
    Internal,
}

/// Who is billed. Nobody is; clients expect to be told.
#[derive(Debug)]
pub enum BillingConnection {}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub organization_type: OrganizationType,
    /// Clients expect exactly one.
    pub billing_connections: Vec<Ref<BillingConnection>>,
}

impl Organization {
    /// The one that an installation is made with.
    pub fn born(name: String, billing_connection: Id<BillingConnection>) -> Built<Self> {
        let organization = Self {
            name,
            description: None,
            organization_type: OrganizationType::Internal,
            billing_connections: vec![billing_connection.into()],
        };
        Built {
            default: DefaultMark::Set,
            ..Built::from(organization)
        }
    }
}

impl Resource for Organization {
    const KIND: &'static Kind = &ORGANIZATION;
    type Draft = Self;
    const FILTER: &'static [FilterAttribute] = &[
        FilterAttribute::new("name", &[Operator::Sw, Operator::Eq], FilterSource::Term),
        FilterAttribute::exact("id", FilterSource::Id),
    ];

    fn build(
        draft: Self,
        _previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        Ok(draft.into())
    }

    fn terms(&self) -> Vec<Term> {
        vec![Term::new("name", &self.name)]
    }

    /// Clients expect ids of billing connections to be letters and digits only.
    fn view_members(_generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        let connection = json!({
            "type": "object",
            "required": ["id"],
            "properties": { "id": { "type": "string" } },
        });
        let connections = json!({ "type": "array", "items": connection });
        vec![ViewMember::always("billingConnections", connections)]
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        let connections = stored.body.billing_connections.iter();
        let shown: Vec<_> = connections
            .map(|connection| json!({ "id": connection.id.uuid().simple().to_string() }))
            .collect();
        let mut members = stored.body_members();
        members.insert("billingConnections".to_owned(), shown.into());
        members
    }

    fn links(_stored: &Stored<Self>) -> Vec<(&'static str, Link)> {
        vec![
            ("licenses", Link::Below("/licenses")),
            ("environments", Link::Root("/environments".to_owned())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::trial::{NOW, stored};

    #[test]
    fn it_shows_its_type_and_one_billing_connection() {
        let organization =
            Organization::born("Local".to_owned(), Id::from_uuid(uuid::Uuid::from_u128(7)));
        let members = Organization::view(&stored(organization.body), NOW);
        assert_eq!(members["type"], "INTERNAL");
        assert_eq!(
            members["billingConnections"],
            json!([{ "id": format!("{:032x}", 7) }])
        );
    }
}

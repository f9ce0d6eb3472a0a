//! The environment: the wall around everything else.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;
use uuid::Uuid;

use crate::{
    access::{Area, Carries},
    hidden::Hidden,
    id::{Id, Ref},
    resource::{
        Built, Context, FilterAttribute, FilterSource, Kind, Link, OrderAttribute, Paging,
        Reference, Resource, Scope, Stored, Term, UniqueKey, ViewMember,
    },
    resources::{
        license::{LICENSE, License},
        organization::{ORGANIZATION, Organization},
    },
    scim::Operator,
    time::{Duration, Timestamp},
    violation::Violation,
};

pub mod bill_of_materials;

use bill_of_materials::{BillOfMaterials, BillOfMaterialsDraft};

pub static ENVIRONMENT: Kind = Kind {
    parent: Some(&ORGANIZATION),
    scope: Scope::Organization,
    not_found: Some(|id, _| format!("Unable to find environment with ID: '{id}'")),
    ..Kind::new("environment", "environments", Area::Environment)
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum EnvironmentType {
    Production,
    Sandbox,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum EnvironmentStatus {
    Active,
    DeletePending,
}

/// Where the data are said to be. An installation is in one place, and its environments with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Region {
    Ap,
    Au,
    Ca,
    Eu,
    #[default]
    Na,
    Sg,
}

impl Region {
    pub const ALL: [Self; 6] = [Self::Ap, Self::Au, Self::Ca, Self::Eu, Self::Na, Self::Sg];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ap => "AP",
            Self::Au => "AU",
            Self::Ca => "CA",
            Self::Eu => "EU",
            Self::Na => "NA",
            Self::Sg => "SG",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|region| region.as_str() == name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Subtype {
    Dev,
    Qa,
    Staging,
    Testing,
    Uat,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    pub name: String,
    pub description: Option<String>,
    pub icon: Option<String>,
    pub organization: Ref<Organization>,
    #[serde(rename = "type")]
    pub environment_type: EnvironmentType,
    pub subtype: Option<Subtype>,
    pub region: Region,
    pub status: EnvironmentStatus,
    pub license: Ref<License>,
    /// Set while a production environment waits to be deleted.
    pub soft_deleted_at: Option<Timestamp>,
    pub hard_deleted_allowed_at: Option<Timestamp>,
    /// Shown by itself, or when asked for.
    #[schemars(skip)]
    pub bill_of_materials: Hidden<BillOfMaterials>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentDraft {
    #[schemars(length(min = 1, max = 255), extend("format" = "name"))]
    pub name: String,
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    #[schemars(url, length(max = 2048))]
    pub icon: Option<String>,
    #[serde(rename = "type")]
    pub environment_type: EnvironmentType,
    pub subtype: Option<Subtype>,
    /// Absent: where the environment is, or where the installation is.
    pub region: Option<Region>,
    /// Absent: the default licence.
    pub license: Option<Ref<License>>,
    /// Read on creation only; afterwards it has a path of its own.
    pub bill_of_materials: Option<BillOfMaterialsDraft>,
}

impl EnvironmentDraft {
    /// The draft of an environment of an installation in this region, and what is wrong about the
    /// one that it names.
    #[must_use]
    pub fn located(self, here: Region) -> (Self, Option<Violation>) {
        let elsewhere = self.region.filter(|region| *region != here);
        let draft = Self {
            region: Some(here),
            ..self
        };
        let fault = elsewhere.map(|_| Violation::not_allowed("region", &[here.as_str()]));
        (draft, fault)
    }
}

/// The body of `PUT …/type`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub struct TypeDraft {
    #[serde(rename = "type")]
    pub environment_type: EnvironmentType,
}

/// The body of `PUT …/status`.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub struct StatusDraft {
    pub status: EnvironmentStatus,
}

/// What deleting an environment means for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Deletion {
    Now,
    /// It stays, marked, until its time of grace is over.
    Later(Box<Environment>),
}

/// How long a production environment can be brought back.
const GRACE: Duration = Duration::from_days(30);

impl Environment {
    #[must_use]
    pub fn with_type(self, draft: TypeDraft) -> Self {
        Self {
            environment_type: draft.environment_type,
            ..self
        }
    }

    #[must_use]
    pub fn with_status(self, draft: StatusDraft, now: Timestamp) -> Self {
        let (soft_deleted_at, hard_deleted_allowed_at) = match draft.status {
            EnvironmentStatus::Active => (None, None),
            EnvironmentStatus::DeletePending => {
                let since = self.soft_deleted_at.unwrap_or(now);
                (Some(since), Some(since + GRACE))
            }
        };
        Self {
            status: draft.status,
            soft_deleted_at,
            hard_deleted_allowed_at,
            ..self
        }
    }

    pub fn deletion(self, now: Timestamp) -> Deletion {
        let is_over = self
            .hard_deleted_allowed_at
            .is_some_and(|allowed| allowed <= now);
        match self.environment_type {
            EnvironmentType::Sandbox => Deletion::Now,
            EnvironmentType::Production if is_over => Deletion::Now,
            EnvironmentType::Production => {
                let draft = StatusDraft {
                    status: EnvironmentStatus::DeletePending,
                };
                Deletion::Later(Box::new(self.with_status(draft, now)))
            }
        }
    }

    /// The members shown on creation, and with `expand=billOfMaterials`.
    pub fn expanded(stored: &Stored<Self>) -> Map<String, Value> {
        let mut members = stored.body_members();
        let bill = &*stored.body.bill_of_materials;
        members.insert("billOfMaterials".to_owned(), json!(bill));
        members
    }

    /// The environment that holds those who administer the installation.
    pub fn administrators(
        organization: Id<Organization>,
        license: Id<License>,
        region: Region,
    ) -> Self {
        Self {
            name: "Administrators".to_owned(),
            description: Some("Holds the administrators of this installation.".to_owned()),
            icon: None,
            organization: organization.into(),
            environment_type: EnvironmentType::Production,
            subtype: None,
            region,
            status: EnvironmentStatus::Active,
            license: license.into(),
            soft_deleted_at: None,
            hard_deleted_allowed_at: None,
            bill_of_materials: Hidden::default(),
        }
    }
}

impl Resource for Environment {
    const KIND: &'static Kind = &ENVIRONMENT;
    type Draft = EnvironmentDraft;
    const PAGING: Paging = Paging::Pages {
        default: 1_000,
        maximum: 5_000,
    };
    const NEEDS_DEFAULTS: &'static [&'static Kind] = &[&ORGANIZATION, &LICENSE];
    const FILTER: &'static [FilterAttribute] = &[
        FilterAttribute::new("name", &[Operator::Sw, Operator::Eq], FilterSource::Term),
        FilterAttribute::exact("id", FilterSource::Id),
        FilterAttribute::exact("organization.id", FilterSource::Parent),
        FilterAttribute::exact("license.id", FilterSource::Term),
        FilterAttribute::exact("status", FilterSource::Term),
    ];
    const ORDER: &'static [OrderAttribute] = &[
        OrderAttribute::new("name", FilterSource::Term),
        OrderAttribute::new("createdAt", FilterSource::CreatedAt),
        OrderAttribute::new("updatedAt", FilterSource::UpdatedAt),
    ];

    fn carries(&self, _now: Timestamp) -> Carries {
        Carries {
            by_itself: self.status == EnvironmentStatus::Active,
            ..Carries::default()
        }
    }

    fn build(
        draft: EnvironmentDraft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let mut faults = Vec::new();
        let before = previous.map(|previous| &previous.body);
        let region = before.map(|before| before.region);
        if let (Some(here), Some(wanted)) = (region, draft.region)
            && wanted != here
        {
            let fault = Violation::invalid("region", "cannot be changed");
            faults.push(fault.allowing(&[here.as_str()]));
        }
        let default = (context.defaults)(&LICENSE).map(|id| Ref::from(Id::from_uuid(id)));
        let license = draft
            .license
            .or(before.map(|before| before.license))
            .or(default);
        let default = (context.defaults)(&ORGANIZATION).map(|id| Ref::from(Id::from_uuid(id)));
        let organization = before.map(|before| before.organization).or(default);
        let bill_of_materials = match before {
            Some(before) => Ok((*before.bill_of_materials).clone()),
            None => BillOfMaterials::build(
                draft.bill_of_materials.unwrap_or_default(),
                None,
                context.now,
                context.entropy,
            ),
        };
        let bill_of_materials = bill_of_materials.unwrap_or_else(|found| {
            faults.extend(found.into_iter().map(|fault| Violation {
                target: format!("billOfMaterials.{}", fault.target),
                ..fault
            }));
            BillOfMaterials::default()
        });
        if license.is_none() {
            faults.push(Violation::required("license.id"));
        }
        if organization.is_none() {
            faults.push(Violation::required("organization.id"));
        }
        let (Some(license), Some(organization), true) = (license, organization, faults.is_empty())
        else {
            return Err(faults);
        };
        let built = Self {
            name: draft.name,
            description: draft.description,
            icon: draft.icon,
            organization,
            // Read-only here: it changes through its own path.
            environment_type: before
                .map_or(draft.environment_type, |before| before.environment_type),
            subtype: draft.subtype,
            region: region.or(draft.region).unwrap_or_default(),
            status: before.map_or(EnvironmentStatus::Active, |before| before.status),
            license,
            soft_deleted_at: before.and_then(|before| before.soft_deleted_at),
            hard_deleted_allowed_at: before.and_then(|before| before.hard_deleted_allowed_at),
            bill_of_materials: bill_of_materials.into(),
        };
        Ok(built.into())
    }

    fn parent(&self) -> Option<(Uuid, &'static str)> {
        Some((self.organization.id.uuid(), "organization.id"))
    }

    fn unique(&self) -> Vec<UniqueKey> {
        vec![UniqueKey::name(&self.name)]
    }

    fn references(&self) -> Vec<Reference> {
        vec![Reference::to(
            &LICENSE,
            self.license.id.uuid(),
            "license.id",
        )]
    }

    fn terms(&self) -> Vec<Term> {
        let status = match self.status {
            EnvironmentStatus::Active => "ACTIVE",
            EnvironmentStatus::DeletePending => "DELETE_PENDING",
        };
        vec![
            Term::new("name", &self.name),
            Term::new("license.id", &self.license.id.to_string()),
            Term::new("status", status),
        ]
    }

    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        let bill = generator.subschema_for::<BillOfMaterials>();
        vec![ViewMember::sometimes("billOfMaterials", bill)]
    }

    fn links(stored: &Stored<Self>) -> Vec<(&'static str, Link)> {
        let Environment {
            organization,
            license,
            ..
        } = &stored.body;
        let license = format!("/organizations/{}/licenses/{}", organization.id, license.id);
        let mut links = vec![("license", Link::Root(license))];
        links.extend([
            ("populations", Link::Below("/populations")),
            ("users", Link::Below("/users")),
            ("applications", Link::Below("/applications")),
            ("resources", Link::Below("/resources")),
            ("passwordPolicies", Link::Below("/passwordPolicies")),
            ("signOnPolicies", Link::Below("/signOnPolicies")),
            ("templates", Link::Below("/templates")),
            ("billOfMaterials", Link::Below("/billOfMaterials")),
        ]);
        links
    }
}

#[cfg(test)]
mod tests;

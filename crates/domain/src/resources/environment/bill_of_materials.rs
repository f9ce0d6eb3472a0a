//! The bill of materials: which products an environment is said to be made of. Clients write it,
//! read it back, and decide by it what to offer.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    entropy::Entropy,
    id::{Id, Ref},
    time::Timestamp,
    violation::Violation,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum ProductType {
    PingOneBase,
    PingOneMfa,
    PingOneDavinci,
    PingOneRisk,
    PingOneFraud,
    PingOneVerify,
    PingOneCredentials,
    PingOneAuthorize,
    PingOneProvisioning,
    PingOneOrchestrate,
    PingOneForEnterprise,
    PingOneForSaas,
    PingId,
    PingOneId,
    PingIdSdk,
    PingFederate,
    PingAccess,
    PingDirectory,
    PingAuthorize,
    PingIntelligence,
    PingCentral,
    PingDataSync,
    PingDataGovernance,
}

impl ProductType {
    const fn description(self) -> &'static str {
        match self {
            Self::PingOneBase => "PingOne Platform",
            Self::PingOneMfa => "PingOne MFA",
            Self::PingOneDavinci => "PingOne DaVinci",
            Self::PingOneRisk => "PingOne Risk",
            Self::PingOneFraud => "PingOne Fraud",
            Self::PingOneVerify => "PingOne Verify",
            Self::PingOneCredentials => "PingOne Credentials",
            Self::PingOneAuthorize => "PingOne Authorize",
            Self::PingOneProvisioning => "PingOne Provisioning",
            Self::PingOneOrchestrate => "PingOne Orchestrate",
            Self::PingOneForEnterprise => "PingOne for Enterprise",
            Self::PingOneForSaas => "PingOne for SaaS",
            Self::PingId => "PingID",
            Self::PingOneId => "PingOne ID",
            Self::PingIdSdk => "PingID SDK",
            Self::PingFederate => "PingFederate",
            Self::PingAccess => "PingAccess",
            Self::PingDirectory => "PingDirectory",
            Self::PingAuthorize => "PingAuthorize",
            Self::PingIntelligence => "PingIntelligence",
            Self::PingCentral => "PingCentral",
            Self::PingDataSync => "PingDataSync",
            Self::PingDataGovernance => "PingDataGovernance",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum SolutionType {
    Workforce,
    Customer,
    CiamTrial,
    WfTrial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum ProductTag {
    DavinciMinimal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Console {
    #[schemars(url, length(max = 2048))]
    pub href: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Bookmark {
    #[schemars(length(min = 1, max = 50))]
    pub name: String,
    #[schemars(url, length(max = 2048))]
    pub href: String,
}

/// Something outside this server.
#[derive(Debug)]
pub enum Deployment {}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ProductDraft {
    #[serde(rename = "type")]
    pub product_type: ProductType,
    pub console: Option<Console>,
    pub tags: Option<Vec<ProductTag>>,
    pub deployment: Option<Ref<Deployment>>,
    #[schemars(length(max = 5))]
    pub bookmarks: Option<Vec<Bookmark>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct BillOfMaterialsDraft {
    #[schemars(length(max = 100))]
    pub products: Vec<ProductDraft>,
    pub solution_type: Option<SolutionType>,
}

/// What an environment gets that was made without one.
impl Default for BillOfMaterialsDraft {
    fn default() -> Self {
        let product = |product_type| ProductDraft {
            product_type,
            console: None,
            tags: None,
            deployment: None,
            bookmarks: None,
        };
        let products = [ProductType::PingOneBase, ProductType::PingOneMfa]
            .map(product)
            .to_vec();
        Self {
            products,
            solution_type: None,
        }
    }
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    pub id: Id<Self>,
    pub description: Option<String>,
    #[serde(flatten)]
    pub product: ProductDraft,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BillOfMaterials {
    pub products: Vec<Product>,
    pub solution_type: Option<SolutionType>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl BillOfMaterials {
    /// A product keeps its id as long as one of its type is there. `solutionType` is set on
    /// creation, and ignored later.
    pub fn build(
        draft: BillOfMaterialsDraft,
        previous: Option<&Self>,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Vec<Violation>> {
        let mut faults = Vec::new();
        let mut known: Vec<_> =
            previous.map_or_else(Vec::new, |previous| previous.products.iter().collect());
        let mut products = Vec::new();
        for (index, product) in draft.products.into_iter().enumerate() {
            let kind = product.product_type;
            check(&product, index, &mut faults);
            let place = known
                .iter()
                .position(|known| known.product.product_type == kind);
            let id = place.map_or_else(|| Id::random(entropy), |place| known.remove(place).id);
            products.push(Product {
                id,
                description: Some(kind.description().to_owned()),
                product,
            });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            products,
            solution_type: previous.map_or(draft.solution_type, |previous| previous.solution_type),
            created_at: previous.map_or(now, |previous| previous.created_at),
            updated_at: now,
        })
    }
}

fn check(product: &ProductDraft, index: usize, faults: &mut Vec<Violation>) {
    let has_tags = product.tags.as_ref().is_some_and(|tags| !tags.is_empty());
    if has_tags && product.product_type != ProductType::PingOneDavinci {
        let message = "is only for products of type PING_ONE_DAVINCI";
        faults.push(Violation::invalid(
            format!("products[{index}].tags"),
            message,
        ));
    }
    let mut names = HashSet::new();
    for (place, bookmark) in product.bookmarks.iter().flatten().enumerate() {
        if !names.insert(&bookmark.name) {
            let target = format!("products[{index}].bookmarks[{place}].name");
            faults.push(Violation::invalid(
                target,
                "must be unique among the product's bookmarks",
            ));
        }
    }
}

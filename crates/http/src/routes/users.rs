//! Users: plain changes by the one mechanism, birth, death and the small parts by their own use cases.

use axum::http::{Method, StatusCode, header};
use serde_json::{Map, Value, json};
use stepgate_app::{management, users};
use stepgate_domain::{
    resource::{Resource, Stored},
    resources::user::{
        BypassMfaDraft, EnabledDraft, ImportDraft, LockDraft, MfaEnabledDraft, MoveDraft,
        ProviderDraft, User, VerifyStatusDraft,
    },
    schema,
};

use crate::{
    api::{Api, Operation, Takes},
    call::Call,
    crud::{self, many, one, read_only, writable},
    error::management::ApiError,
    guard::{reads, writes},
    hal,
    openapi::{SchemaOf, shapes},
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    let kind = User::KIND;
    api.then(read_only::<User>)
        .then(writable::<User>)
        .op(Operation::new(
            Method::POST,
            many(kind),
            Takes::Json,
            writes(kind),
            "Create a user",
            create,
        )
        .draft::<User>()
        .response::<User>())
        .op(Operation::new(
            Method::POST,
            many(kind),
            Takes::Vendor("user.import"),
            writes(kind),
            "Import a user, with a password",
            import,
        )
        .request::<ImportDraft>()
        .response::<User>()
        .status(201))
        .op(Operation::new(
            Method::DELETE,
            one(kind),
            Takes::Nothing,
            writes(kind),
            "Delete a user",
            remove,
        ))
        .op(Operation::new(
            Method::POST,
            one(kind),
            Takes::Vendor("account.lock"),
            writes(kind),
            "Lock an account",
            lock,
        )
        .request::<LockDraft>()
        .response::<User>())
        .op(Operation::new(
            Method::POST,
            one(kind),
            Takes::Vendor("account.unlock"),
            writes(kind),
            "Unlock an account",
            unlock,
        )
        .response::<User>())
        .then(parts)
}

/// The members that have a path of their own.
fn parts(api: Api) -> Api {
    let kind = User::KIND;
    let below = |path: &str| format!("{}{path}", one(kind));
    let get = |part: Part| {
        let read = move |call: Call| read_part(call, part);
        let (path, summary) = (below(part.path), format!("Read {} of a user", part.what));
        Operation::new(
            Method::GET,
            path,
            Takes::Nothing,
            reads(kind),
            summary,
            read,
        )
        .hal(part.schema)
    };
    api.op(get(ENABLED))
        .op(Operation::new(
            Method::PUT,
            below("/enabled"),
            Takes::Json,
            writes(kind),
            "Enable or disable a user",
            enable,
        )
        .request::<EnabledDraft>()
        .hal(ENABLED.schema))
        .op(get(POPULATION))
        .op(Operation::new(
            Method::PUT,
            below("/population"),
            Takes::Json,
            writes(kind),
            "Move a user to another population",
            move_to,
        )
        .request::<MoveDraft>()
        .hal(POPULATION.schema))
        .op(get(MFA_ENABLED))
        .op(Operation::new(
            Method::PUT,
            below("/mfaEnabled"),
            Takes::Json,
            writes(kind),
            "Turn MFA on or off for a user",
            enable_mfa,
        )
        .request::<MfaEnabledDraft>()
        .hal(MFA_ENABLED.schema))
        .op(Operation::new(
            Method::POST,
            below("/mfaEnabled"),
            Takes::Json,
            writes(kind),
            "Turn MFA on or off for a user",
            enable_mfa,
        )
        .request::<MfaEnabledDraft>()
        .hal(MFA_ENABLED.schema)
        .status(200))
        .op(get(BYPASS_MFA))
        .op(Operation::new(
            Method::PUT,
            below("/bypassMFA"),
            Takes::Json,
            writes(kind),
            "Bypass MFA for a while",
            bypass_mfa,
        )
        .request::<BypassMfaDraft>()
        .hal(BYPASS_MFA.schema))
        .op(get(VERIFY_STATUS))
        .op(Operation::new(
            Method::PUT,
            below("/verifyStatus"),
            Takes::Json,
            writes(kind),
            "Change the verification status",
            set_verify_status,
        )
        .request::<VerifyStatusDraft>()
        .hal(VERIFY_STATUS.schema))
        .op(get(IDENTITY_PROVIDER))
        .op(Operation::new(
            Method::PUT,
            below("/identityProvider"),
            Takes::Json,
            writes(kind),
            "Choose who authenticates a user",
            set_identity_provider,
        )
        .request::<ProviderDraft>()
        .hal(IDENTITY_PROVIDER.schema))
}

async fn create(call: Call) -> Result<Reply, ApiError> {
    let place = call.place_of_new::<User>()?;
    let stored = users::create(&call.app, call.caller()?, place, call.json()?).await?;
    Ok(created(&call, &stored))
}

async fn import(call: Call) -> Result<Reply, ApiError> {
    let place = call.place_of_new::<User>()?;
    let stored = users::import(&call.app, call.caller()?, place, call.json()?).await?;
    Ok(created(&call, &stored))
}

fn created(call: &Call, stored: &Stored<User>) -> Reply {
    crud::object(call, StatusCode::CREATED, stored)
        .with(header::LOCATION, &hal::location(&call.exchange, stored))
}

async fn remove(call: Call) -> Result<Reply, ApiError> {
    users::remove(&call.target::<User>()?).await?;
    Ok(Reply::no_content())
}

async fn lock(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<LockDraft>(call.json()?)?;
    let stored = users::lock(&call.target::<User>()?, draft).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}

async fn unlock(call: Call) -> Result<Reply, ApiError> {
    let stored = users::unlock(&call.target::<User>()?).await?;
    Ok(crud::object(&call, StatusCode::OK, &stored))
}

/// A member that has a path of its own, and what is answered there.
#[derive(Clone, Copy)]
struct Part {
    path: &'static str,
    /// For the description of the API.
    what: &'static str,
    view: fn(&Call, &Stored<User>) -> Map<String, Value>,
    schema: SchemaOf,
}

const ENABLED: Part = Part {
    path: "/enabled",
    what: "the enabled state",
    view: |_, stored| stored.body.enabled_view(),
    schema: shapes::user_enabled,
};
const POPULATION: Part = Part {
    path: "/population",
    what: "the population",
    view: |_, stored| stored.body.population_view(),
    schema: shapes::user_population,
};
const MFA_ENABLED: Part = Part {
    path: "/mfaEnabled",
    what: "the MFA state",
    view: |_, stored| User::mfa_enabled_view(stored),
    schema: shapes::user_mfa_enabled,
};
const BYPASS_MFA: Part = Part {
    path: "/bypassMFA",
    what: "the MFA bypass",
    view: |call, stored| stored.body.bypass_mfa_view(call.app.now()),
    schema: shapes::user_bypass_mfa,
};
const VERIFY_STATUS: Part = Part {
    path: "/verifyStatus",
    what: "the verification status",
    view: |_, stored| stored.body.verify_status_view(),
    schema: shapes::user_verify_status,
};
const IDENTITY_PROVIDER: Part = Part {
    path: "/identityProvider",
    what: "the identity provider",
    view: |_, _| Map::from_iter([("type".to_owned(), json!("PING_ONE"))]),
    schema: shapes::user_identity_provider,
};

impl Part {
    fn reply(self, call: &Call, stored: &Stored<User>) -> Reply {
        let user = hal::location(&call.exchange, stored);
        let api = call.exchange.origin.api();
        let mut links = Map::new();
        links.insert("self".into(), hal::href(format!("{user}{}", self.path)));
        links.insert(
            "environment".into(),
            hal::href(format!("{api}/environments/{}", stored.environment)),
        );
        links.insert("user".into(), hal::href(user));
        let body = hal::with_links(links, (self.view)(call, stored));
        Reply::hal(StatusCode::OK, body).versioned(stored.version)
    }
}

async fn read_part(call: Call, part: Part) -> Result<Reply, ApiError> {
    let stored = management::read::<User>(&call.target::<User>()?).await?;
    Ok(part.reply(&call, &stored))
}

async fn enable(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<EnabledDraft>(call.json()?)?;
    let stored = users::enable(&call.target::<User>()?, draft).await?;
    Ok(ENABLED.reply(&call, &stored))
}

async fn move_to(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<MoveDraft>(call.json()?)?;
    let stored = users::move_to(&call.target::<User>()?, draft).await?;
    Ok(POPULATION.reply(&call, &stored))
}

async fn enable_mfa(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<MfaEnabledDraft>(call.json()?)?;
    let stored = users::enable_mfa(&call.target::<User>()?, draft).await?;
    Ok(MFA_ENABLED.reply(&call, &stored))
}

async fn bypass_mfa(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<BypassMfaDraft>(call.json()?)?;
    let stored = users::bypass_mfa(&call.target::<User>()?, draft).await?;
    Ok(BYPASS_MFA.reply(&call, &stored))
}

async fn set_verify_status(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<VerifyStatusDraft>(call.json()?)?;
    let stored = users::set_verify_status(&call.target::<User>()?, draft).await?;
    Ok(VERIFY_STATUS.reply(&call, &stored))
}

async fn set_identity_provider(call: Call) -> Result<Reply, ApiError> {
    let draft = schema::decode::<ProviderDraft>(call.json()?)?;
    let stored = users::set_identity_provider(&call.target::<User>()?, &draft).await?;
    Ok(IDENTITY_PROVIDER.reply(&call, &stored))
}

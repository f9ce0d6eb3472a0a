//! The worker application that whoever runs the server administers it with: made with the
//! installation, and once more where nobody can administer it any more.

use stepgate_domain::{
    access::{Role, ScopeType},
    audit::Change,
    id::Id,
    profile::Profile,
    resource::{Context, Resource},
    resources::{
        application::{Application, ApplicationDraft, secret},
        environment::Environment,
        organization::Organization,
        role_assignment::RoleAssignment,
    },
    schema,
    secret::Secret,
    time::Timestamp,
};
use stepgate_store::engine::Statement;

use crate::{
    App, audit,
    error::ManagementError,
    management::{Place, prepare_insert},
    random::SystemRandom,
};

/// A worker that is there once the statements are committed.
pub(crate) struct FirstWorker {
    pub(crate) client: Id<Application>,
    pub(crate) client_secret: Secret<String>,
    pub(crate) statements: Vec<Statement>,
}

/// `why` is told in the application's description and in the audit trail.
pub(crate) async fn prepare(
    app: &App,
    organization: Id<Organization>,
    environment: Id<Environment>,
    why: &'static str,
    now: Timestamp,
) -> Result<FirstWorker, ManagementError> {
    let (organization, home) = (organization.uuid(), environment.uuid());
    let client = app.new_id::<Application>();
    let body = serde_json::json!({
        "name": "Administrator", "enabled": true, "type": "WORKER", "protocol": "OPENID_CONNECT",
        "grantTypes": ["CLIENT_CREDENTIALS"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
        "description": why,
    });
    let mut context = Context {
        now,
        entropy: &mut SystemRandom,
        environment,
        id: client.uuid(),
        parent: None,
        defaults: &|_| None,
        parent_body: None,
        profile: Profile::default(),
        client_address_is_known: app.settings.client_address_is_known,
    };
    let built = Application::build(
        schema::decode::<ApplicationDraft>(body)?,
        None,
        &mut context,
    )?;
    let current = built
        .secrets
        .iter()
        .find(|(name, _)| *name == secret::CURRENT);
    let client_secret = current
        .and_then(|(_, value)| value.clone())
        .unwrap_or_else(|| Secret::new(String::new()));
    let place = Place::environment(home);
    let (mut statements, _) = prepare_insert(app, place, client.uuid(), built, now).await?;
    statements.push(audit::by_the_server(
        home,
        Change::Created,
        client,
        None,
        why,
        now,
    )?);
    let below = Place {
        parent: Some(client.uuid()),
        ..place
    };
    for (role, scope, id) in [
        (
            Role::OrganizationAdmin,
            ScopeType::Organization,
            organization,
        ),
        (
            Role::EnvironmentAdmin,
            ScopeType::Organization,
            organization,
        ),
        (Role::IdentityDataAdmin, ScopeType::Environment, home),
        (
            Role::ClientApplicationDeveloper,
            ScopeType::Environment,
            home,
        ),
    ] {
        let assignment = RoleAssignment::<Application>::new(role, scope, id);
        let id = app.new_id::<RoleAssignment<Application>>();
        let (insert, _) = prepare_insert(app, below, id.uuid(), assignment.into(), now).await?;
        statements.extend(insert);
        let title = assignment.title();
        statements.push(audit::by_the_server(
            home,
            Change::Created,
            id,
            title,
            why,
            now,
        )?);
    }
    Ok(FirstWorker {
        client,
        client_secret,
        statements,
    })
}

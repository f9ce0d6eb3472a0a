//! A server per test, and what speaks to it.

mod disk;
mod normalise;
mod server;

pub(crate) use disk::Disk;
pub(crate) use normalise::Normaliser;
pub(crate) use server::{Server, command};

use serde_json::Value;
use stepgate_client::{
    Application, Client, Environment, Request, Tenant, User, Workflow, create_environment,
    worker_token,
};

/// What `init` made: the organization and its worker application.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) license: String,
    pub(crate) environment: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

impl Credentials {
    pub(crate) fn parse(json: &Value) -> Self {
        let text = |pointer: &str| {
            json.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap()
                .to_owned()
        };
        Self {
            license: text("/license/id"),
            environment: text("/environment/id"),
            client_id: text("/client/id"),
            client_secret: text("/client/secret"),
        }
    }
}

/// Administers one server.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) client: Client,
    pub(crate) credentials: Credentials,
    pub(crate) token: String,
}

impl Admin {
    pub(crate) async fn of(server: &Server) -> Self {
        let (client, credentials) = (server.client(), server.credentials());
        let Credentials {
            environment,
            client_id,
            client_secret,
            ..
        } = &credentials;
        let token = worker_token(&client, environment, client_id, client_secret)
            .await
            .unwrap();
        Self {
            client,
            credentials,
            token,
        }
    }

    pub(crate) async fn environment(&self, name: &str) -> Environment {
        create_environment(&self.client, &self.token, name, &self.credentials.license)
            .await
            .unwrap()
    }

    /// Steps 1 to 13 in an environment of their own.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        self.tenant_with(name, Application::default()).await
    }

    pub(crate) async fn tenant_with(&self, name: &str, application: Application) -> Tenant {
        let environment = self.environment(name).await;
        Workflow::new(&self.client, |_, _| {})
            .set_up(&environment, application, User::numbered(1))
            .await
            .unwrap()
    }

    /// The answer's body, which must have this status.
    pub(crate) async fn call(&self, request: Request, status: u16) -> Value {
        self.client
            .call(request.bearer(&self.token), status)
            .await
            .unwrap()
            .body
    }
}

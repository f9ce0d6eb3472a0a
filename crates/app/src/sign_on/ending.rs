//! How a flow ends: a code or a refusal for the client, a session for the browser. Everything is
//! written in the batch that takes the flow away, so that it happens once.

use serde_json::{Map, Value};
use stepgate_domain::{
    audit::{Action, AuditStatus},
    flow::{Flow, Status, status::Failure},
    id::Id,
    oauth::{
        authorization_response,
        error::{Cause, OAuthError, OAuthErrorCode},
        grants::{SignOn, authorization_code::AuthorizationCode},
        recipient::Recipient,
    },
    resource::Resource,
    resources::user::User,
    secret::Secret,
    time::Timestamp,
};
use stepgate_store::{documents, engine::Statement, sessions::StoredSession};

use super::{
    SessionCookie, Visitor,
    facts::Known,
    session,
    trail::{Entry, event},
};
use crate::{App, error::ManagementError, seal::DataKey, tokens::mint_code};

pub(super) enum Outcome {
    Code(Secret<String>),
    Refused(OAuthError),
}

/// What is to be written, and what is to be told.
pub(super) struct Ended {
    pub(super) statements: Vec<Statement>,
    pub(super) outcome: Outcome,
    pub(super) cookie: Option<SessionCookie>,
}

/// All that the end of a flow rests on.
pub(super) struct Ending<'a> {
    pub(super) app: &'a App,
    pub(super) key: &'a DataKey,
    pub(super) visitor: &'a Visitor,
    pub(super) known: Option<&'a Known>,
    /// Whether the application lets them in.
    pub(super) is_permitted: bool,
    /// The session to be raised, when it is stored.
    pub(super) session: Option<StoredSession>,
    pub(super) now: Timestamp,
}

impl Ending<'_> {
    /// Ends a final flow.
    pub(super) fn end(self, flow: &mut Flow) -> Result<Ended, ManagementError> {
        if let Status::Failed { error } = &flow.status {
            let error = error.clone();
            return self.refuse(flow, &error);
        }
        // Deleted, disabled, locked or shut out after the last proof.
        let Some(known) = self.known else {
            return self.refuse(flow, &Failure::AccountNotUsable);
        };
        match flow.bar(&known.subject.user, self.is_permitted, self.now) {
            Some(error) => self.refuse(flow, &error),
            None => self.grant(flow, known),
        }
    }

    fn refuse(&self, flow: &Flow, error: &Failure) -> Result<Ended, ManagementError> {
        let entry = Entry::new(
            Action::USER_ACCESS_DENIED,
            AuditStatus::Failed,
            error.message(),
        );
        Ok(Ended {
            statements: vec![event(entry, flow, Some(self.visitor), self.now)?],
            outcome: Outcome::Refused(
                OAuthError::new(OAuthErrorCode::AccessDenied, error.message())
                    .because(Cause::Other(error.code())),
            ),
            cookie: None,
        })
    }

    fn grant(&self, flow: &mut Flow, known: &Known) -> Result<Ended, ManagementError> {
        let now = self.now;
        let user = known.document.id;
        let before = self.session.clone();
        let mut raised = session::raise(self.key, flow, user, before, self.visitor, now)?;
        flow.session.id = raised.session.id.to_string();
        let sign_on = SignOn {
            user: Id::from_uuid(user),
            session: raised.id,
            acr: flow.acr().unwrap_or_default().to_owned(),
            amr: flow.amr().into_iter().map(str::to_owned).collect(),
            auth_time: flow.authenticated_at().unwrap_or(now),
            second_factor_at: flow.second_factor_at(),
        };
        let family = self.app.new_id();
        let request = &flow.authorization_request.request;
        let code = AuthorizationCode::mint(request, sign_on, family, now);
        let environment = flow.environment.uuid();
        let (code, insert_code) = mint_code(environment, self.key, &code, now)?;
        let remote_ip = self.visitor.remote_ip.map(|ip| ip.to_string());
        let signed_on = known.user.body.clone().signed_on(now, remote_ip);
        let body = serde_json::to_string(&signed_on)?;
        let (action, text) = if raised.is_new {
            (Action::SESSION_CREATED, "Session opened")
        } else {
            (Action::SESSION_UPDATED, "Session raised")
        };
        let entries = [
            Entry::new(action, AuditStatus::Success, text),
            Entry::new(
                Action::USER_ACCESS_ALLOWED,
                AuditStatus::Success,
                "Signed on",
            ),
        ];
        let mut statements = vec![
            insert_code,
            documents::rewrite(&known.document, User::KIND, body),
        ];
        for entry in entries {
            statements.push(event(entry, flow, Some(self.visitor), now)?);
        }
        let cookie = raised.cookie.take();
        statements.extend(raised.statements());
        Ok(Ended {
            statements,
            outcome: Outcome::Code(code),
            cookie,
        })
    }
}

/// The answer as the request wants it.
pub(super) enum Told {
    /// `authorizeResponse` of the flow.
    Inline(Map<String, Value>),
    ThroughBrowser(authorization_response::Answer),
}

impl Outcome {
    pub(super) const fn refused(&self) -> Option<&OAuthError> {
        match self {
            Self::Code(_) => None,
            Self::Refused(error) => Some(error),
        }
    }

    pub(super) fn told(self, recipient: &Recipient, issuer: &str, correlation_id: &str) -> Told {
        match (recipient, self) {
            (Recipient::Redirect(to), Self::Code(code)) => {
                Told::ThroughBrowser(to.with_code(code.expose(), issuer))
            }
            (Recipient::Redirect(to), Self::Refused(error)) => {
                Told::ThroughBrowser(to.with_error(&error, correlation_id, issuer))
            }
            (Recipient::PiFlow { state, .. }, outcome) => {
                let mut members = Map::new();
                match outcome {
                    Self::Code(code) => {
                        members.insert("code".to_owned(), code.expose().as_str().into());
                    }
                    Self::Refused(error) => {
                        members.insert("error".to_owned(), error.code.as_str().into());
                        members.insert("error_description".to_owned(), error.description.into());
                    }
                }
                if let Some(state) = state {
                    members.insert("state".to_owned(), state.as_str().into());
                }
                Told::Inline(members)
            }
        }
    }
}

//! The authorization request: who asks, for whom, and what is to be proved.

use std::{mem, sync::Arc};

use stepgate_domain::{
    flow::{
        self, Answer, FlowError, Start, Status, Transition,
        state::{Application as FlowApplication, Asked, ResponseMode, SessionBinding},
    },
    id::Id,
    ids::FlowId,
    name,
    oauth::{
        self,
        authorization_request::{
            self, Accepted, Addressed, AuthorizationFacts, AuthorizationRequest, Prompt,
        },
        error::{DetailCode, OAuthError, OAuthErrorCode},
        hint_token::HintError,
        parameters::Parameters,
        recipient::AuthorizeError,
    },
    profile::Profile,
    resource::Stored,
    resources::{
        application::{Application, ApplicationType},
        environment::Environment,
        security_profile::SecurityProfile,
        sign_on_policy::SignOnPolicy,
    },
};
use stepgate_store::{
    engine::{Batch, Fault, Once, StoreError},
    flows::{self, StoredFlow},
    sessions::StoredSession,
};

use super::{
    ATTEMPTS, AuthorizeFailure, Begun, Shown, Visitor,
    admission::{allowed_origin, environment_key},
    browser::{self, Browser},
    code::Drawn,
    effects::Stage,
    ending::{Ending, Outcome, Told},
    facts::{Known, Whom, facts, is_permitted},
    hint::{self, Vouched},
    policies, session,
};
use crate::{
    App,
    error::ManagementError,
    management::cached,
    random::SystemRandom,
    seal::DataKey,
    settings,
    tokens::{allowance_facts, client, client_secrets, note_use},
};

/// Judges an authorization request, and begins its flow. A request that is refused sends nothing to
/// anybody and writes nothing.
pub async fn authorize(
    app: &Arc<App>,
    environment: Id<Environment>,
    parameters: &Parameters,
    visitor: &Visitor,
) -> Result<Begun, AuthorizeFailure> {
    let Some(key) = environment_key(app, environment).await? else {
        return Err(ManagementError::NotFound(None).into());
    };
    let id = authorization_request::client_id(parameters).map_err(|error| refused(error, None))?;
    let client = client(app, environment.uuid(), id.uuid()).await?;
    let application = cached::<Application>(app, environment.uuid(), id.uuid()).await?;
    let (Some(client), Some(application)) = (client, application) else {
        return match Addressed::check(parameters, None) {
            Err(error) => Err(refused(error, None)),
            Ok(_) => Err(ManagementError::NotFound(None).into()),
        };
    };
    // A page that is not trusted may still be navigated away from; it just cannot read the answer.
    let allowed_origin = allowed_origin(&client, visitor).unwrap_or_default();
    let refuse = |error| refused(error, allowed_origin.clone());

    let addressed = Addressed::check(parameters, Some(&client)).map_err(refuse)?;
    let assigned = policies::assigned(app, environment.uuid(), id.uuid()).await?;
    let names: Vec<&str> = assigned
        .iter()
        .map(|policy| policy.body.name.as_str())
        .collect();
    let allowance = allowance_facts(app, &visitor.origin, &client).await?;
    let facts = AuthorizationFacts {
        allowance: allowance.allowance(&client),
        policies: &names,
    };
    let Accepted { request, hint } = addressed.validate(&facts).map_err(refuse)?;
    let secrets = match hint {
        Some(_) => client_secrets(app, environment.uuid(), id.uuid()).await?,
        None => None,
    };
    let security = settings::current::<SecurityProfile>(app, environment.uuid()).await?;
    let vouched = match hint {
        Some(token) => {
            let (origin, secrets) = (&visitor.origin, secrets.as_deref());
            let vouched = hint::accept(app, origin, &client, token, secrets, &security.body, &key);
            Some(vouched.map_err(|error| refuse(request.refuse(error)))?)
        }
        None => None,
    };
    let asking = Asking {
        app,
        environment,
        visitor,
        key,
        application,
        assigned,
        request,
        vouched,
        profile: security.body.profile,
        allowed_origin,
    };
    for _ in 0..ATTEMPTS {
        if let Some(begun) = asking.begin().await? {
            let used = asking.vouched.as_ref().and_then(|it| it.signed_with);
            if let Some((secrets, used)) = secrets.as_deref().zip(used) {
                note_use::<Application>(app, environment.uuid(), id.uuid(), secrets, used);
            }
            return Ok(begun);
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}

fn refused(error: AuthorizeError, allowed_origin: Option<String>) -> AuthorizeFailure {
    AuthorizeFailure::Refused {
        error,
        allowed_origin,
    }
}

/// A valid request with a verified hint, if it has one.
struct Asking<'a> {
    app: &'a App,
    environment: Id<Environment>,
    visitor: &'a Visitor,
    key: Arc<DataKey>,
    application: Arc<Stored<Application>>,
    assigned: Vec<Arc<Stored<SignOnPolicy>>>,
    request: AuthorizationRequest,
    vouched: Option<Vouched>,
    profile: Profile,
    allowed_origin: Option<String>,
}

impl Asking<'_> {
    /// `None`: something that the flow was judged by has changed meanwhile.
    async fn begin(&self) -> Result<Option<Begun>, AuthorizeFailure> {
        let (app, environment) = (self.app, self.environment.uuid());
        let now = app.now();
        let mut browser = browser::browser(app, environment, &self.key, self.visitor, now).await?;
        // Tokens of workers carry administration: nobody gets one by what a browser still knows.
        if self.application.body.application_type == ApplicationType::Worker {
            browser.stored = None;
        }
        let known = self.user(&browser).await?;
        let id: FlowId = Id::random(&mut SystemRandom);
        let drawn = Drawn::new(app, &self.key, id);
        let start = self.start(id, &browser, known.as_ref()).await?;
        let is_permitted = is_permitted(&self.application, known.as_ref());
        let whom = Whom {
            known: known.as_ref(),
            is_permitted,
            stand_in: None,
        };
        let facts = facts(app, environment, &start.policies, whom, &drawn, now).await?;
        let Transition {
            mut flow,
            effects,
            answer,
        } = flow::begin(start, &facts).map_err(|error| self.failure(error))?;
        if let Answer::Refused(error) = answer {
            return Err(self.failure(error));
        }
        let stage = Stage {
            app,
            key: &self.key,
            flow: &flow,
            known: known.as_ref(),
            visitor: Some(self.visitor),
            drawn: &drawn,
            now,
        };
        let mut writes = stage.writes(effects, None).await?;
        let used_up = self.vouched.iter().filter_map(|it| it.used_up.clone());
        let statements = mem::take(&mut writes.statements);
        let mut batch = Batch(used_up.chain(statements).collect());
        let is_page = !self.request.recipient.is_pi_flow() || self.visitor.web_origin.is_some();
        let mut cookie = session::cookie(browser.token);
        cookie.further_for = (browser.is_new && is_page).then_some(flow.id);
        // A failed flow is shown to a client that runs it; in a browser there is nothing to go on with.
        let is_over = match flow.status {
            Status::Completed => true,
            Status::Failed { .. } => !self.request.recipient.is_pi_flow(),
            _ => false,
        };
        let ended = if is_over {
            let ending = Ending {
                app,
                key: &self.key,
                visitor: self.visitor,
                known: known.as_ref(),
                is_permitted,
                session: browser.stored,
                now,
            };
            let ended = ending.end(&mut flow)?;
            batch.extend(ended.statements);
            cookie = ended.cookie.unwrap_or(cookie);
            Some(ended.outcome)
        } else {
            batch.push(flows::insert(stored(&flow, 0)?));
            None
        };
        match app.commit(batch).await {
            Ok(()) => {}
            Err(StoreError::Refused(Fault::Stale)) => return Ok(None),
            Err(StoreError::Refused(Fault::Consumed(Once::Hint))) => {
                let error = self.request.refuse(HintError::Used);
                return Err(refused(error, self.allowed_origin.clone()));
            }
            Err(error) => return Err(error.into()),
        }
        writes.committed(app);
        let shown = Shown {
            flow,
            cookie: Some(cookie),
            authorize_response: None,
            refused: None,
            allowed_origin: self.allowed_origin.clone(),
        };
        Ok(Some(self.begun(shown, ended)))
    }

    fn begun(&self, mut shown: Shown, ended: Option<Outcome>) -> Begun {
        let Some(outcome) = ended else {
            return if self.request.recipient.is_pi_flow() {
                Begun::Flow(shown)
            } else {
                Begun::Page {
                    shown,
                    login_page_url: self.application.body.login_page_url.clone(),
                }
            };
        };
        let issuer = self.visitor.origin.issuer(self.environment);
        let correlation_id = &self.visitor.correlation_id;
        let refused = outcome.refused().cloned();
        match outcome.told(&self.request.recipient, &issuer, correlation_id) {
            Told::Inline(members) => {
                shown.authorize_response = Some(members);
                Begun::Flow(Shown { refused, ..shown })
            }
            Told::ThroughBrowser(answer) => Begun::Answer {
                answer,
                refused,
                cookie: shown.cookie,
                allowed_origin: shown.allowed_origin,
            },
        }
    }

    /// Nobody is taken from the session: whoever it is has to sign on.
    fn is_for_anybody(&self) -> bool {
        self.vouched.is_none() && self.request.prompt == Prompt::Login
    }

    /// The hinted user, else the session's.
    async fn user(&self, browser: &Browser) -> Result<Option<Known>, AuthorizeFailure> {
        let environment = self.environment.uuid();
        let Some(Vouched { hint, .. }) = &self.vouched else {
            let session = browser.stored.as_ref().filter(|_| !self.is_for_anybody());
            let signed_on = session.map(session::signed_on).transpose()?.flatten();
            return match signed_on {
                Some(signed_on) => {
                    Ok(Known::by_id(self.app, environment, signed_on.user.uuid()).await?)
                }
                None => Ok(None),
            };
        };
        let by_id = match name::as_id(&hint.subject) {
            Some(id) => Known::by_id(self.app, environment, id).await?,
            None => None,
        };
        let known = match by_id {
            Some(known) => Some(known),
            None => Known::by_username(self.app, environment, &hint.subject).await?,
        };
        if known.is_none() {
            let error = self.request.refuse(HintError::UserNotFound);
            return Err(refused(error, self.allowed_origin.clone()));
        }
        Ok(known)
    }

    async fn start(
        &self,
        id: FlowId,
        browser: &Browser,
        known: Option<&Known>,
    ) -> Result<Start, AuthorizeFailure> {
        let user = known.map(|known| known.document.id);
        // Another user's session is not this flow's. Where anybody may sign on, it is the session's
        // user again or another one: at the end that is known.
        let is_its_own = |session: &&StoredSession| {
            session.user.is_some() && (session.user == user || self.is_for_anybody())
        };
        let session = browser.stored.as_ref().filter(is_its_own);
        let session_id = session.map_or_else(
            || self.app.new_id::<oauth::Session>().uuid(),
            |session| session.id,
        );
        let policies = policies::snapshots(
            self.app,
            self.environment.uuid(),
            &self.assigned,
            &self.request.acr_values,
        );
        Ok(Start {
            id,
            environment: self.environment.cast(),
            application: FlowApplication {
                id: self.application.id.cast(),
                name: self.application.body.name.clone(),
                icon: self.application.body.icon.clone(),
            },
            response_mode: if self.request.recipient.is_pi_flow() {
                ResponseMode::PiFlow
            } else {
                ResponseMode::Redirect
            },
            authorization_request: Asked {
                request: self.request.clone(),
                session_is_stored: session.is_some(),
            },
            session: SessionBinding {
                id: session_id.to_string(),
                token_hash: browser::token_hash(&self.key, &browser.token),
            },
            signed_on: session.map(session::signed_on).transpose()?.flatten(),
            remote_ip: self.visitor.remote_ip,
            login_hint: self.request.login_hint.clone(),
            hinted: self.vouched.is_some(),
            policies: policies.await?,
            prompt_none: self.request.prompt == Prompt::None,
            prompt_login: self.request.prompt == Prompt::Login,
            requires_hint: self.application.body.requires_signed_hint(self.profile),
            max_age: self.request.max_age,
        })
    }

    /// Why a flow does not even begin.
    fn failure(&self, error: FlowError) -> AuthorizeFailure {
        let not_sent = |detail, text: &str| {
            self.request.refuse(OAuthError {
                detail,
                ..OAuthError::new(OAuthErrorCode::TemporarilyUnavailable, text)
            })
        };
        let error = match error {
            FlowError::LoginRequired => self.request.login_required(),
            FlowError::HintRequired => self.request.refuse(HintError::Required),
            FlowError::SendFailed => {
                not_sent(DetailCode::SendFailed, "The passcode cannot be sent")
            }
            FlowError::CountryDenied => not_sent(
                DetailCode::SendFailed,
                "Passcodes are not sent to the country of the device",
            ),
            FlowError::QuotaExceeded { .. } => not_sent(
                DetailCode::QuotaExceeded,
                "No more passcodes may be sent today",
            ),
            other => return super::unexpected(other).into(),
        };
        refused(error, self.allowed_origin.clone())
    }
}

/// The row of a flow. A typed name is nobody before something is proved.
pub(super) fn stored(flow: &flow::Flow, version: i64) -> Result<StoredFlow, serde_json::Error> {
    let user = flow.user.as_ref().filter(|_| !flow.is_anonymous());
    Ok(StoredFlow {
        environment: flow.environment.uuid(),
        id: flow.id.uuid(),
        user: user.map(|user| user.id.uuid()),
        version,
        expires_at: flow.expires_at(),
        body: serde_json::to_string(flow)?,
    })
}

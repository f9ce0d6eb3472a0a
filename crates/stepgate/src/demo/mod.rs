//! `stepgate demo`: the whole workflow, over HTTP, from an empty data directory to verified tokens.

mod checks;
mod show;
mod tokens;

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use stepgate_app::origin::PublicUrls;
use stepgate_client::{
    Application, Client, Exchange, SignOn, Step, Tenant, Tokens, User, Workflow,
    create_environment, worker_token,
};
use stepgate_domain::resources::environment::Region;
use stepgate_http::server::Limits;

use self::show::{Screen, note};
use crate::{
    birth::InitOutput,
    cli::{self, server},
    config::{MasterKey, Mode, Settings},
    runtime, telemetry,
};

/// What authorize is told to echo, and what the ID token must hold.
const STATE: &str = "demo-state";
const NONCE: &str = "demo-nonce";

/// One row of the summary.
struct Row {
    title: String,
    /// Empty when the step did what it should.
    differences: Vec<String>,
}

pub(crate) fn run(keep: bool) -> anyhow::Result<ExitCode> {
    telemetry::start(Mode::Development, "warn");
    runtime::start()?.block_on(perform(keep))
}

async fn perform(keep: bool) -> anyhow::Result<ExitCode> {
    let screen = Screen::new();
    let directory = tempfile::Builder::new()
        .prefix("stepgate-demo-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()?;
    let settings = settings(directory.path());

    let start = Instant::now();
    let made = server::init(&settings, Region::default(), |_| Ok(()))
        .await
        .context("the data directory could not be initialized")?;
    let running = server::start(&settings)
        .await
        .context("the server did not start")?;
    let address = running.addresses.first().context("no listener")?;
    let client = Client::new(format!("http://{address}"))?;
    screen.title(&format!(
        "A server with an empty data directory listens at {}",
        client.base()
    ));

    let mut rows = Vec::new();
    let outcome = workflow(&client, &made, &screen, &mut rows).await;
    if let Err(error) = &outcome {
        rows.push(Row {
            title: "the workflow went on".to_owned(),
            differences: vec![format!("{error:#}")],
        });
    }
    let differs = screen.summary(&rows, start.elapsed());

    if keep && let Ok((tenant, _)) = &outcome {
        let mut signals = cli::Signals::watch(false)?;
        where_everything_is(&screen, &client, &made, tenant, directory.path());
        signals.asked_to_stop().await;
    }
    running.stop().await;
    Ok(if differs {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn settings(data: &Path) -> Settings {
    Settings {
        data: data.to_owned(),
        listen: vec![([127, 0, 0, 1], 0).into()],
        tls: None,
        // The demo ends within a moment, even while a browser keeps a connection open.
        connections: Limits {
            grace: Duration::from_secs(1),
            ..Limits::default()
        },
        metrics_listen: None,
        public_urls: PublicUrls::default(),
        proxies: None,
        mode: Mode::Development,
        floors: stepgate_domain::authenticator::sending::Floors::default(),
        look_ups_hourly: None,
        audit_retention: stepgate_app::app::AUDIT_RETENTION,
        inbox: true,
        master_key: MasterKey::Kept(data.join("master.key")),
        address_file: None,
        log: "warn".to_owned(),
        sms: None,
        smtp: None,
    }
}

async fn workflow(
    client: &Client,
    made: &InitOutput,
    screen: &Screen,
    rows: &mut Vec<Row>,
) -> anyhow::Result<(Tenant, SignOn)> {
    screen.title("Before: the worker application gets a token and creates an environment");
    let secret = made.client_secret.expose();
    let token = worker_token(client, &made.environment, &made.client_id, secret).await?;
    let environment = create_environment(client, &token, "Demo", &made.license).await?;
    note(&format!("environment {}", environment.id));

    let user = User::numbered(1);
    let mut watch = |step: Step, exchange: &Exchange| {
        if step.number == 15 {
            screen.title(&format!(
                "The message to {} is in the inbox a moment later",
                user.phone
            ));
        }
        screen.exchange(&format!("{:2}. {}", step.number, step.title), exchange);
        rows.push(Row {
            title: format!("{:2}. {}", step.number, step.title),
            differences: checks::differences(step, exchange),
        });
    };
    let mut steps = Workflow::new(client, &mut watch);
    let tenant = steps
        .set_up(&environment, Application::default(), user.clone())
        .await?;
    let signed_on = steps
        .sign_on(&tenant, &[("state", STATE), ("nonce", NONCE)])
        .await?;

    let exchange = client
        .exchange(tenant.redemption(&signed_on.authorization_code))
        .await?;
    screen.exchange(
        "After: exchange the code, and verify both tokens against the JWKS",
        &exchange,
    );
    let tokens = Tokens::of(&exchange.expect(200)?)?;
    rows.extend(tokens::verify_both(client, &tenant, &tokens, screen).await?);
    Ok((tenant, signed_on))
}

fn where_everything_is(
    screen: &Screen,
    client: &Client,
    made: &InitOutput,
    tenant: &Tenant,
    data: &Path,
) {
    let base = client.base();
    let environment = &tenant.environment.id;
    screen.title("The server is still running; Ctrl-C ends it and removes its data");
    for (name, value) in [
        ("data directory", data.display().to_string()),
        ("management API", format!("{base}/v1")),
        ("issuer", tenant.issuer(client)),
        ("inbox", format!("{base}/inbox")),
        ("organization", made.organization.clone()),
        ("administrators", made.environment.clone()),
        ("worker client id", made.client_id.clone()),
        ("worker secret", made.client_secret.expose().clone()),
        ("environment", environment.clone()),
        ("application", tenant.client_id.clone()),
        ("application secret", tenant.client_secret.clone()),
        (
            "sign-on policy",
            format!("{} ({})", tenant.policy_id, tenant.policy_name),
        ),
        ("population", tenant.population_id.clone()),
        (
            "user",
            format!("{} ({})", tenant.user_id, tenant.user.username),
        ),
        (
            "device",
            format!("{} ({})", tenant.device_id, tenant.user.phone),
        ),
    ] {
        note(&format!("{name:<20}{value}"));
    }
    note("");
    note("A new sign-on begins with:");
    note(&format!(
        "  HINT=$(STEPGATE_CLIENT_SECRET='{}' stepgate hint-token \\",
        tenant.client_secret
    ));
    note(&format!(
        "    --client-id {} --subject {} \\",
        tenant.client_id, tenant.user.username
    ));
    note(&format!("    --audience {})", tenant.issuer(client)));
    note(&format!(
        "  curl -i {base}/{environment}/as/authorize -d client_id={} \\",
        tenant.client_id
    ));
    note("    -d response_type=code -d response_mode=pi.flow -d login_hint_token=\"$HINT\"");
}

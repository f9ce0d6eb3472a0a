//! Prints what every input does in every status, and compares it with the page in `docs/`. After a
//! wanted change: `WRITE_DOCS=1 cargo test -p stepgate-domain flow_table`.

use std::{fmt::Write, fs};

use super::*;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/flows.md");
const INTRODUCTION: &str = "\
# What a flow does

Every input in every status, as the engine (`crates/domain/src/flow`) decides it. A test writes this
page and fails when it is not current. The user has a phone and a mailbox, the policies are the ones
named; a code may be wrong three times. Where nothing else is said, ten seconds and more have passed
since the last message, so that another one may be sent.

";

/// A sign-on in one status, ready for an input.
struct Scene {
    title: &'static str,
    flow: fn(&mut World) -> Flow,
}

fn completed(world: &mut World) -> Flow {
    let mut flow = world.hinted(mfa_only());
    world.submit_last(&mut flow).unwrap();
    flow
}
fn let_choose(world: &mut World) -> Flow {
    let settings = MultiFactorAuthentication {
        device_selection: DeviceSelection::PromptToSelect,
        ..mfa()
    };
    world.hinted(vec![policy("P", vec![mfa_action(settings)])])
}

const SCENES: [Scene; 10] = [
    Scene {
        title: "MFA only, nobody known",
        flow: |world| world.anonymous(mfa_only()),
    },
    Scene {
        title: "MFA and then a password, nobody known",
        flow: |world| {
            let actions = vec![mfa_action(mfa()), action(ActionKind::Login)];
            world.anonymous(vec![policy("P", actions)])
        },
    },
    Scene {
        title: "password and MFA, nobody known",
        flow: |world| world.anonymous(password_and_mfa()),
    },
    Scene {
        title: "password and MFA, signed hint",
        flow: |world| world.hinted(password_and_mfa()),
    },
    Scene {
        title: "MFA only, signed hint, the user chooses",
        flow: let_choose,
    },
    Scene {
        title: "MFA only, signed hint",
        flow: |world| world.hinted(mfa_only()),
    },
    Scene {
        title: "MFA only, signed hint, a device is locked for two minutes when exhausted",
        flow: |world| world.hinted(vec![policy("P", vec![mfa_action(with_cool_down(2))])]),
    },
    Scene {
        title: "MFA only, an unknown name was typed",
        flow: |world| {
            let mut flow = world.anonymous(mfa_only());
            world.look_up(&mut flow, "nobody").unwrap();
            flow
        },
    },
    Scene {
        title: "MFA only, the code was right",
        flow: completed,
    },
    Scene {
        title: "MFA only, signed hint, no device",
        flow: |world| {
            world.devices.clear();
            world.hinted(mfa_only())
        },
    },
];

type Do = fn(&mut World, &mut Flow) -> Result<(), FlowError>;

fn last_message(world: &World) -> MessageId {
    world.sent.last().map_or(id(1), |sent| sent.message)
}
fn first_device(flow: &Flow) -> DeviceId {
    flow.status
        .devices()
        .unwrap_or_default()
        .first()
        .map_or(phone(), |entry| entry.id)
}

const INPUTS: [(&str, Do); 15] = [
    ("`session.reset`", |world, flow| {
        world.act(flow, &Input::SessionReset)
    }),
    ("`user.lookup` of a user", |world, flow| {
        world.look_up(flow, "mira.k")
    }),
    ("`user.lookup` of an unknown name", |world, flow| {
        world.look_up(flow, "nobody")
    }),
    ("`usernamePassword.check`, right", |world, flow| {
        world.password(flow, Some("mira.k"), PasswordVerdict::Matched)
    }),
    ("`usernamePassword.check`, wrong", |world, flow| {
        world.password(flow, Some("mira.k"), PasswordVerdict::Wrong)
    }),
    ("`device.select` of the first device", |world, flow| {
        world.select(flow, first_device(flow))
    }),
    ("`device.select` a second later again", |world, flow| {
        world.select(flow, first_device(flow))?;
        world.wait(1);
        world.select(flow, first_device(flow))
    }),
    ("`device.select` of an unknown device", |world, flow| {
        world.select(flow, id(99))
    }),
    ("`otp.check`, right", |world, flow| {
        let message = last_message(world);
        world.submit(flow, message)
    }),
    ("`otp.check`, wrong", World::guess),
    ("`otp.check`, wrong for the third time", |world, flow| {
        let _ = (world.guess(flow), world.guess(flow));
        world.guess(flow)
    }),
    ("`otp.check` after the third wrong one", |world, flow| {
        let _ = (world.guess(flow), world.guess(flow), world.guess(flow));
        world.guess(flow)
    }),
    ("the message cannot be delivered", |world, flow| {
        let message = last_message(world);
        world.act(flow, &Input::DeliveryFailed { message })
    }),
    ("the user is disabled, then `otp.check`", |world, flow| {
        world.user().enabled = false;
        world.guess(flow)
    }),
    (
        "MFA is switched off, then `otp.check`, right",
        |world, flow| {
            world.user().mfa_enabled = false;
            let message = last_message(world);
            world.submit(flow, message)
        },
    ),
];

fn table() -> String {
    let mut page = INTRODUCTION.to_owned();
    for scene in &SCENES {
        let status = (scene.flow)(&mut World::new()).status.name();
        writeln!(page, "## {status}: {}\n", scene.title).unwrap();
        let (mut rows, mut not_offered) = (String::new(), Vec::new());
        for (name, act) in INPUTS {
            let mut world = World::new();
            let mut flow = (scene.flow)(&mut world);
            world.wait(15);
            let before = world.sent.len();
            let answer = match act(&mut world, &mut flow) {
                Ok(()) => "accepted".to_owned(),
                Err(error) => format!("{error:?}")
                    .split([' ', '{'])
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            };
            if answer == "InvalidAction" && flow.status.name() == status {
                not_offered.push(name);
                continue;
            }
            let then = match failure(&flow) {
                Some(code) => format!("FAILED ({code})"),
                None => flow.status.name().to_owned(),
            };
            let sent = world.sent.len() - before;
            writeln!(rows, "| {name} | {answer} | {then} | {sent} |").unwrap();
        }
        if !rows.is_empty() {
            writeln!(
                page,
                "| input | answer | then | messages |\n|---|---|---|---|\n{rows}"
            )
            .unwrap();
        }
        writeln!(
            page,
            "Refused as `InvalidAction`: {}.",
            not_offered.join("; ")
        )
        .unwrap();
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

#[test]
fn the_flow_table_is_current() {
    let table = table();
    if option_env!("WRITE_DOCS").is_some() {
        fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).unwrap();
        fs::write(PAGE, &table).unwrap();
    }
    assert!(
        fs::read_to_string(PAGE).unwrap_or_default() == table,
        "docs/flows.md is not current"
    );
}

use std::sync::Arc;

use stepgate_app::sign_on::{FlowFailure, Shown};
use stepgate_domain::{flow::FlowError, time::Duration};
use tokio::task::JoinSet;

use crate::fixture::{Under, World, error_of, other_than};

/// Codes that are all wrong.
fn wrong_codes(right: &[String]) -> Vec<String> {
    (0..)
        .map(|number| format!("{number:06}"))
        .filter(|code| !right.contains(code))
        .take(64)
        .collect()
}

async fn at_once(
    world: &Arc<World>,
    guesses: Vec<(Under, String)>,
) -> Vec<Result<Shown, FlowFailure>> {
    let mut guessing = JoinSet::new();
    for (flow, code) in guesses {
        let world = world.clone();
        guessing.spawn(async move { world.check(&flow, &code).await });
    }
    guessing.join_all().await
}

/// Guesses that were compared, the last one of a round included.
fn judged(outcomes: &[Result<Shown, FlowFailure>]) -> usize {
    let is_judged = |outcome: &&Result<Shown, FlowFailure>| match outcome {
        Ok(_) => true,
        Err(FlowFailure::Refused { error, .. }) => matches!(
            error,
            FlowError::InvalidOtp { .. } | FlowError::LimitExceeded { .. }
        ),
        Err(other) => panic!("{other:?}"),
    };
    outcomes.iter().filter(is_judged).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_guesses_at_once_on_one_flow_are_judged_three_times() {
    let world = Arc::new(World::new().await);
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    let guesses = wrong_codes(&[code])
        .into_iter()
        .map(|code| (flow.clone(), code));
    let outcomes = at_once(&world, guesses.collect()).await;
    assert_eq!(outcomes.len(), 64);
    assert_eq!(judged(&outcomes), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_guesses_spread_over_eight_flows_are_judged_three_times() {
    let world = Arc::new(World::new().await);
    world.mira().await;
    let (mut flows, mut codes) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        flows.push(world.begin("mira.k").await);
        codes.push(world.sent_code().await);
        world.wait(Duration::from_seconds(61));
    }
    for flow in &flows {
        assert_eq!(flow.status(), "OTP_REQUIRED");
    }
    let spread = flows.iter().cycle().cloned();
    let guesses = spread.zip(wrong_codes(&codes)).collect();
    let outcomes = at_once(&world, guesses).await;
    assert_eq!(outcomes.len(), 64);
    assert_eq!(judged(&outcomes), 3);
    // Every code of that round is void now.
    for (flow, code) in flows.iter().zip(&codes) {
        let error = error_of(world.check(flow, code).await.unwrap_err());
        assert_eq!(error, FlowError::OtpExpired);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_right_code_sent_eight_times_at_once_opens_once() {
    let world = Arc::new(World::new().await);
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    let outcomes = at_once(&world, vec![(flow.clone(), code); 8]).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes {
        if let Err(failure) = outcome {
            let error = error_of(failure);
            assert!(
                matches!(
                    error,
                    FlowError::InvalidAction {
                        status: "COMPLETED",
                        ..
                    }
                ),
                "{error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_code_opens_only_its_own_flow() {
    let world = World::new().await;
    world.mira().await;
    let first = world.begin("mira.k").await;
    let code = world.sent_code().await;
    world.wait(Duration::from_seconds(61));
    let second = world.begin("mira.k").await;
    if world.sent_code().await != code {
        assert!(world.check(&second, &code).await.is_err());
    }
    // Beginning another flow has not voided the first one's code.
    world.check(&first, &code).await.unwrap();
}

#[tokio::test]
async fn another_users_code_opens_nothing() {
    let world = World::new().await;
    world.mira().await;
    let other = world.user("noor").await;
    world.phone(other, "+47.40612399").await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    world.begin("noor").await;
    let others = world.sent_code().await;
    if code != others {
        assert!(world.check(&flow, &others).await.is_err());
    }
}

#[tokio::test]
async fn the_last_attempt_voids_the_code_and_a_new_one_can_be_asked_for() {
    let world = World::new().await;
    let user = world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    let wrong = other_than(&code);
    for attempts_remaining in [2, 1] {
        let error = error_of(world.check(&flow, &wrong).await.unwrap_err());
        assert_eq!(error, FlowError::InvalidOtp { attempts_remaining });
    }
    let error = error_of(world.check(&flow, &wrong).await.unwrap_err());
    assert_eq!(
        error,
        FlowError::LimitExceeded {
            cool_down_expires_at: None
        }
    );
    let error = error_of(world.check(&flow, &code).await.unwrap_err());
    assert_eq!(error, FlowError::OtpExpired);
    world.wait(Duration::from_seconds(61));
    let device = world.device_of(user).await;
    world.select(&flow, device).await.unwrap();
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
}

#[tokio::test]
async fn a_hundred_wrong_codes_lock_the_account_for_good() {
    let world = World::new().await;
    let user = world.mira().await;
    let mut judged = 0;
    'guessing: loop {
        let flow = world.begin("mira.k").await;
        if flow.status() == "FAILED" {
            break;
        }
        let code = world.sent_code().await;
        for _ in 0..3 {
            let error = world.check(&flow, &other_than(&code)).await;
            error_of(error.unwrap_err());
            judged += 1;
            if judged > 100 {
                break 'guessing;
            }
            if world.look(&flow).await.unwrap().flow.status.name() == "FAILED" {
                break;
            }
        }
        world.wait(Duration::from_hours(1));
    }
    assert_eq!(judged, 100);
    let locked = world.stored_user(user).await;
    assert!(locked.credentials.locks.mfa.is_some());
}

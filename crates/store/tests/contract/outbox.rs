//! Messages: claimed once, decided by the lease, forgotten when over.

use std::{collections::BTreeMap, sync::Arc};

use stepgate_domain::time::{Duration, Timestamp};
use stepgate_store::{
    engine::Fault,
    inbox::{self, InboxMessage},
    outbox::{self, OutboxMessage, OutboxState},
};

use crate::fixture::{NOW, Store, commit, fault, new_id};

fn message(id: &str, due_at: Timestamp) -> OutboxMessage {
    OutboxMessage {
        id: id.to_owned(),
        environment: new_id(),
        flow: Some(new_id()),
        due_at,
        attempts: 0,
        created_at: NOW,
        payload: "sealed".to_owned(),
    }
}

const MINUTE: Duration = Duration::from_minutes(1);

pub(crate) async fn eight_workers_claim_each_message_once(engine: Store) {
    let messages = (0..100)
        .map(|number| outbox::enqueue(message(&format!("m{number}"), NOW), None))
        .collect();
    commit(&*engine, messages).await.unwrap();
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                for round in 0.. {
                    let lease = format!("{worker}-{round}");
                    let found = outbox::claim(&*engine, &lease, NOW, NOW + MINUTE, 7)
                        .await
                        .unwrap();
                    if found.is_empty() && outbox::next_due(&*engine).await.unwrap().unwrap() > NOW
                    {
                        break;
                    }
                    claimed.extend(found.into_iter().map(|message| message.id));
                }
                claimed
            })
        })
        .collect();
    let mut claims = BTreeMap::new();
    for worker in workers {
        for id in worker.await.unwrap() {
            *claims.entry(id).or_insert(0) += 1;
        }
    }
    assert_eq!(claims.len(), 100);
    assert!(claims.values().all(|&times| times == 1), "{claims:?}");
    assert_eq!(
        outbox::next_due(&*engine).await.unwrap(),
        Some(NOW + MINUTE)
    );
}

pub(crate) async fn a_lost_lease_decides_nothing(engine: Store) {
    let sent = message("m", NOW);
    commit(&*engine, vec![outbox::enqueue(sent.clone(), None)])
        .await
        .unwrap();
    let before = NOW - MINUTE;
    assert_eq!(
        outbox::claim(&*engine, "early", before, NOW, 10)
            .await
            .unwrap(),
        []
    );
    let claimed = outbox::claim(&*engine, "first", NOW, NOW + MINUTE, 10)
        .await
        .unwrap();
    assert_eq!(
        claimed,
        [OutboxMessage {
            due_at: NOW + MINUTE,
            attempts: 1,
            ..sent
        }]
    );
    assert_eq!(
        outbox::claim(&*engine, "second", NOW, NOW + MINUTE, 10)
            .await
            .unwrap(),
        []
    );
    // The first worker took too long: the message is due again and another has it.
    let again = outbox::claim(&*engine, "third", NOW + MINUTE, NOW + MINUTE + MINUTE, 10)
        .await
        .unwrap();
    assert_eq!(again[0].attempts, 2);
    commit(&*engine, vec![outbox::delivered("m", "first")])
        .await
        .unwrap();
    for late in [
        outbox::retry("m", "first", NOW, "busy"),
        outbox::dead("m", "first", "gone"),
    ] {
        assert_eq!(fault(commit(&*engine, vec![late]).await), Fault::Stale);
    }
    commit(
        &*engine,
        vec![outbox::retry("m", "third", NOW + MINUTE + MINUTE, "busy")],
    )
    .await
    .unwrap();
    let status = outbox::status(&*engine, "m").await.unwrap().unwrap();
    assert_eq!(
        (status.state, status.failure.as_deref()),
        (OutboxState::Pending, Some("busy"))
    );
    assert!(status.has_payload);
    // A retried message is nobody's until it is claimed again.
    commit(&*engine, vec![outbox::delivered("m", "third")])
        .await
        .unwrap();
    let status = outbox::status(&*engine, "m").await.unwrap().unwrap();
    assert_eq!(status.state, OutboxState::Pending);
    assert!(status.has_payload);
}

pub(crate) async fn what_is_over_leaves_no_payload(engine: Store) {
    commit(
        &*engine,
        vec![
            outbox::enqueue(message("sent", NOW), None),
            outbox::enqueue(message("lost", NOW), None),
        ],
    )
    .await
    .unwrap();
    outbox::claim(&*engine, "lease", NOW, NOW + MINUTE, 10)
        .await
        .unwrap();
    commit(
        &*engine,
        vec![
            outbox::delivered("sent", "lease"),
            outbox::dead("lost", "lease", "no such number"),
        ],
    )
    .await
    .unwrap();
    assert_eq!(outbox::status(&*engine, "sent").await.unwrap(), None);
    let lost = outbox::status(&*engine, "lost").await.unwrap().unwrap();
    assert_eq!((lost.state, lost.has_payload), (OutboxState::Dead, false));
    assert_eq!(lost.failure.as_deref(), Some("no such number"));
    assert_eq!(outbox::next_due(&*engine).await.unwrap(), None);
}

pub(crate) async fn the_inbox_receives_a_message_once(engine: Store) {
    let message = |id: &str, recipient: &str, body: &str, received_at| InboxMessage {
        id: id.to_owned(),
        recipient: recipient.to_owned(),
        received_at,
        body: body.to_owned(),
    };
    let first = message("1", "+4799", "a", NOW);
    let second = message("2", "+4799", "b", NOW + MINUTE);
    let other = message("3", "+4788", "c", NOW);
    for received in [
        &first,
        &second,
        &other,
        &message("1", "+4799", "again", NOW + MINUTE),
    ] {
        commit(&*engine, vec![inbox::insert(received.clone())])
            .await
            .unwrap();
    }
    assert_eq!(
        inbox::list(&*engine, Some("+4799"), 10).await.unwrap(),
        [second.clone(), first]
    );
    assert_eq!(inbox::list(&*engine, None, 1).await.unwrap(), [second]);
}

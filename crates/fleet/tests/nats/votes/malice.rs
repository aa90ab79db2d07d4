//! Votes that a guest refuses: by name, with an event, once. The disk stays as it is, and the request waits.

use agentapi_controller::approval::{ApprovalId, ApprovalState};
use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_controller::event::EventKind;
use agentapi_fleet::signed::{Signed, canonical};
use agentapi_fleet::vote::{Decision, Vote, WipeRequest};
use jiff::SignedDuration;

use super::{A_WHILE, ALICE, DEVICE, Fixture, ID, OTHER, OTHER_ID, yes};
use crate::signer::Signer;

/// Everything that is wrong with a yes to `request`, by the name of its refusal.
fn wrong(
    fixture: &Fixture,
    mallory: &Signer,
    request: &WipeRequest,
    other: &WipeRequest,
) -> Vec<(&'static str, Signed)> {
    let alice = &fixture.alice;
    let now = SystemClock.now();
    let right = || yes(request);
    let no = alice.sign(&Vote { decision: Decision::Refuse, ..right() });
    let text = canonical(&right()).unwrap();
    vec![
        ("bad-signature", Signed { signature: "not a signature".into(), text: text.clone() }),
        ("unknown-signer", mallory.sign(&right())),
        ("unknown-signer", alice.sign(&Vote { issued_by: "bob@example.org".into(), ..right() })),
        // The key that signs orders signs no votes by it.
        ("wrong-namespace", alice.sign_text(&text, "agentapi-order")),
        // A no that somebody has made a yes.
        ("altered", Signed { text: no.text.replace("refuse", "approve"), ..no }),
        ("altered", Signed { text: text.clone(), ..alice.sign(&yes(other)) }),
        ("other-guest", alice.sign(&Vote { guest: "g2".parse().unwrap(), ..right() })),
        ("expired", alice.sign(&Vote { not_after: now - SignedDuration::from_secs(1), ..right() })),
        ("not-yet", alice.sign(&Vote { not_before: now + SignedDuration::from_mins(5), ..right() })),
        // What a lying coordinator may have shown: the digest of one request, with another's number or disk.
        ("other-request", alice.sign(&Vote { approval: other.id, ..right() })),
        ("other-request", alice.sign(&Vote { approval: ApprovalId(99), ..right() })),
        ("other-request", alice.sign(&Vote { digest: "00".repeat(32), ..right() })),
        ("other-disk", alice.sign(&Vote { device: OTHER.into(), ..right() })),
        ("other-disk", alice.sign(&Vote { durable_id: OTHER_ID.into(), ..right() })),
        ("unreadable", alice.sign_text(&text.replace("\"approve\"", "\"approve all\""), "agentapi-approval")),
    ]
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name_once_and_no_disk_is_touched() {
    let fixture = Fixture::new().await;
    let mallory = Signer::new();
    let (_, request) = fixture.ask(DEVICE, ID).await;
    let (_, other) = fixture.ask(OTHER, OTHER_ID).await;
    let mut votes = fixture.votes();
    for (name, signed) in wrong(&fixture, &mallory, &request, &other) {
        let before = fixture.running.texts(EventKind::VoteRefused).await.len();
        fixture.replace(&[signed]).await;
        for _ in 0..2 {
            votes.look().await.unwrap();
        }
        let refused = fixture.running.texts(EventKind::VoteRefused).await;
        assert_eq!(refused.len(), before + 1, "{name}: {refused:?}");
        assert!(refused[before].contains(&format!("is refused ({name}): ")), "{name}: {}", refused[before]);
        for request in [&request, &other] {
            assert_eq!(fixture.approval(request).await.state, ApprovalState::Waiting, "{name}");
        }
    }
    tokio::time::sleep(A_WHILE).await;
    assert!(fixture.wiped().is_empty());
    // After all of that a right one counts.
    fixture.replace(&[fixture.alice.sign(&yes(&request))]).await;
    votes.look().await.unwrap();
    assert_ne!(fixture.approval(&request).await.state, ApprovalState::Waiting);
    assert_eq!(fixture.approval(&other).await.state, ApprovalState::Waiting);
    fixture.running.end().await;
}

#[tokio::test]
async fn a_vote_that_was_used_decides_nothing_again() {
    let fixture = Fixture::new().await;
    let (_, first) = fixture.ask(DEVICE, ID).await;
    let used = fixture.alice.sign(&yes(&first));
    fixture.put(&used).await;
    let mut votes = fixture.votes();
    votes.look().await.unwrap();
    fixture.running.be_idle().await;
    assert_eq!(fixture.wiped().len(), 1);

    // The same disk once more: another request, another nonce, another digest.
    let (_, second) = fixture.ask(DEVICE, ID).await;
    assert_ne!(first.digest, second.digest);
    votes.look().await.unwrap();
    fixture.replace(&[]).await;
    votes.look().await.unwrap();
    fixture.replace(&[used]).await;
    votes.look().await.unwrap();
    let refused = fixture.running.texts(EventKind::VoteRefused).await;
    assert!(refused.len() == 1 && refused[0].contains("vote on approval 1 is refused (replayed)"), "{refused:?}");
    // A second vote on the first one comes too late, whoever signs it.
    let late = Vote::on(&first, Decision::Refuse, ALICE, "", SystemClock.now());
    fixture.replace(&[fixture.alice.sign(&late)]).await;
    votes.look().await.unwrap();
    let refused = fixture.running.texts(EventKind::VoteRefused).await;
    assert!(refused.len() == 2 && refused[1].contains("(other-request)"), "{refused:?}");
    assert_eq!(fixture.approval(&second).await.state, ApprovalState::Waiting);
    assert_eq!(fixture.wiped().len(), 1);
    fixture.running.end().await;
}

#[tokio::test]
async fn a_vote_that_was_used_up_before_a_crash_decides_nothing_after_it() {
    let fixture = Fixture::new().await;
    let (_, request) = fixture.ask(DEVICE, ID).await;
    let used = fixture.alice.sign(&yes(&request));
    // As it is on the disk before the desk has decided.
    let taken = serde_json::json!({ "taken": [{
        "id": used.digest(), "digest": used.digest(), "issued_by": ALICE, "not_after": request.expires_at,
        "state": { "done": { "run": 1 } }, "is_gone": false,
    }], "last": {} });
    let kept = serde_json::to_vec(&taken).unwrap();
    let write = move |tx: &mut agentapi_controller::store::Tx<'_>| tx.keep_for_fleet("votes", &kept);
    fixture.running.companion.store.writer().write(write).await.unwrap();
    fixture.put(&used).await;
    fixture.votes().look().await.unwrap();
    assert_eq!(fixture.approval(&request).await.state, ApprovalState::Waiting);
    assert!(fixture.wiped().is_empty());
    fixture.running.end().await;
}

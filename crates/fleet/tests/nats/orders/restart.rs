//! Orders, and controllers that end in between.

use agentapi_controller::event::EventKind;
use agentapi_fleet::guest::LookError;
use agentapi_fleet::order::Order;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Fixture, order_of};
use crate::controller::Running;

const ALICE: &str = "alice@example.org";

/// What the guest remembers of orders.
async fn journal(running: &Running) -> Value {
    let kept = running.companion.store.writer().write(|tx| tx.kept_for_fleet("orders")).await.unwrap().unwrap();
    serde_json::from_slice(&kept).unwrap()
}

async fn set_journal(running: &Running, journal: &Value) {
    let kept = serde_json::to_vec(journal).unwrap();
    running.companion.store.writer().write(move |tx| tx.keep_for_fleet("orders", &kept)).await.unwrap();
}

/// Accepts an order with a controller that ends before it is asked to obey.
async fn accept_without_obeying(fixture: &Fixture) {
    let running = fixture.machine.start().await;
    let mut orders = fixture.orders(&running);
    fixture.put(&fixture.alice.sign(&order_of(ALICE))).await;
    running.end().await;
    let not_done = orders.look().await.unwrap_err();
    assert!(matches!(not_done, LookError::NotDone(_)), "{not_done:?}");
}

#[tokio::test]
async fn an_order_that_was_accepted_before_a_crash_is_obeyed_after_it_once_and_without_the_bus() {
    let fixture = Fixture::new().await;
    accept_without_obeying(&fixture).await;
    let running = fixture.machine.start().await;
    assert_eq!(running.texts(EventKind::OrderAccepted).await.len(), 1);
    assert!(running.runs().await.is_empty());

    fixture.bus.set_down(true);
    let mut orders = fixture.orders(&running);
    for _ in 0..2 {
        assert!(matches!(orders.look().await, Err(LookError::Bus(_))));
        running.be_idle().await;
    }
    assert_eq!((running.runs().await.len(), fixture.started()), (1, 1));
    fixture.bus.set_down(false);
    orders.look().await.unwrap();
    assert_eq!(running.runs().await.len(), 1);
    assert_eq!(running.texts(EventKind::OrderAccepted).await.len(), 1);
    running.end().await;
}

#[tokio::test]
async fn an_order_whose_run_was_written_down_before_a_crash_is_not_obeyed_again() {
    let fixture = Fixture::new().await;
    let running = fixture.machine.start().await;
    fixture.put(&fixture.alice.sign(&order_of(ALICE))).await;
    fixture.orders(&running).look().await.unwrap();
    running.be_idle().await;
    // As it was on the disk between the run's beginning and the note of it. The time of its acceptance is far ahead, so that it
    // is told by the run's reason alone.
    let mut crashed = journal(&running).await;
    assert_eq!(crashed["taken"][0]["state"], json!({ "done": { "run": 1 } }));
    crashed["taken"][0]["state"] = json!({ "accepted": { "at": "2999-01-01T00:00:00Z" } });
    set_journal(&running, &crashed).await;
    running.end().await;

    let running = fixture.machine.start().await;
    fixture.orders(&running).look().await.unwrap();
    running.be_idle().await;
    assert_eq!((running.runs().await.len(), fixture.started()), (1, 1));
    assert_eq!(journal(&running).await["taken"][0]["state"], json!({ "done": { "run": 1 } }));
    running.end().await;
}

#[tokio::test]
async fn a_backup_that_has_begun_since_an_order_was_accepted_is_the_one_that_was_ordered() {
    let fixture = Fixture::new().await;
    accept_without_obeying(&fixture).await;
    let running = fixture.machine.start().await;
    let action = agentapi_controller::action::Action::RunNow { subject: "backup".into() };
    running.companion.actions.ask(action, agentapi_controller::actor::Actor::Controller).await.unwrap();
    running.be_idle().await;
    fixture.orders(&running).look().await.unwrap();
    running.be_idle().await;
    assert_eq!((running.runs().await.len(), fixture.started()), (1, 1));
    running.end().await;
}

#[tokio::test]
async fn an_order_whose_time_is_over_after_a_crash_is_given_up() {
    let fixture = Fixture::new().await;
    accept_without_obeying(&fixture).await;
    let running = fixture.machine.start().await;
    let mut late = journal(&running).await;
    late["taken"][0]["not_after"] = json!("2020-01-01T00:00:00Z");
    set_journal(&running, &late).await;
    for _ in 0..2 {
        fixture.orders(&running).look().await.unwrap();
    }
    let refused = running.texts(EventKind::OrderRefused).await;
    assert!(refused.len() == 1 && refused[0].contains("(expired)"), "{refused:?}");
    assert!(running.runs().await.is_empty());
    running.end().await;
}

#[tokio::test]
async fn an_order_that_was_obeyed_before_a_restart_is_not_obeyed_after_it() {
    let fixture = Fixture::new().await;
    let running = fixture.machine.start().await;
    let order = order_of(ALICE);
    let signed = fixture.alice.sign(&order);
    fixture.put(&signed).await;
    fixture.orders(&running).look().await.unwrap();
    running.be_idle().await;
    running.end().await;

    let running = fixture.machine.start().await;
    let mut orders = fixture.orders(&running);
    orders.look().await.unwrap();
    assert!(running.texts(EventKind::OrderRefused).await.is_empty(), "it lies there as before");
    fixture.bus.forget();
    orders.look().await.unwrap();
    fixture.replace(&[signed]).await;
    orders.look().await.unwrap();
    let refused = running.texts(EventKind::OrderRefused).await;
    assert!(refused.len() == 1 && refused[0].contains("(replayed)"), "{refused:?}");
    // Also when it has been forgotten that it was obeyed, and only its number is known.
    let mut forgotten = journal(&running).await;
    forgotten["taken"] = json!([]);
    set_journal(&running, &forgotten).await;
    orders.look().await.unwrap();
    assert_eq!((running.runs().await.len(), fixture.started()), (1, 1));

    // A journal that cannot be read is no empty one.
    let write = |tx: &mut agentapi_controller::store::Tx<'_>| tx.keep_for_fleet("orders", b"{");
    running.companion.store.writer().write(write).await.unwrap();
    let next = Order { seq: order.seq + 1, not_after: order.not_after + SignedDuration::from_secs(1), ..order };
    fixture.put(&fixture.alice.sign(&next)).await;
    let unreadable = orders.look().await.unwrap_err();
    assert_eq!(unreadable.to_string(), "there is no journal of orders that can be read");
    assert_eq!(running.runs().await.len(), 1);
    running.end().await;
}

#[tokio::test]
async fn an_order_that_was_obeyed_is_not_obeyed_again_when_the_guest_has_lost_its_memory() {
    let fixture = Fixture::new().await;
    let running = fixture.machine.start().await;
    fixture.put(&fixture.alice.sign(&order_of(ALICE))).await;
    fixture.orders(&running).look().await.unwrap();
    running.be_idle().await;
    running.end().await;
    fixture.machine.damage_state().await;

    let running = fixture.machine.start().await;
    assert!(running.runs().await.is_empty() && running.companion.store.set_aside().is_some());
    let mut orders = fixture.orders(&running);
    orders.look().await.unwrap();
    let refused = running.texts(EventKind::OrderRefused).await;
    assert!(refused.len() == 1 && refused[0].contains("(unremembered)"), "{refused:?}");
    assert_eq!(fixture.started(), 1);
    // One that is issued after that is obeyed.
    fixture.put(&fixture.alice.sign(&order_of(ALICE))).await;
    orders.look().await.unwrap();
    assert_eq!(running.texts(EventKind::OrderAccepted).await.len(), 1);
    running.end().await;
}

//! What a guest refuses: by name, with an event, once.

use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_controller::event::EventKind;
use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::order::Order;
use agentapi_fleet::signed::{Signed, Statement, canonical};
use jiff::SignedDuration;

use super::{Fixture, GUEST, order_of};
use crate::signer::Signer;

const ALICE: &str = "alice@example.org";

/// Everything that is wrong with an order, by the name of its refusal.
fn wrong(fixture: &Fixture, mallory: &Signer, limited: &Signer, over: &Signer) -> Vec<(&'static str, Signed)> {
    let alice = &fixture.alice;
    let now = SystemClock.now();
    let right = || order_of(ALICE);
    let good = alice.sign(&right());
    let of_other = alice.sign(&Order { guest: "g2".parse().unwrap(), ..right() });
    let hours = SignedDuration::from_hours;
    let text = canonical(&right()).unwrap();
    vec![
        ("bad-signature", Signed { signature: "not a signature".into(), ..good.clone() }),
        ("bad-signature", Signed { signature: String::new(), ..good.clone() }),
        ("unknown-signer", mallory.sign(&right())),
        // Whatever it is signed for.
        ("unknown-signer", mallory.sign_text(&text, "file")),
        // A key that is allowed, by a name that is not its own.
        ("unknown-signer", alice.sign(&order_of("bob@example.org"))),
        ("unknown-signer", over.sign(&order_of("over"))),
        ("wrong-namespace", alice.sign_text(&text, "agentapi-approval")),
        ("wrong-namespace", alice.sign_text(&text, "file")),
        ("wrong-namespace", limited.sign(&order_of("limited"))),
        ("altered", Signed { text: good.text.replace("\"backup\"", "\"backup\" "), ..good.clone() }),
        // The text of an order for another guest, with that guest's name exchanged.
        ("altered", Signed { text: of_other.text.replace("g2", GUEST), ..of_other.clone() }),
        ("other-guest", of_other),
        ("expired", alice.sign(&Order { not_after: now - SignedDuration::from_secs(1), ..right() })),
        ("not-yet", alice.sign(&Order { not_before: now + hours(1), not_after: now + hours(2), ..right() })),
        ("too-long", alice.sign(&Order { not_after: now + hours(26), ..right() })),
        // Signed, but not in the one form that an order has.
        ("unreadable", alice.sign_text(&text.replace("\":", "\": "), Order::NAMESPACE)),
        ("unreadable", alice.sign_text(&text.replace("{", "{\"also\":1,"), Order::NAMESPACE)),
        ("unreadable", alice.sign_text(&text.replace("backup", "format"), Order::NAMESPACE)),
        ("unreadable", alice.sign(&order_of("alice\nbob"))),
        ("unreadable", Signed { text: "x".repeat(5000), ..good }),
    ]
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name_once_and_nothing_is_done() {
    let fixture = Fixture::new().await;
    let [mallory, limited, over] = [(); 3].map(|()| Signer::new());
    let lines = [
        fixture.alice.line(ALICE, ""),
        limited.line("limited", "namespaces=\"agentapi-approval\""),
        over.line("over", "valid-before=\"20200101Z\""),
    ];
    fixture.machine.write("signers", &lines.concat());
    let running = fixture.machine.start().await;
    let mut orders = fixture.orders(&running);
    for (name, signed) in wrong(&fixture, &mallory, &limited, &over) {
        let before = running.texts(EventKind::OrderRefused).await.len();
        fixture.replace(std::slice::from_ref(&signed)).await;
        for _ in 0..2 {
            orders.look().await.unwrap();
        }
        // Another start of the controller's part tells it no second time.
        fixture.orders(&running).look().await.unwrap();
        let refused = running.texts(EventKind::OrderRefused).await;
        assert_eq!(refused.len(), before + 1, "{name}: {refused:?}");
        assert!(refused[before].contains(&format!("is refused ({name}): ")), "{name}: {}", refused[before]);
    }
    assert!(running.runs().await.is_empty() && running.texts(EventKind::OrderAccepted).await.is_empty());
    assert_eq!(fixture.started(), 0);
    running.end().await;
}

#[tokio::test]
async fn an_order_that_was_obeyed_is_refused_when_it_is_replayed() {
    let fixture = Fixture::new().await;
    let running = fixture.machine.start().await;
    let mut orders = fixture.orders(&running);
    let order = order_of(ALICE);
    let later = Order { seq: order.seq + 1000, ..order_of(ALICE) };
    let (earlier, later) = (fixture.alice.sign(&order), fixture.alice.sign(&later));
    fixture.replace(std::slice::from_ref(&later)).await;
    orders.look().await.unwrap();
    running.be_idle().await;

    // Somebody kept back an earlier one.
    fixture.replace(&[later.clone(), earlier]).await;
    orders.look().await.unwrap();
    let refused = running.texts(EventKind::OrderRefused).await;
    assert!(refused.len() == 1 && refused[0].contains("(replayed)"), "{refused:?}");
    // Somebody takes one away, and lays it there again.
    fixture.replace(&[]).await;
    orders.look().await.unwrap();
    fixture.replace(std::slice::from_ref(&later)).await;
    orders.look().await.unwrap();
    let refused = running.texts(EventKind::OrderRefused).await;
    assert!(refused.len() == 2 && refused[1].contains("(replayed)"), "{refused:?}");
    // Or tries it with a second signature of the same order.
    let again = Order { seq: order.seq + 2000, ..serde_json::from_str(&later.text).unwrap() };
    fixture.replace(&[fixture.alice.sign(&again)]).await;
    orders.look().await.unwrap();
    assert_eq!(running.texts(EventKind::OrderRefused).await.len(), 3);

    running.be_idle().await;
    assert_eq!((running.runs().await.len(), fixture.started()), (1, 1));
    running.end().await;
}

#[tokio::test]
async fn without_a_usable_file_of_signers_nobody_is_obeyed_and_with_one_again() {
    let fixture = Fixture::new().await;
    let running = fixture.machine.start().await;
    let mut orders = fixture.orders(&running);
    let wrong = format!("{}bob ssh-ed25519 AAAA\n", fixture.alice.line(ALICE, ""));
    fixture.machine.write("signers", &wrong);
    fixture.put(&fixture.alice.sign(&order_of(ALICE))).await;
    orders.look().await.unwrap();
    let refused = running.texts(EventKind::OrderRefused).await;
    assert!(refused.len() == 1 && refused[0].contains("(no-signers)"), "{refused:?}");
    assert!(refused[0].contains("signers:2: expected principals, options, and a key"), "{refused:?}");

    fixture.machine.write("signers", &fixture.alice.line(ALICE, ""));
    orders.look().await.unwrap();
    assert_eq!(running.texts(EventKind::OrderAccepted).await.len(), 1);
    running.end().await;
}

#[tokio::test]
async fn who_writes_to_the_bus_cannot_fill_the_history_with_refusals() {
    let fixture = Fixture::new().await;
    let running = fixture.machine.start().await;
    let mut orders = fixture.orders(&running);
    for round in 0..100 {
        let list: Vec<_> =
            (0..3).map(|place| Signed { text: format!("{round} {place}"), signature: "x".into() }).collect();
        fixture.replace(&list).await;
        orders.look().await.unwrap();
    }
    let refused = running.texts(EventKind::OrderRefused).await;
    assert_eq!(refused.len(), 50);
    assert!(refused[49].ends_with("; no more are told of for an hour"), "{}", refused[49]);

    for value in
        ["", "{}", "[1]", &serde_json::to_string(&vec![serde_json::json!({}); 9]).unwrap(), &"[".repeat(200_000)]
    {
        fixture.bus.put(Table::Order, GUEST, value.to_owned().into(), Expect::Anything).await.unwrap();
        orders.look().await.unwrap();
    }
    // An order among all that is obeyed nevertheless.
    fixture.put(&fixture.alice.sign(&order_of(ALICE))).await;
    orders.look().await.unwrap();
    assert_eq!(running.texts(EventKind::OrderAccepted).await.len(), 1);
    running.end().await;
}

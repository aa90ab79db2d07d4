//! Wishes, beside a guest's own schedule.

use agentapi_controller::action::{Action, Outcome};
use agentapi_controller::actor::Actor;
use agentapi_controller::event::EventKind;
use agentapi_controller::standing::Slot;
use agentapi_fleet::bus::memory::MemoryBus;
use agentapi_fleet::bus::{Bus, Expect, Table};
use agentapi_fleet::overview::Overview;
use agentapi_fleet::slots::{groups, set_max};
use agentapi_fleet::want::{BackupWish, Want, Whose, change};

use crate::fixture::{Fixture, wait_until};

fn day() -> BackupWish {
    BackupWish { newest_within: "24h".into(), window: None, priority: None }
}

async fn wish(bus: &MemoryBus, whose: &str, backup: Option<BackupWish>) {
    let whose = Whose::parse(whose).unwrap();
    change(bus, &whose, 0, |want: &mut Want| want.backup = backup.clone()).await.unwrap();
}

fn from(fixture: &Fixture) -> Option<String> {
    fixture.companion.standing.borrow().wish.as_ref().map(|wish| wish.from.clone())
}

fn held_back(fixture: &Fixture) -> Option<String> {
    fixture.companion.standing.borrow().wish.as_ref()?.held_back.clone()
}

#[tokio::test]
async fn there_is_a_backup_where_there_is_none_as_new_and_the_run_says_whose_wish_it_was() {
    let bus = super::bus();
    wish(&bus, "ring.9", Some(day())).await;
    let fixture = Fixture::start(&bus).await;
    wait_until("a backup is made", async || fixture.has_backup()).await;
    let reasons: Vec<_> = fixture.runs().await.into_iter().map(|run| run.reason).collect();
    let [reason] = reasons.as_slice() else { panic!("one run: {reasons:?}") };
    assert!(
        reason.starts_with("asked for by the fleet (the wish for ring 9: no backup older than 24h, due since 20"),
        "{reason}"
    );
    // Whoever asks for the status sees when the next one is due by it.
    wait_until("the next is due in a day", async || {
        let standing = fixture.companion.standing.borrow();
        let due = standing.wish.as_ref().and_then(|wish| wish.due);
        due.is_some_and(|due| due.duration_since(fixture.companion.clock.now()).as_secs() > 23 * 3600)
    })
    .await;
    assert_eq!(fixture.runs().await.len(), 1, "the wish is met");
    // Its own wish goes before that of its ring.
    wish(&bus, "guest", Some(BackupWish { newest_within: "48h".into(), ..day() })).await;
    wait_until("its own is in force", async || from(&fixture).as_deref() == Some("the wish for guest")).await;
    assert_eq!(fixture.texts(EventKind::WishTaken).await.len(), 2);
    fixture.end().await;
}

#[tokio::test]
async fn what_is_paused_here_is_paused_for_the_fleet() {
    let bus = super::bus();
    bus.set_down(true);
    let fixture = Fixture::start(&bus).await;
    let pause = Action::Pause { subject: "backup".into() };
    assert_eq!(fixture.companion.actions.ask(pause, Actor::Controller).await.unwrap(), Outcome::Done);
    bus.set_down(false);
    wish(&bus, "ring.9", Some(day())).await;
    wait_until("it says why not", async || held_back(&fixture).as_deref() == Some("its schedule is paused here")).await;
    assert!(fixture.runs().await.is_empty());
    let resume = Action::Resume { subject: "backup".into() };
    fixture.companion.actions.ask(resume, Actor::Controller).await.unwrap();
    wait_until("a backup is made", async || fixture.has_backup()).await;
    fixture.end().await;
}

#[tokio::test]
async fn an_older_wish_and_one_that_is_not_possible_are_refused_by_name_and_a_lost_bus_takes_none_back() {
    let (bus, name) = (super::bus(), "guest".parse().unwrap());
    for within in ["72h", "48h"] {
        wish(&bus, "ring.9", Some(BackupWish { newest_within: within.into(), ..day() })).await;
    }
    let fixture = Fixture::start(&bus).await;
    wait_until("it is in force", async || from(&fixture).is_some()).await;
    for (count, (wish, name)) in [
        (r#"{"number":1,"backup":{"newest_within":"100d"}}"#, "(older)"),
        (r#"{"number":2,"backup":{"newest_within":"100d"}}"#, "(older)"),
        (r#"{"number":9,"backup":{"newest_within":"1s"}}"#, "(wrong)"),
        (r#"{"number":9,"backup":{"newest_within":"1000d"}}"#, "(wrong)"),
        ("no wish", "(unreadable)"),
    ]
    .into_iter()
    .enumerate()
    {
        bus.put(Table::Want, "ring.9", wish.into(), Expect::Anything).await.unwrap();
        wait_until(wish, async || fixture.texts(EventKind::WishRefused).await.len() > count).await;
        let text = fixture.texts(EventKind::WishRefused).await.pop().unwrap();
        assert!(text.starts_with("the wish for ring 9 is refused") && text.contains(name), "{wish}: {text}");
    }
    // It is told of again, and then once more: in between, the guest has looked for its wishes on a bus that knows none.
    for _ in 0..2 {
        bus.forget();
        wait_until("it is told of anew", async || {
            Overview::read(&bus).await.unwrap().guest(&name).is_some_and(|view| view.heartbeat.is_some())
        })
        .await;
    }
    let within = fixture.companion.standing.borrow().wish.clone().unwrap().text;
    assert_eq!(within, "no backup older than 48h", "the one before stays in force");
    fixture.end().await;
}

/// How many of a group may back up at once, as the bus has it.
async fn slots_of(bus: &MemoryBus, group: &str) -> Option<u32> {
    groups(bus).await.unwrap().into_iter().find(|(name, _)| name == group)?.1.max
}

async fn has_told_of_itself(bus: &MemoryBus) -> bool {
    Overview::read(bus).await.unwrap().guest(&"guest".parse().unwrap()).is_some_and(|guest| guest.heard.is_some())
}

#[tokio::test]
async fn a_guest_that_has_never_backed_up_tells_a_bus_that_forgot_how_many_slots_there_are() {
    let bus = super::bus();
    set_max(&bus, &"pve1".parse().unwrap(), Some(2)).await.unwrap();
    let fixture = Fixture::start(&bus).await;
    wait_until("it has told of itself", async || has_told_of_itself(&bus).await).await;
    bus.forget();
    wait_until("the bus knows it again", async || slots_of(&bus, "pve1").await == Some(2)).await;
    assert!(fixture.runs().await.is_empty());
    // Over a restart as well, and for its own group alone.
    let mut folder = fixture.end().await;
    for (host, expected) in [("pve1", Some(2)), ("pve2", None)] {
        let bus = super::bus();
        let fixture = Fixture::of_host(folder, &bus, host).await;
        wait_until("it has told of itself again", async || has_told_of_itself(&bus).await).await;
        assert_eq!(slots_of(&bus, host).await, expected, "{host}");
        folder = fixture.end().await;
    }
}

#[tokio::test]
async fn a_backup_waits_for_its_slot_and_the_status_says_for_whom() {
    let bus = super::bus();
    let group = "pve1".parse().unwrap();
    let other = r#"{"guest":"other","since":"2026-11-27T00:00:00Z","priority":100,"beat":1}"#;
    let taken = format!(r#"{{"max":1,"holders":[{other}],"waiting":[]}}"#);
    bus.put(Table::Slot, "pve1", taken.into_bytes().into(), Expect::Anything).await.unwrap();
    let fixture = Fixture::start(&bus).await;
    fixture.run_backup().await;
    wait_until("it waits", async || {
        let slot = fixture.companion.standing.borrow().slot.clone();
        matches!(slot, Some(Slot::Waiting { before: 0, holders, .. }) if holders == ["other"])
    })
    .await;
    assert!(fixture.runs().await[0].started_at.is_none());
    set_max(&bus, &group, Some(2)).await.unwrap();
    wait_until("a backup is made", async || fixture.has_backup()).await;
    wait_until("it gives its slot back", async || {
        let entry = bus.get(Table::Slot, "pve1").await.unwrap().unwrap();
        !String::from_utf8_lossy(entry.value.as_deref().unwrap()).contains("\"guest\":\"guest\"")
    })
    .await;
    fixture.end().await;
}

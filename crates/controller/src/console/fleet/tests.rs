use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use crate::api::tests::{Fixture, connect};
use crate::board::{
    Board, Guest, GuestEvent, GuestFinding, GuestRow, GuestSubject, Life, Lost, Rollout, RolloutState, SlotGroup,
    SlotPlace, TriedExtension, WaitingApproval, WipeRequest,
};
use crate::clock::VirtualClock;
use crate::console::tests::{HEAVIEST, weight};
use crate::event::Severity;

/// All pages, with those of the guest `web1`.
const PAGES: [&str; 6] =
    ["/fleet", "/fleet/guests/web1", "/fleet/slots", "/fleet/rollouts", "/fleet/approvals", "/fleet/events"];
const MARKUP: &str = "\"'><script>taken</script>";

fn now() -> Timestamp {
    "2026-11-27T10:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

/// A guest that is well. `text` stands wherever a guest may write one.
fn guest(name: &str, text: &str) -> Guest {
    let row = GuestRow {
        guest: name.into(),
        host: text.into(),
        ring: 3,
        slots: text.into(),
        life: Life::Alive,
        heard: Some(ago(0)),
        last_backup: Some(ago(60)),
        next_backup: Some(ago(-60)),
        backup: Some("idle".into()),
        is_paused: false,
        is_overdue: false,
        findings: 1,
        worst: Some(Severity::Warning),
        approvals: 0,
        version: text.into(),
    };
    let subject = GuestSubject {
        name: text.into(),
        digest: text.into(),
        activity: text.into(),
        is_paused: false,
        next_due: Some(ago(-5)),
        last_success: Some(ago(5)),
    };
    let finding = GuestFinding {
        subject: text.into(),
        severity: Severity::Warning,
        since: ago(9),
        text: format!("{text}\n{text}"),
    };
    let extension = TriedExtension {
        name: text.into(),
        digest: Some(text.into()),
        state: "refused",
        severity: Severity::Critical,
        why: text.into(),
    };
    Guest {
        row,
        clock_error: None,
        told_at: Some(ago(1)),
        subjects: vec![subject],
        findings: vec![finding],
        extensions: vec![extension],
    }
}

fn approval(guest: &str, text: &str) -> WaitingApproval {
    let request = WipeRequest {
        id: 7,
        asked_by: text.into(),
        device: text.into(),
        durable_id: text.into(),
        size_bytes: 1 << 40,
        role: text.into(),
        contents: text.into(),
        until: ago(-14),
    };
    WaitingApproval { guest: guest.into(), request: Ok(request) }
}

fn event(guest: &str, text: &str) -> GuestEvent {
    GuestEvent {
        guest: guest.into(),
        at: ago(2),
        kind: text.into(),
        severity: Severity::Critical,
        subject: text.into(),
        text: text.into(),
    }
}

fn rollout(text: &str, state: RolloutState) -> Rollout {
    let (extension, digest) = (text.to_owned(), text.to_owned());
    Rollout { extension, digest, rings: vec![1, 3, 9], reached: 2, began: ago(30), state }
}

/// A board with something on each page, whose texts are all this one.
fn board(text: &str) -> Board {
    let place = |guest: &str| SlotPlace { guest: guest.into(), since: ago(3) };
    let group = SlotGroup {
        name: text.into(),
        max: Some(4),
        holders: vec![place("web1"), place(text)],
        waiting: vec![place("web3"), place(text)],
    };
    let states = [
        RolloutState::Running(vec!["web1".into(), text.into()]),
        RolloutState::Stopped(text.into()),
        RolloutState::Done,
        RolloutState::RollingBack,
        RolloutState::RolledBack,
    ];
    Board {
        read_at: Some(ago(0)),
        lost: None,
        guests: vec![guest("web1", text), guest(text, text)],
        groups: vec![group],
        rollouts: states.into_iter().map(|state| rollout(text, state)).collect(),
        approvals: vec![approval("web1", text), WaitingApproval { guest: text.into(), request: Err(text.into()) }],
        events: vec![event("web1", text), event(text, text)],
    }
}

impl Fixture {
    fn publish(&self, board: Board) {
        self.board.send_replace(Some(Arc::new(board)));
    }

    async fn with_board(board: Board) -> Self {
        let fixture = Self::by(Arc::new(VirtualClock::new(now()))).await;
        fixture.publish(board);
        fixture
    }
}

#[tokio::test]
async fn without_a_coordinator_there_is_no_page_of_a_fleet_and_no_way_to_one() {
    let fixture = Fixture::new().await;
    assert!(!fixture.page("/").await.contains("/fleet"));
    for path in PAGES {
        let answer = fixture.visitor().get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.html.contains("this controller coordinates no fleet"), "{}", answer.html);
    }
    fixture.publish(Board::default());
    assert!(fixture.page("/").await.contains("<a href=\"/fleet\">Fleet</a>"));
    for path in PAGES.into_iter().filter(|path| !path.contains("web1")) {
        let page = fixture.page(path).await;
        assert!(page.contains("The bus has not been reached yet."), "{path}: {page}");
    }
}

#[tokio::test]
async fn each_page_shows_its_part_of_the_board() {
    let fixture = Fixture::with_board(board("abc")).await;
    for (path, texts) in [
        ("/fleet", &["href=\"/fleet/guests/web1\"", "1 h ago", "in 1 h", "<dt>Backups overdue</dt><dd>none"][..]),
        ("/fleet/guests/web1", &["agentapi fleet order web1 backup", "abc: refused", "warning: </span>abc: abc"]),
        ("/fleet/slots", &["2 of 4 back up, 2 wait.", "waits, no 1", "backs up", "3 min ago"]),
        (
            "/fleet/rollouts",
            &["<strong>1 has it</strong> → <strong>3 has it</strong> → 9", "agentapi fleet rollout stop abc"],
        ),
        ("/fleet/approvals", &["agentapi fleet approvals approve web1 7 abc", "1.0 TiB", "is not to be signed"]),
        ("/fleet/events", &["<span class=\"state critical\">critical</span> abc", "2 min ago"]),
    ] {
        let page = fixture.page(path).await;
        for text in texts {
            assert!(page.contains(text), "{path}: {text}: {page}");
        }
        assert!(page.contains("aria-current=\"page\">Fleet</a>"), "{path}: {page}");
        assert_eq!(page.matches("aria-current=\"page\"").count(), 2, "the fleet, and one of its pages: {page}");
        assert_eq!(page.matches("<h1>").count(), 1, "{path}");
        // It shows, and changes nothing.
        assert!(!page.contains("method=\"post\""), "{path}: {page}");
    }
    let answer = fixture.visitor().get("/fleet/guests/web9").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.html.contains("the bus knows no guest web9"), "{}", answer.html);
}

#[tokio::test]
async fn markup_in_each_text_is_text_on_each_page() {
    let fixture =
        Fixture::with_board(Board { lost: Some(Lost { since: ago(8), why: MARKUP.into() }), ..board(MARKUP) }).await;
    let of_guest = "/fleet/guests/%22%27%3E%3Cscript%3Etaken%3C%2Fscript%3E";
    for path in PAGES.into_iter().chain([of_guest, "/fleet?find=%3Cscript%3E", "/fleet?find=%22%3E%3Cb%3Enobody"]) {
        let page = fixture.page(path).await;
        assert!(!page.contains("<script>taken") && !page.contains("<b>"), "{path}: {page}");
        assert!(!page.contains("'><") && !page.contains("\"'>"), "{path}: {page}");
        assert!(page.contains("&#60;script&#62;"), "{path}: {page}");
    }
    assert!(fixture.page("/fleet").await.contains(&format!("href=\"{of_guest}\"")));
}

#[tokio::test]
async fn while_the_bus_is_gone_the_pages_say_since_when_and_show_what_was_known() {
    let lost =
        |read_at| Board { read_at, lost: Some(Lost { since: ago(8), why: "it is down".into() }), ..board("abc") };
    let fixture = Fixture::with_board(lost(Some(ago(9)))).await;
    for path in PAGES {
        let page = fixture.page(path).await;
        assert!(page.contains("The bus does not answer since <time") && page.contains(">8 min ago<"), "{path}: {page}");
        assert!(page.contains("it is down") && page.contains("What stands here was known <time"), "{path}: {page}");
        assert!(page.contains(">9 min ago<") && page.contains("abc"), "{path}: {page}");
    }
    fixture.publish(lost(None));
    assert!(fixture.page("/fleet").await.contains("Nothing is known of the guests yet."));
}

#[tokio::test]
async fn five_hundred_guests_are_looked_through_in_light_pages() {
    let long = |number: usize| format!("{}{number:03}", "g".repeat(60));
    let guests = (0..500).map(|number| Guest {
        row: GuestRow { is_overdue: number == 499, guest: long(number), ..guest("", &long(number)).row },
        ..guest("", "abc")
    });
    let place = |number| SlotPlace { guest: long(number), since: ago(3) };
    let groups = (0..50).map(|number| SlotGroup {
        name: long(number),
        max: Some(4),
        holders: (0..4).map(place).collect(),
        waiting: (4..500).map(place).collect(),
    });
    let words = "words of an agent ".repeat(60);
    let fixture = Fixture::with_board(Board {
        guests: guests.collect(),
        groups: groups.collect(),
        approvals: (0..100).map(|_| approval(&long(1), &"d".repeat(63))).collect(),
        events: (0..200).map(|_| event(&long(2), &words)).collect(),
        rollouts: (0..100)
            .map(|_| rollout(&"r".repeat(63), RolloutState::Running((0..500).map(long).collect())))
            .collect(),
        ..board("abc")
    })
    .await;
    let mut names = 0;
    let mut next = Some("/fleet".to_owned());
    while let Some(path) = next {
        let page = fixture.page(&path).await;
        assert!(weight(&page) < HEAVIEST, "{path}: {} bytes", weight(&page));
        names += page.matches("href=\"/fleet/guests/ggg").count();
        let after = page.split_once("\">those after</a>").map(|(before, _)| before.rsplit_once("href=\"").unwrap().1);
        next = after.map(|query| format!("/fleet{query}"));
    }
    assert_eq!(names, 500, "each guest once");
    for path in ["/fleet/slots", "/fleet/rollouts", "/fleet/approvals", "/fleet/events"] {
        let page = fixture.page(path).await;
        assert!(weight(&page) < HEAVIEST, "{path}: {} bytes", weight(&page));
    }
    let page = fixture.page("/fleet/slots").await;
    assert!(page.contains("4 of 4 back up, 496 wait.") && page.contains("And 488 more that wait."), "{page}");
    assert!(fixture.page("/fleet/rollouts").await.contains(" and 490 more"));
    let page = fixture.page("/fleet?find=G499").await;
    assert!(page.contains("1 found.") && page.matches("<th scope=\"row\">").count() == 1, "{page}");
    assert!(page.contains("<span class=\"state critical\">overdue</span>"), "{page}");
    assert!(fixture.page("/fleet?find=nobody").await.contains("No guest and no host is called so."));
    let page = fixture.page("/fleet?find=g&page=2").await;
    assert!(page.contains("?page=3&amp;find=g") && page.contains("?page=1&amp;find=g"), "{page}");
    let answer = fixture.visitor().get("/fleet?page=x").await;
    assert!(answer.status == StatusCode::BAD_REQUEST && answer.html.starts_with("<!doctype html>"), "{answer:?}");
}

#[tokio::test]
async fn a_command_to_copy_is_one_that_does_what_it_shows_and_is_not_there_where_it_cannot() {
    let fixture = Fixture::with_board(Board {
        approvals: vec![approval("web1", "uuid:$(reboot);'a b"), approval("web2", "uuid:0f3c\u{200b}")],
        ..board("abc")
    })
    .await;
    let page = fixture.page("/fleet/approvals").await;
    let commands: Vec<_> = page.split("class=\"whole-id\">").filter(|rest| rest.starts_with("agentapi ")).collect();
    let commands: Vec<_> = commands.iter().map(|rest| rest.split_once('<').unwrap().0).collect();
    // The disk's id is one word to a shell: 'uuid:$(reboot);'"'a b".
    let approve = "agentapi fleet approvals approve web1 7 &#39;uuid:$(reboot);&#39;&#34;&#39;a b&#34;";
    assert_eq!(commands.len(), 3, "{commands:?}");
    assert_eq!(commands[1..], ["agentapi fleet approvals refuse web1 7", "agentapi fleet approvals refuse web2 7"]);
    assert_eq!(commands[0], approve);
    assert!(page.contains("characters that cannot be seen"), "{page}");
}

#[tokio::test]
async fn an_open_page_is_told_when_there_is_something_else_to_see() {
    // By the machine's clock, because the stream pauses by it.
    let fixture = Fixture::new().await;
    let request = Request::get("/live").header("host", "localhost").body(String::new().into()).unwrap();
    let mut stream = connect(&fixture.sockets.main).await.send_request(request).await.unwrap().into_body();
    fixture.publish(Board::default());
    let frame = timeout(Duration::from_secs(60), stream.frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "data: changed\n\n");
}

#[tokio::test]
async fn zz_adhoc() {
    let fixture = Fixture::with_board(rich()).await;
    std::fs::write("/tmp/console-adhoc.sock-path", fixture.sockets.main.display().to_string()).unwrap();
    while !std::path::Path::new("/tmp/console-adhoc.stop").exists() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn rich() -> Board {
    let hosts = ["pve1", "pve2", "pve-berlin-3"];
    let guests = (0..120).map(|number: usize| {
        let name = format!("{}{number}", ["web", "db", "mail", "nextcloud-family-"][number % 4]);
        let mut one = guest(&name, "");
        one.row.host = hosts[number % 3].into();
        one.row.slots = hosts[number % 3].into();
        one.row.version = "0.1.0".into();
        one.row.ring = 1 + (number % 9) as u8;
        (one.row.findings, one.row.worst) = (0, None);
        one.findings.clear();
        one.extensions.clear();
        one.subjects[0].name = "backup".into();
        one.subjects[0].digest = "0a1b2c3d4e5f60718293".into();
        match number {
            0 => {
                one.row.life = Life::Gone;
                one.row.heard = Some(ago(9000));
                one.row.last_backup = Some(ago(9100));
                one.row.is_overdue = true;
                one.row.worst = Some(Severity::Critical);
                one.row.findings = 2;
                one.findings = vec![
                    GuestFinding { subject: "backup".into(), severity: Severity::Critical, since: ago(2000), text: "no backup for 6 days, expected one within 26 h".into() },
                    GuestFinding { subject: "disk-watch/full".into(), severity: Severity::Warning, since: ago(200), text: "disk-watch: /dev/sdb1 is 91 % full\nOf 4.0 TiB 370 GiB are left.".into() },
                ];
                one.clock_error = Some(SignedDuration::from_mins(-7));
                one.extensions = vec![TriedExtension { name: "disk-watch".into(), digest: Some("ab12".repeat(16)), state: "refused", severity: Severity::Critical, why: "expected a signature by a key that this guest trusts, found none".into() }];
                one.row.approvals = 1;
            }
            1 => { one.row.is_overdue = true; one.row.last_backup = None; }
            2 => { one.row.life = Life::Late; one.row.heard = Some(ago(3)); }
            3 => { one.row.backup = Some("waiting".into()); one.row.findings = 1; one.row.worst = Some(Severity::Warning); }
            4 => { one.row.is_paused = true; }
            5 => { one.row.backup = None; one.row.last_backup = None; one.row.next_backup = None; }
            _ => {}
        }
        one
    });
    let mut guests: Vec<_> = guests.collect();
    guests.sort_by_key(|guest| guest.row.urgency());
    let place = |guest: &str, minutes| SlotPlace { guest: guest.into(), since: ago(minutes) };
    let wipe = |guest: &str, id: &str| {
        let mut wipe = approval(guest, "");
        let request = wipe.request.as_mut().unwrap();
        (request.asked_by, request.device, request.durable_id) = ("disk-watch".into(), "/dev/sdc1".into(), id.into());
        (request.role, request.contents) = ("user-data".into(), "ext4 filesystem, 1.8 TiB used".into());
        wipe
    };
    let happened = |guest: &str, severity, text: &str| GuestEvent { severity, kind: "run-ended".into(), subject: "backup".into(), ..event(guest, text) };
    Board {
        guests,
        groups: vec![
            SlotGroup { name: "pve1".into(), max: Some(4), holders: vec![place("web0", 12), place("db1", 8), place("mail2", 8), place("web4", 1)], waiting: (0..20).map(|n| place(&format!("nextcloud-family-{n}"), 30 - n)).collect() },
            SlotGroup { name: "pbs-cellar".into(), max: None, holders: vec![place("db5", 12)], waiting: vec![] },
            SlotGroup { name: "pve2".into(), max: Some(1), holders: vec![place("db9", 12), place("db13", 2)], waiting: vec![place("web16", 1)] },
        ],
        rollouts: vec![
            rollout_named("disk-watch", RolloutState::Running(vec!["web0".into(), "db1".into(), "nextcloud-family-3".into()])),
            rollout_named("stale-backup", RolloutState::Stopped("web8: its first run failed: the agent answered with status 404, expected 200".into())),
            rollout_named("smart-watch", RolloutState::Done),
        ],
        approvals: vec![wipe("web0", "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10"), wipe("db1", "byid:ata-WDC_WD20 EFRX'68"), WaitingApproval { guest: "mail2".into(), request: Err("expected the digest of what the request shows, 0a1b2c3d4e5f, found 99887766".into()) }],
        events: vec![
            happened("web0", Severity::Info, "run 41 is done: a backup of 3.1 GiB in 4 min, consistent with its applications"),
            happened("db1", Severity::Critical, "run 17 has failed: the host agent has not answered for 30 s"),
            happened("nextcloud-family-3", Severity::Warning, "a wish of the fleet was refused: expected a backup within 1h or more, found 5m"),
        ],
        ..board("abc")
    }
}

fn rollout_named(name: &str, state: RolloutState) -> Rollout {
    Rollout { digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(), ..rollout(name, state) }
}

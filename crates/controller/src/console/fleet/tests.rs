mod sample;

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::api::tests::{Fixture, connect};
use crate::board::{Board, Guest, GuestRow, Lost, RolloutState, SlotGroup, SlotPlace};
use crate::clock::VirtualClock;
use crate::console::tests::{HEAVIEST, weight};

use sample::{ago, approval, board, event, guest, now, rollout};

/// All pages, with those of the guest `web1`.
const PAGES: [&str; 6] =
    ["/fleet", "/fleet/guests/web1", "/fleet/slots", "/fleet/rollouts", "/fleet/approvals", "/fleet/events"];
const MARKUP: &str = "\"'><script>taken</script>";

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
        ("/fleet/slots", &["2 of 4 slots taken, 2 waiting.", "waits, no 1", "backs up", "3 min ago"]),
        (
            "/fleet/rollouts",
            &[
                "<strong>1 has it</strong> → <strong>3 now</strong> → 9",
                "<strong>1 has it</strong> → <strong>3 in part</strong> → 9",
                "<dd>1 → 3 → 9</dd>",
                "agentapi fleet rollout stop abc",
            ],
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
async fn each_page_keeps_others_out_by_exactly_this_policy() {
    let fixture = Fixture::with_board(board("abc")).await;
    for path in PAGES {
        let request = Request::get(path).header("host", "localhost").body(String::new().into()).unwrap();
        let answer = connect(&fixture.sockets.main).await.send_request(request).await.unwrap();
        assert_eq!(
            answer.headers()["content-security-policy"],
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            "{path}"
        );
        let page = fixture.page(path).await;
        for inline in ["style=", "onclick=", "<style", "javascript:"] {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
        assert_eq!(page.matches("<script").count(), 1, "the one of the console: {path}");
    }
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
        assert!(page.contains("Without the bus since <time") && page.contains(">8 min ago<"), "{path}: {page}");
        assert!(page.contains("it is down") && page.contains("What stands here was known <time"), "{path}: {page}");
        assert!(page.contains(">9 min ago<") && page.contains("abc"), "{path}: {page}");
    }
    fixture.publish(lost(None));
    assert!(fixture.page("/fleet").await.contains("Nothing is known of the guests yet."));
}

/// The number of a guest, a group or an extension in a name of 63 characters, the longest there is.
fn long(number: usize) -> String {
    format!("{}{number:03}", "g".repeat(60))
}

/// A fleet of 500 guests, of which the last one is overdue, and as much of everything else as there can be.
fn large_board() -> Board {
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
    let running = || RolloutState::Running((0..500).map(long).collect());
    Board {
        guests: guests.collect(),
        groups: groups.collect(),
        approvals: (0..100).map(|_| approval(&long(1), &"d".repeat(63))).collect(),
        events: (0..200).map(|_| event(&long(2), &words)).collect(),
        rollouts: (0..100).map(|_| rollout(&"r".repeat(63), running())).collect(),
        ..board("abc")
    }
}

#[track_caller]
fn assert_light(path: &str, page: &str) {
    assert!(weight(page) < HEAVIEST, "{path}: {} bytes", weight(page));
}

#[tokio::test]
async fn each_of_five_hundred_guests_is_on_one_of_the_pages_which_are_light() {
    let fixture = Fixture::with_board(large_board()).await;
    let mut names = 0;
    let mut next = Some("/fleet".to_owned());
    while let Some(path) = next {
        let page = fixture.page(&path).await;
        assert_light(&path, &page);
        names += page.matches("href=\"/fleet/guests/ggg").count();
        let after = page.split_once("\">those after</a>").map(|(before, _)| before.rsplit_once("href=\"").unwrap().1);
        next = after.map(|query| format!("/fleet{query}"));
    }
    assert_eq!(names, 500);
}

#[tokio::test]
async fn the_other_pages_of_a_large_fleet_are_light_and_say_how_much_they_leave_out() {
    let fixture = Fixture::with_board(large_board()).await;
    for (path, text) in [
        ("/fleet/slots", "4 of 4 slots taken, 496 waiting."),
        ("/fleet/slots", "And 488 more."),
        ("/fleet/rollouts", " and 490 more"),
        ("/fleet/approvals", ""),
        ("/fleet/events", ""),
    ] {
        let page = fixture.page(path).await;
        assert_light(path, &page);
        assert!(page.contains(text), "{path}: {text}: {page}");
    }
}

#[tokio::test]
async fn slots_that_are_left_out_may_be_of_guests_that_back_up() {
    let holders = (0..20).map(|number| SlotPlace { guest: long(number), since: ago(3) }).collect();
    let group = SlotGroup { name: "pve1".into(), max: None, holders, waiting: Vec::new() };
    let fixture = Fixture::with_board(Board { groups: vec![group], ..board("abc") }).await;
    let page = fixture.page("/fleet/slots").await;
    assert!(page.contains("20 taken, of any number, 0 waiting.") && page.contains("And 8 more.</p>"), "{page}");
}

#[tokio::test]
async fn a_guest_is_found_by_a_part_of_its_name_in_any_case() {
    let fixture = Fixture::with_board(large_board()).await;
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
    // More than once, because the controller's own start is something to see as well.
    for publication in 0..3 {
        fixture.publish(Board::default());
        let told = async {
            // What is none of it keeps the connection alive.
            while stream.frame().await.unwrap().unwrap().into_data().unwrap() != "data: changed\n\n" {}
        };
        timeout(Duration::from_secs(60), told).await.unwrap_or_else(|_| panic!("publication {publication}"));
    }
}

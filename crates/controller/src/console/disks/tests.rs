use agentapi_mock::{Disk, Fault, Repeat, Role, RouteSelector};
use axum::http::{Method, StatusCode};

use crate::api::tests::Fixture;
use crate::console::visitor::{Answer, Visitor, body, encoded, hidden};

const MEDIA: &str = "uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10";
const SPARE: &str = "uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33";
const BACKUP: &str = "byid:ata-WDC_WD20EFRX-68EUZN0_WD-1";
const MARKUP: &str = "<script>alert(\"1\")</script>'&";

impl Fixture {
    pub(in crate::console) fn visitor(&self) -> Visitor<'_> {
        Visitor(&self.sockets.main)
    }

    /// The paths of the requests that act, as the agent has got them.
    fn acts(&self) -> Vec<String> {
        let requests = self.agent.requests();
        requests.into_iter().filter(|request| request.method == "POST").map(|request| request.path).collect()
    }
}

fn cards(page: &str) -> Vec<&str> {
    page.split("<li class=\"card disk\">").skip(1).map(|card| card.split_once("</li>").unwrap().0).collect()
}

#[tokio::test]
async fn each_disk_has_a_card_and_a_locked_one_nothing_by_which_it_could_be_lost() {
    let fixture = Fixture::new().await;
    let Answer { status, html, .. } = fixture.visitor().get("/disks").await;
    assert_eq!(status, StatusCode::OK, "{html}");
    let found = cards(&html);
    let [system, backup, media, spare] = found[..] else { panic!("{html}") };
    for (card, role) in [(system, "system (locked)"), (backup, "backup (locked)")] {
        assert!(card.contains(role) && card.contains("class=\"lock\""), "{card}");
        for control in ["<a", "<button", "<form", "<input"] {
            assert!(!card.contains(control), "{control}: {card}");
        }
    }
    assert!(media.contains("1.8 TiB of 3.6 TiB used (50.0 %)") && media.contains(MEDIA), "{media}");
    assert!(media.contains("/disks/eject?at=/mnt/felhom/media") && media.contains(">Move<"), "{media}");
    assert!(media.contains("/disks/wipe?id=uuid%3A0f3c9a52") && !media.contains("class=\"lock\""), "{media}");
    assert!(spare.contains(">Assign<") && !spare.contains("/disks/eject"), "{spare}");
    assert!(spare.contains("nothing was found") && spare.contains("nowhere"), "{spare}");
}

#[tokio::test]
async fn a_request_that_names_a_locked_disk_all_the_same_is_refused() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    let id = encoded(BACKUP);
    for path in [format!("/disks/wipe?id={id}"), format!("/disks/assign?id={id}"), "/disks/eject?at=/".to_owned()] {
        let answer = visitor.get(&path).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path}: {}", answer.html);
        assert!(answer.html.contains("(locked)"), "{path}: {}", answer.html);
    }
    let page = visitor.get(&format!("/disks/wipe?id={}", encoded(MEDIA))).await.html;
    let token = &hidden(&page, "/disks/wipe")[..1];
    let wipe = [("device", "/dev/sdb1"), ("id", BACKUP), ("typed", BACKUP), ("fstype", "ext4")];
    let assign = [("id", BACKUP), ("where", "/mnt/x"), ("fstype", "ext4"), ("options", "")];
    let eject = [("at", "/mnt/felhom/usb-backup")];
    for (path, fields) in [("/disks/wipe", &wipe[..]), ("/disks/assign", &assign), ("/disks/eject", &eject)] {
        let answer = visitor.send(Method::POST, path, &[], body(token, fields)).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path}: {}", answer.html);
    }
    assert_eq!(fixture.acts(), [""; 0]);
    assert!(fixture.store.reader().approvals(None, 1).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn what_the_agent_says_is_text_and_no_markup() {
    let fixture = Fixture::new().await;
    let text = |part: &str| format!("{part}{MARKUP}");
    let id = format!("uuid:{MARKUP}");
    fixture.agent.change(|state| {
        state.disks = vec![Disk {
            name: text("name"),
            kind: text("kind"),
            state: text("state"),
            backing_device: text("/dev/"),
            mount_path: text("/mnt/"),
            class: text("class"),
            role: Role::Other(text("role")),
            data_bearing: true,
            data_reason: text("data"),
            total_bytes: 1 << 30,
            durable_id: id.clone(),
            ..Disk::default()
        }];
        state.mounts[0].mount_point = text("/mnt/");
        state.mounts[0].key = text("key");
    });
    let visitor = fixture.visitor();
    let at = format!("/disks/eject?at={}", encoded(&text("/mnt/")));
    let [assign, wipe] = ["assign", "wipe"].map(|act| format!("/disks/{act}?id={}", encoded(&id)));
    let page = visitor.get(&wipe).await.html;
    let asked = visitor.submit(&page, "/disks/wipe", &[("typed", &id), ("fstype", "ext4")]).await;
    assert_eq!(asked.place, "/approvals/1?done=asked", "{}", asked.html);
    for path in ["/disks", &at, &assign, &wipe, "/approvals", "/approvals/1", "/"] {
        let Answer { status, html, .. } = visitor.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {html}");
        assert!(html.contains("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#39;&#38;"), "{path}: {html}");
        assert_eq!(
            html.matches("<script").count(),
            html.matches("<script src=\"/console.js\" defer>").count(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn who_may_only_look_sees_no_form_and_sends_none() {
    let fixture = Fixture::new().await;
    let main = fixture.visitor();
    let page = main.get(&format!("/disks/wipe?id={}", encoded(MEDIA))).await.html;
    main.submit(&page, "/disks/wipe", &[("typed", MEDIA), ("fstype", "ext4")]).await;
    let visitor = Visitor(&fixture.sockets.read_only);
    for path in ["/disks", "/approvals", "/approvals/1"] {
        let Answer { status, html, .. } = visitor.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        for control in ["<form", "<button", "<input", "href=\"/disks/"] {
            assert!(!html.contains(control), "{path} {control}: {html}");
        }
    }
    for path in ["/disks/eject?at=/mnt/felhom/media", "/disks/assign?id=x", "/disks/wipe?id=x"] {
        assert_eq!(visitor.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    // With a token that is good: the user is the same.
    let token = hidden(&main.get("/approvals/1").await.html, "/approvals/1/approve");
    for (path, fields) in [
        ("/disks/eject", ("at", "/mnt/felhom/media")),
        ("/disks/wipe", ("id", MEDIA)),
        ("/disks/assign", ("id", SPARE)),
        ("/approvals/1/approve", ("durable_id", MEDIA)),
        ("/approvals/1/refuse", ("reason", "")),
    ] {
        let answer = visitor.send(Method::POST, path, &[], body(&token, &[fields])).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}: {}", answer.html);
    }
    assert_eq!(fixture.acts(), [""; 0]);
    assert_eq!(fixture.get("/v1/approvals/1").await.1["state"], "waiting");
}

#[tokio::test]
async fn a_form_of_somebody_else_does_nothing() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    let page = visitor.get(&format!("/disks/wipe?id={}", encoded(MEDIA))).await.html;
    let wipe = [("typed", MEDIA), ("fstype", "ext4")];
    let ours = hidden(&page, "/disks/wipe");
    let forged: Vec<_> = ours
        .iter()
        .map(|(name, value)| match name.as_str() {
            "token" => (name.clone(), "00".repeat(32)),
            _ => (name.clone(), value.clone()),
        })
        .collect();
    for (origin, sent, status) in [
        ("http://evil.example", &ours[..], StatusCode::FORBIDDEN),
        ("null", &ours, StatusCode::FORBIDDEN),
        ("http://localhost", &forged, StatusCode::FORBIDDEN),
        ("http://localhost", &ours[1..], StatusCode::BAD_REQUEST),
    ] {
        let answer = visitor.send(Method::POST, "/disks/wipe", &[("origin", origin)], body(sent, &wipe)).await;
        assert_eq!(answer.status, status, "{origin}: {}", answer.html);
    }
    let eject = body(&forged, &[("at", "/mnt/felhom/media")]);
    assert_eq!(visitor.send(Method::POST, "/disks/eject", &[], eject).await.status, StatusCode::FORBIDDEN);
    assert_eq!(fixture.acts(), [""; 0]);
    assert!(fixture.store.reader().approvals(None, 1).await.unwrap().items.is_empty());
    assert_eq!(
        visitor.submit(&page, "/disks/wipe", &wipe).await.status,
        StatusCode::SEE_OTHER,
        "the same from the page"
    );
}

#[tokio::test]
async fn an_ejected_disk_is_gone_and_the_guests_that_used_it_are_named() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    let page = visitor.get("/disks/eject?at=/mnt/felhom/media").await.html;
    let used = "This guest has it as <code>media</code>, and it is part of the guest's backup";
    assert!(page.contains(used), "{page}");
    assert_eq!(fixture.acts(), [""; 0], "looking does nothing");
    let answer = visitor.submit(&page, "/disks/eject", &[]).await;
    assert_eq!((answer.status, answer.place.as_str()), (StatusCode::SEE_OTHER, "/disks?done=ejected&guests=101,104"));
    let html = visitor.get(&answer.place).await.html;
    assert!(html.contains("Guests 101, 104 used it") && html.contains("the disk can be taken out"), "{html}");
    assert!(cards(&html).len() == 3 && !html.contains(MEDIA), "{html}");
    assert_eq!(visitor.submit(&page, "/disks/eject", &[]).await.status, StatusCode::NOT_FOUND, "it is gone");
    assert_eq!(fixture.acts(), ["/disks/eject"]);
}

#[tokio::test]
async fn a_disk_is_assigned_by_its_durable_id() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    let page = visitor.get(&format!("/disks/assign?id={}", encoded(SPARE))).await.html;
    let fields = |place| [("where", place), ("fstype", "ext4"), ("options", "noatime")];
    let answer = visitor.submit(&page, "/disks/assign", &fields("/mnt/felhom/media")).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.html.contains("something else is mounted at /mnt/felhom/media"), "{}", answer.html);
    let answer = visitor.submit(&page, "/disks/assign", &fields(" /mnt/felhom/photos ")).await;
    assert_eq!((answer.status, answer.place.as_str()), (StatusCode::SEE_OTHER, "/disks?done=assigned"));
    assert!(cards(&visitor.get("/disks").await.html)[3].contains("<code>/mnt/felhom/photos</code>"));
}

#[tokio::test]
async fn an_agent_that_does_not_answer_takes_no_other_page_with_it() {
    let fixture = Fixture::new().await;
    fixture.agent.inject(RouteSelector::Any, Fault::CloseBeforeAnswer, Repeat::Always);
    let visitor = fixture.visitor();
    let Answer { status, html, .. } = visitor.get("/disks").await;
    assert!(status == StatusCode::BAD_GATEWAY && html.contains("To the overview"), "{status}: {html}");
    for path in ["/", "/approvals"] {
        assert_eq!(visitor.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn none_and_a_thousand_disks_are_pages_of_a_fitting_length() {
    let fixture = Fixture::new().await;
    let visitor = fixture.visitor();
    let media = fixture.agent.change(|state| std::mem::take(&mut state.disks)).remove(2);
    let html = visitor.get("/disks").await.html;
    assert!(html.contains("lists no disks for guest 101") && cards(&html).is_empty(), "{html}");
    fixture.agent.change(|state| {
        let disk = |number| Disk { durable_id: format!("uuid:{number:036}"), ..media.clone() };
        state.disks = (0..1000).map(disk).collect();
    });
    let html = visitor.get("/disks?page=2").await.html;
    assert!(
        html.contains("1000 disks, page 2 of 42") && html.contains("/disks?page=3") && html.contains("/disks?page=1")
    );
    assert_eq!((cards(&html).len(), cards(&visitor.get("/disks?page=9999").await.html).len()), (24, 16));
    assert!(html.len() < 45 * 1024, "{}: with style and script it is to be under 60 KiB", html.len());
    assert_eq!(visitor.get("/disks?page=x").await.status, StatusCode::BAD_REQUEST);
    // No single one of them is at that place.
    assert_eq!(visitor.get("/disks/eject?at=/mnt/felhom/media").await.status, StatusCode::CONFLICT);
}

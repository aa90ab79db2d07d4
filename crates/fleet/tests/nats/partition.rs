//! Half of the guests are cut off from the bus, and come back.

use agentapi_controller::link::Link;
use agentapi_fleet::heartbeat::Life;

use crate::controller::wait_until;
use crate::joined::Joined;
use crate::proxy::Proxy;
use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn half_of_the_guests_cut_off_show_late_go_on_and_are_right_again_when_they_are_back() {
    let server = Server::start(&["g1", "g2", "g3", "g4"]).await;
    let coordinator = server.coordinator().await;
    let proxy = Proxy::start(server.port()).await;
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for (name, is_far) in [("g1", false), ("g2", false), ("g3", true), ("g4", true)] {
        let mut access = server.access_of(name);
        if is_far {
            access.server = format!("127.0.0.1:{}", proxy.port()).parse().unwrap();
        }
        let member = Joined::start(access).await;
        if is_far { far.push(member) } else { near.push(member) }
    }
    let all = || near.iter().chain(&far);
    for member in all() {
        wait_until("it shows", async || member.is_right(&coordinator).await).await;
    }

    proxy.cut(true);
    for member in all() {
        member.back_up().await;
    }
    for member in &far {
        wait_until("it is late", async || member.life(&coordinator).await == Some(Life::Late)).await;
        assert!(matches!(member.link(), Link::Lost { .. }), "it says so itself");
        assert!(!member.is_right(&coordinator).await);
    }
    for member in &near {
        assert!(member.is_right(&coordinator).await, "{} is not cut off", member.name);
        assert!(matches!(member.link(), Link::Connected { .. }));
    }

    proxy.cut(false);
    for member in all() {
        wait_until("it is right again", async || member.is_right(&coordinator).await).await;
        wait_until("all is told", async || member.is_told_once_after(0, &coordinator).await).await;
    }
    for member in near.into_iter().chain(far) {
        member.end().await;
    }
}

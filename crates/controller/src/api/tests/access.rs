//! Who may ask for what.

use hyper::{Method, StatusCode};
use serde_json::json;

use super::{Fixture, ask_at};
use crate::api::access::Access;
use crate::api::{Row, table};

/// What each path asks for, as it is meant: what acts is below no `Operate`, and only what acts takes idempotency keys.
#[test]
fn no_route_that_acts_is_open_to_who_may_only_read() {
    for Row { access, repeat, routes: (_, paths, _) } in table() {
        for (path, item) in paths.paths {
            let acts = item.post.is_some();
            let decides = path.ends_with("/approve") || path.ends_with("/refuse");
            assert_eq!(access == Access::Decide, decides, "{path}");
            assert_eq!((access >= Access::Operate, repeat.is_some()), (acts, acts), "{path}");
            assert!(acts != item.get.is_some() && item.put.is_none() && item.delete.is_none(), "{path}");
        }
    }
}

#[tokio::test]
async fn the_read_only_socket_refuses_what_acts() {
    let fixture = Fixture::new().await;
    let read_only = &fixture.sockets.read_only;
    assert_eq!(ask_at(read_only, Method::GET, "/v1/status", "").await.0, StatusCode::OK);
    let (status, problem) = ask_at(read_only, Method::POST, "/v1/subjects/backup/run", "").await;
    assert_eq!((status, &problem["kind"]), (StatusCode::FORBIDDEN, &json!("denied")));
    assert_eq!(fixture.get("/v1/runs").await.1["runs"], json!([]));
}

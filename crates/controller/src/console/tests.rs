mod backups;
mod health;

use axum::http::StatusCode;

use crate::api::tests::Fixture;
use crate::console::visitor::Visitor;

impl Fixture {
    /// A page through the main socket.
    pub(super) async fn page(&self, path: &str) -> String {
        let answer = Visitor(&self.sockets.main).get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.html);
        answer.html
    }
}

/// What a browser loads for a page, in bytes.
pub(super) fn weight(html: &str) -> usize {
    let assets = [
        include_str!("../../assets/console.css"),
        include_str!("../../assets/console.js"),
        include_str!("../../assets/console.svg"),
    ];
    html.len() + assets.map(str::len).iter().sum::<usize>()
}

/// The most that a page may weigh in all: 60 KiB.
pub(super) const HEAVIEST: usize = 60 * 1024;

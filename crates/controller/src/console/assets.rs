//! The style sheet, the script and the icon: in the program, since nothing is fetched from elsewhere.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

pub(super) async fn style() -> impl IntoResponse {
    asset("text/css; charset=utf-8", include_str!("../../assets/console.css"))
}

pub(super) async fn script() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/console.js"))
}

pub(super) async fn icon() -> impl IntoResponse {
    asset("image/svg+xml", include_str!("../../assets/console.svg"))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    // Another version of the controller has others at the same paths.
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text)
}

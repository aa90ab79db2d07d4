//! A browser without JavaScript, for tests: it looks at pages and sends their forms.

use std::path::PathBuf;

use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;

use crate::api::tests::connect;

/// Looks through a socket of the controller.
pub(super) struct Visitor<'a>(pub(super) &'a PathBuf);

/// What comes back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Where it leads; empty where it stays.
    pub(super) place: String,
    pub(super) html: String,
}

impl Visitor<'_> {
    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    /// Sends the form of a page that leads to this path, with these fields beside its hidden ones.
    pub(super) async fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = [("origin", "http://localhost")];
        self.send(Method::POST, path, &origin, body(&hidden(page, path), fields)).await
    }

    pub(super) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = connect(self.0).await.send_request(request.body(body.into()).unwrap()).await.unwrap();
        let (status, place) = (answer.status(), answer.headers().get("location").cloned());
        let place = place.map(|place| place.to_str().unwrap().to_owned()).unwrap_or_default();
        let html = answer.into_body().collect().await.unwrap().to_bytes();
        Answer { status, place, html: String::from_utf8(html.into()).unwrap() }
    }
}

/// The hidden fields of the form that leads to this path.
pub(super) fn hidden(page: &str, path: &str) -> Vec<(String, String)> {
    let form = page.split_once(&format!("action=\"{path}\"")).unwrap_or_else(|| panic!("no form {path}: {page}")).1;
    let form = form.split_once("</form>").unwrap().0;
    let attribute = |tag: &str, name: &str| {
        let value = tag.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
        Some(unescaped(value))
    };
    let tags = form.split("<input type=\"hidden\"").skip(1).map(|tag| tag.split_once('>').unwrap().0);
    tags.map(|tag| (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap())).collect()
}

pub(super) fn body(hidden: &[(String, String)], fields: &[(&str, &str)]) -> String {
    let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let pair = |(name, value): (&str, &str)| format!("{name}={}", encoded(value));
    hidden.chain(fields.iter().copied()).map(pair).collect::<Vec<_>>().join("&")
}

pub(super) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn unescaped(text: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

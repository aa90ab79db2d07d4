//! A POST to a topic of ntfy: the sentence as body, title and priority as headers.

use std::path::PathBuf;

use crate::config::read_secret;
use crate::event::Severity;
use crate::notify::post::Post;
use crate::notify::{Delivering, Delivery, Notice, Notifier};

/// Posts a sentence.
#[derive(Debug)]
pub(super) struct Ntfy {
    pub(super) post: Post,
    /// Read for each delivery, so that it can be changed.
    pub(super) token_file: Option<PathBuf>,
}

impl Notifier for Ntfy {
    fn deliver(&self, notice: &Notice) -> Delivering {
        let (post, token_file, notice) = (self.post.clone(), self.token_file.clone(), notice.clone());
        Box::pin(async move {
            let title = format!("{}: {} of {}", notice.guest, notice.kind, notice.subject);
            let mut headers = vec![("title", title), ("priority", priority(notice.severity).to_owned())];
            match token_file.as_deref().map(|file| read_secret(file, "token_file")).transpose() {
                Ok(token) => headers.extend(token.map(|token| ("authorization", format!("Bearer {token}")))),
                Err(why) => return Delivery::again(format!("the token cannot be read: {why}")),
            }
            post.send(headers, notice.text).await
        })
    }
}

/// ntfy's levels, from 1 to 5.
const fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "default",
        Severity::Warning => "high",
        Severity::Critical => "urgent",
    }
}

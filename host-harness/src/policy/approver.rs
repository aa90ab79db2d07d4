//! A wipe needs a person: who says yes when an extension asks to format a disk with a confirmation.

use std::io::{self, BufRead, IsTerminal, Write};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use agentapi_contract::visible;
use tokio::task::spawn_blocking;

/// A format that an extension asks for, with a confirmation.
///
/// A test of an [`Approver`] starts from the default and sets what matters to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wipe {
    /// The extension's name.
    pub extension: String,
    /// The device, such as `/dev/sdb1`.
    pub device: String,
    /// The durable id that, as the extension says, was confirmed.
    pub durable_id: String,
    /// The file system to be made.
    pub fstype: String,
}

/// Decides whether a disk may be wiped. Asked for each wipe, before anything is sent to the agent.
pub trait Approver: Send + Sync + 'static {
    /// Yes only for that very device and durable id. The run waits for the answer, within its wall-clock limit.
    fn approves<'a>(&'a self, wipe: &'a Wipe) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>>;
}

/// The answer of an [`Approver`]: yes or no, and who gave it, which the audit keeps.
///
/// ```
/// use agentapi_host::policy::Decision;
///
/// let decision = Decision::approved().made_by("alice");
/// assert!(decision.is_approved());
/// assert_eq!(decision.by(), Some("alice"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    is_approved: bool,
    by: Option<String>,
}

impl Decision {
    /// The disk may be wiped.
    pub fn approved() -> Self {
        Self { is_approved: true, by: None }
    }

    /// It may not.
    pub fn refused() -> Self {
        Self { is_approved: false, by: None }
    }

    /// The same decision, made by this person or rule.
    #[must_use]
    pub fn made_by(self, who: impl Into<String>) -> Self {
        Self { by: Some(who.into()), ..self }
    }

    /// Whether the disk may be wiped.
    pub fn is_approved(&self) -> bool {
        self.is_approved
    }

    /// Who decided, if that is known.
    pub fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }
}

impl From<bool> for Decision {
    /// Approved if true, by nobody who is named.
    fn from(is_approved: bool) -> Self {
        Self { is_approved, by: None }
    }
}

/// Says no to every wipe. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct DenyAll;

/// Says yes to one device with one durable id, once.
#[derive(Debug)]
pub struct AllowOnce(Mutex<Option<(String, String)>>);

/// Asks whoever sits at the terminal to type the durable id. Says no where there is no terminal.
///
/// The question goes to standard error. A run that ends while it waits leaves one thread of the runtime behind, which
/// reads standard input until the next line: a read of a terminal cannot be cancelled.
#[derive(Clone, Copy, Debug, Default)]
pub struct AskOnTerminal;

impl AllowOnce {
    /// Allows the wipe of this device with this durable id.
    pub fn new(device: impl Into<String>, durable_id: impl Into<String>) -> Self {
        Self(Mutex::new(Some((device.into(), durable_id.into()))))
    }
}

impl Approver for DenyAll {
    fn approves<'a>(&'a self, _: &'a Wipe) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
        Box::pin(async { Decision::refused() })
    }
}

impl Approver for AllowOnce {
    fn approves<'a>(&'a self, wipe: &'a Wipe) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
        // Compared and taken under one lock: of two runs that ask at once, one is allowed.
        let mut allowed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_allowed = allowed.as_ref().is_some_and(|(device, id)| *device == wipe.device && *id == wipe.durable_id);
        if is_allowed {
            *allowed = None;
        }
        Box::pin(async move { is_allowed.into() })
    }
}

impl Approver for AskOnTerminal {
    fn approves<'a>(&'a self, wipe: &'a Wipe) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
        let wipe = wipe.clone();
        // A person takes minutes: a read on a thread of the runtime would hold up every other call meanwhile.
        Box::pin(async move {
            let answer = spawn_blocking(move || ask(&wipe)).await;
            answer.ok().and_then(Result::ok).unwrap_or_else(Decision::refused)
        })
    }
}

fn ask(wipe: &Wipe) -> io::Result<Decision> {
    // Only a terminal has a person at it. Input from a file or pipe could have been prepared by anybody.
    if !io::stdin().is_terminal() {
        return Ok(Decision::refused());
    }
    let mut terminal = io::stderr();
    write!(terminal, "{}", question(wipe))?;
    terminal.flush()?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    // An empty id would be agreed to by the return key alone.
    let is_agreed = !wipe.durable_id.is_empty() && typed.trim_end_matches(['\r', '\n']) == wipe.durable_id;
    Ok(Decision::from(is_agreed).made_by("the terminal"))
}

fn question(wipe: &Wipe) -> String {
    // These are the extension's texts, and must not be able to rewrite the question. `{:?}` escapes quotes, so that a text
    // cannot seem to end early, and `visible` what a terminal shows as nothing or draws over the character before it.
    let quoted = |text: &str| visible(&format!("{text:?}")).into_owned();
    let Wipe { extension, device, durable_id, fstype } = wipe;
    let [extension, device, durable_id, fstype] = [extension, device, durable_id, fstype].map(|text| quoted(text));
    format!(
        "The extension {extension} asks to wipe {device} and make {fstype} on it.\n\
         To agree, type its durable id ({durable_id}): "
    )
}

#[cfg(test)]
mod tests {
    use super::{AllowOnce, Approver, DenyAll, Wipe, question};

    fn wipe(device: &str, durable_id: &str) -> Wipe {
        let [extension, device, durable_id, fstype] = ["x", device, durable_id, "ext4"].map(String::from);
        Wipe { extension, device, durable_id, fstype }
    }

    #[tokio::test]
    async fn the_default_says_no() {
        assert!(!DenyAll.approves(&wipe("/dev/sdb1", "uuid:1")).await.is_approved());
    }

    #[test]
    fn the_question_shows_every_character_of_the_extensions_texts() {
        let asked = question(&wipe("/dev/sdb1\u{3164}\u{2800}\"\n", "\u{301}uuid:1\u{1b}[2J"));
        let expected = "The extension \"x\" asks to wipe \"/dev/sdb1\\u{3164}\\u{2800}\\\"\\n\" and make \"ext4\" on it.\n\
                        To agree, type its durable id (\"\\u{301}uuid:1\\u{1b}[2J\"): ";
        assert_eq!(asked, expected);
    }

    #[tokio::test]
    async fn one_wipe_is_allowed_once_and_no_other() {
        let approver = AllowOnce::new("/dev/sdb1", "uuid:1");
        assert!(!approver.approves(&wipe("/dev/sdb1", "uuid:2")).await.is_approved());
        assert!(!approver.approves(&wipe("/dev/sdc1", "uuid:1")).await.is_approved());
        assert!(approver.approves(&wipe("/dev/sdb1", "uuid:1")).await.is_approved());
        assert!(!approver.approves(&wipe("/dev/sdb1", "uuid:1")).await.is_approved());
    }
}

//! A wipe needs a person: who says yes to a format with a confirmation that an extension asks for.

use std::io::{self, BufRead, IsTerminal, Write};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

/// A format that an extension asks for, with a confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wipe {
    /// The extension's name.
    pub extension: String,
    /// The device, such as `/dev/sdb1`.
    pub device: String,
    /// The durable id that it says was confirmed.
    pub durable_id: String,
    /// The file system to be made.
    pub fstype: String,
}

/// Says whether a wipe may be done. Asked for each one, before anything is sent to the agent.
pub trait Approver: Send + Sync + 'static {
    /// True only for that very device and durable id.
    fn approves<'a>(&'a self, wipe: &'a Wipe) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
}

/// Says no. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deny;

/// Says yes to one device with one durable id, once.
#[derive(Debug)]
pub struct AllowOnce(Mutex<Option<(String, String)>>);

/// Asks whoever sits at the terminal to type the durable id. Says no where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct AskOnTerminal;

impl AllowOnce {
    /// Allows this wipe.
    pub fn new(device: impl Into<String>, durable_id: impl Into<String>) -> Self {
        Self(Mutex::new(Some((device.into(), durable_id.into()))))
    }
}

impl Approver for Deny {
    fn approves<'a>(&'a self, _: &'a Wipe) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async { false })
    }
}

impl Approver for AllowOnce {
    fn approves<'a>(&'a self, wipe: &'a Wipe) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        let mut allowed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = allowed.as_ref().is_some_and(|(device, id)| *device == wipe.device && *id == wipe.durable_id);
        if is_it {
            *allowed = None;
        }
        Box::pin(async move { is_it })
    }
}

impl Approver for AskOnTerminal {
    fn approves<'a>(&'a self, wipe: &'a Wipe) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        let wipe = wipe.clone();
        Box::pin(async move { tokio::task::spawn_blocking(move || ask(&wipe).unwrap_or(false)).await.unwrap_or(false) })
    }
}

fn ask(wipe: &Wipe) -> io::Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    let Wipe { extension, device, durable_id, fstype } = wipe;
    let mut terminal = io::stderr();
    writeln!(terminal, "The extension {extension:?} asks to wipe {device:?} and make {fstype:?} on it.")?;
    write!(terminal, "To agree, type its durable id ({durable_id:?}): ")?;
    terminal.flush()?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    Ok(!durable_id.is_empty() && typed.trim_end_matches(['\r', '\n']) == durable_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wipe(device: &str, durable_id: &str) -> Wipe {
        let [extension, device, durable_id, fstype] = ["x", device, durable_id, "ext4"].map(String::from);
        Wipe { extension, device, durable_id, fstype }
    }

    #[tokio::test]
    async fn the_default_says_no() {
        assert!(!Deny.approves(&wipe("/dev/sdb1", "uuid:1")).await);
    }

    #[tokio::test]
    async fn one_wipe_is_allowed_once_and_no_other() {
        let approver = AllowOnce::new("/dev/sdb1", "uuid:1");
        assert!(!approver.approves(&wipe("/dev/sdb1", "uuid:2")).await);
        assert!(!approver.approves(&wipe("/dev/sdc1", "uuid:1")).await);
        assert!(approver.approves(&wipe("/dev/sdb1", "uuid:1")).await);
        assert!(!approver.approves(&wipe("/dev/sdb1", "uuid:1")).await);
    }
}

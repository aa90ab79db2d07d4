//! The backup loop that comes with the library: the extension in `extensions/backup-loop`.

use std::time::Duration;

use super::{Function, Grants, Limits, LoadError, Policy};
use crate::Host;

/// The component.
const WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/backup_loop.wasm"));
/// Its name, where it holds a freeze or is audited.
const NAME: &str = "backup-loop";

impl Host {
    /// The backup loop, an extension: due? freeze, start, follow, thaw, report. Its folder in `examples/extensions` says
    /// what input and result are.
    ///
    /// It is granted what it needs. Its limits are wide, because it waits for hours, and looks and prints often.
    ///
    /// # Errors
    ///
    /// [`LoadError::Component`] when it cannot be compiled.
    pub fn backup_loop(&self) -> Result<Policy, LoadError> {
        let is_needed = |function: &Function| matches!(function.interface(), "backup" | "quiesce");
        let grants = Grants::of(Function::ALL.into_iter().filter(is_needed));
        let (wall, cpu) = (Duration::from_secs(7 * 24 * 60 * 60), Duration::from_secs(60 * 60));
        let limits = Limits { wall, cpu, agent_calls: u64::MAX, log_bytes: usize::MAX, ..Limits::default() };
        self.load_policy_bytes(NAME, WASM, &grants, &limits)
    }
}

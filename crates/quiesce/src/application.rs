//! What is frozen, in order.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::own::Quiesce;
use crate::program::{Program, ProgramsError};
use crate::settings::Settings;

/// One thing to freeze: see the table of kinds in the crate's documentation.
#[derive(Clone)]
pub struct Application {
    pub(crate) kind: Kind,
}

/// How it is frozen.
#[derive(Clone)]
pub(crate) enum Kind {
    FileSystem { mount: PathBuf, device: Option<Device> },
    Holder(Program),
    Programs { freeze: Program, thaw: Program },
    Own { name: String, quiesce: Arc<dyn Quiesce> },
}

/// What is frozen together, in this order, and thawed in reverse. At least one.
#[derive(Clone, Debug)]
pub struct Applications {
    list: Vec<Application>,
}

/// An application in the journal: what the next process needs to thaw it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Recorded {
    FileSystem { mount: PathBuf, device: Option<Device> },
    Holder { program: Vec<String>, timeout_ms: u64 },
    Programs { freeze: Vec<String>, thaw: Vec<String>, timeout_ms: u64 },
    Own { name: String },
}

impl Application {
    /// The file system that is mounted here, frozen by the library itself. It must support that, as ext4, XFS, Btrfs and
    /// others do, and this process needs CAP_SYS_ADMIN.
    pub fn file_system(mount: impl Into<PathBuf>) -> Self {
        Self { kind: Kind::FileSystem { mount: mount.into(), device: None } }
    }

    /// A program that freezes, prints the line `frozen` and thaws when its standard input closes. For what lives in a
    /// session, such as a database's lock. It has its time to freeze, and the same time to thaw. One that does not end in
    /// its time is killed, and one that prints when this process has died ends by SIGPIPE, so what it froze must end with
    /// it.
    pub fn holder(program: Program) -> Self {
        Self { kind: Kind::Holder(program) }
    }

    /// A program that freezes, and one that thaws. The thaw must end with status 0 where nothing is frozen, too: it is
    /// tried before the first freeze of a process, and after a crash nobody knows.
    ///
    /// What the freeze program leaves running is taken for part of the freeze: it lives on until the thaw, and is killed
    /// if the process has died meanwhile. What must outlive the freeze is started by a service manager, or by the thaw.
    pub fn programs(freeze: Program, thaw: Program) -> Self {
        Self { kind: Kind::Programs { freeze, thaw } }
    }

    /// The embedder's own code. The name is that in the journal, by which the next process finds it again.
    pub fn own(name: impl Into<String>, quiesce: Arc<dyn Quiesce>) -> Self {
        Self { kind: Kind::Own { name: name.into(), quiesce } }
    }

    /// What two journals must not freeze at once. One's own code is nobody else's.
    pub(crate) fn lock_name(&self, device: Option<Device>) -> Option<String> {
        match &self.kind {
            Kind::FileSystem { .. } => device.map(|Device { major, minor }| format!("fs-{major}-{minor}")),
            Kind::Holder(program) => Some(format!("hold-{:016x}", digest(&[program.words()]))),
            Kind::Programs { freeze, thaw } => Some(format!("run-{:016x}", digest(&[freeze.words(), thaw.words()]))),
            Kind::Own { .. } => None,
        }
    }

    /// Of one that the journal recorded, with its device.
    pub(crate) fn recorded_lock_name(&self) -> Option<String> {
        match self.kind {
            Kind::FileSystem { device, .. } => self.lock_name(device),
            Kind::Holder(_) | Kind::Programs { .. } | Kind::Own { .. } => self.lock_name(None),
        }
    }

    pub(crate) fn recorded(&self, device: Option<Device>) -> Recorded {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        match &self.kind {
            Kind::FileSystem { mount, .. } => {
                // As it is now, not as it may be seen from another folder.
                let mount = std::path::absolute(mount).unwrap_or_else(|_| mount.clone());
                Recorded::FileSystem { mount, device }
            }
            Kind::Holder(program) => Recorded::Holder { program: program.words(), timeout_ms: ms(program.timeout()) },
            Kind::Programs { freeze, thaw } => {
                let timeout_ms = ms(freeze.timeout().max(thaw.timeout()));
                Recorded::Programs { freeze: freeze.words(), thaw: thaw.words(), timeout_ms }
            }
            Kind::Own { name, .. } => Recorded::Own { name: name.clone() },
        }
    }

    /// What the journal recorded. Code of one's own is taken from what is configured now, by its name. `None` for own code
    /// that is not configured, and for a record that holds no program: this process cannot thaw that.
    pub(crate) fn from_recorded(recorded: &Recorded, folder: Option<&Path>, now: &Applications) -> Option<Self> {
        let program = |words: &[String], ms: &u64| {
            let program = Program::new(words).ok()?.with_timeout(Duration::from_millis(*ms));
            Some(program.in_folder(folder.map(Path::to_owned)))
        };
        let kind = match recorded {
            Recorded::FileSystem { mount, device } => Kind::FileSystem { mount: mount.clone(), device: *device },
            Recorded::Holder { program: words, timeout_ms } => Kind::Holder(program(words, timeout_ms)?),
            Recorded::Programs { freeze, thaw, timeout_ms } => {
                Kind::Programs { freeze: program(freeze, timeout_ms)?, thaw: program(thaw, timeout_ms)? }
            }
            Recorded::Own { name } => {
                let is_it = |app: &&Self| matches!(&app.kind, Kind::Own { name: known, .. } if known == name);
                now.list.iter().find(is_it)?.kind.clone()
            }
        };
        Some(Self { kind })
    }
}

impl Recorded {
    /// What somebody has to bring who wants to thaw this. Without arguments: they may hold a password.
    pub(crate) fn needed(&self) -> String {
        match self {
            Self::FileSystem { mount, .. } => format!("the file system at {}", mount.display()),
            Self::Holder { program, .. } => format!("the holder {:?}", program.first()),
            Self::Programs { thaw, .. } => format!("the thaw program {:?}", thaw.first()),
            Self::Own { name } => format!("the own code named {name:?}"),
        }
    }
}

impl Applications {
    /// These, in the order in which they are frozen.
    ///
    /// # Errors
    ///
    /// [`ProgramsError::Empty`] without one.
    pub fn new(applications: impl IntoIterator<Item = Application>) -> Result<Self, ProgramsError> {
        let list: Vec<_> = applications.into_iter().collect();
        if list.is_empty() { Err(ProgramsError::Empty) } else { Ok(Self { list }) }
    }

    /// None: for a process that only thaws.
    pub fn none() -> Self {
        Self { list: Vec::new() }
    }

    /// The same, each program with this time.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        for application in &mut self.list {
            match &mut application.kind {
                Kind::Holder(program) => *program = program.clone().with_timeout(timeout),
                Kind::Programs { freeze, thaw } => {
                    *freeze = freeze.clone().with_timeout(timeout);
                    *thaw = thaw.clone().with_timeout(timeout);
                }
                Kind::FileSystem { .. } | Kind::Own { .. } => {}
            }
        }
        self
    }

    /// The default settings, with time for two attempts of every application to be thawed.
    pub fn settings(&self) -> Settings {
        let defaults = Settings::default();
        let times = self.list.iter().map(|app| app.time(&defaults).saturating_mul(2));
        let thaw_wait = times.fold(defaults.thaw_wait, Duration::saturating_add);
        Settings { thaw_wait, ..defaults }
    }

    pub(crate) fn list(&self) -> &[Application] {
        &self.list
    }
}

impl Application {
    fn time(&self, settings: &Settings) -> Duration {
        match &self.kind {
            Kind::Holder(program) => program.timeout(),
            Kind::Programs { freeze, thaw } => freeze.timeout().max(thaw.timeout()),
            Kind::FileSystem { .. } | Kind::Own { .. } => settings.thaw_timeout,
        }
    }
}

impl<Q: Quiesce> From<Arc<Q>> for Applications {
    /// The embedder's own code alone.
    fn from(quiesce: Arc<Q>) -> Self {
        Self { list: vec![Application::own("applications", quiesce)] }
    }
}

impl fmt::Debug for Application {
    /// Without arguments: they may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::FileSystem { mount, .. } => f.debug_tuple("FileSystem").field(mount).finish(),
            Kind::Holder(program) => f.debug_tuple("Holder").field(&program.name()).finish(),
            Kind::Programs { freeze, thaw } => {
                f.debug_tuple("Programs").field(&freeze.name()).field(&thaw.name()).finish()
            }
            Kind::Own { name, .. } => f.debug_tuple("Own").field(name).finish(),
        }
    }
}

fn digest(programs: &[Vec<String>]) -> u64 {
    digest_of_bytes(programs.iter().flat_map(|words| words.iter().flat_map(|word| word.bytes().chain([0])).chain([1])))
}

/// Of a path, for the name of a lock.
pub(crate) fn digest_of(path: &Path) -> u64 {
    digest_of_bytes(path.as_os_str().as_encoded_bytes().iter().copied())
}

/// FNV-1a, for the name of a file: the same in every build, and nobody gains by a collision but a refused freeze.
fn digest_of_bytes(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

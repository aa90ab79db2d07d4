//! The threads of one application, by its kind.

use std::io;
use std::sync::Arc;

use crate::application::{Application, Kind};
use crate::file_system::Mount;
use crate::holder::hold;
use crate::own::{Quiesce, attempt};
use crate::pair::run_to_end;
use crate::program::Program;
use crate::running::Purpose;
use crate::settings::Settings;
use crate::sync::runtime;
use crate::worker::{Bell, Order, Outcome, SMALL_STACK, Worker};

/// A freeze that hangs must not keep the thaw from running, so there are two: a file system whose freeze waits for a writer
/// may be thawed meanwhile, and what a stuck program froze as well.
pub(super) struct Workers {
    /// What errors and status say.
    pub(super) name: String,
    pub(super) freezer: Worker<Order>,
    /// `None` for a holder: its freezer watches over it until it has thawed.
    pub(super) thawer: Option<Worker<Order>>,
    pub(super) mount: Option<Mount>,
}

impl Workers {
    /// `index` counts the applications, from 0.
    pub(super) fn start(
        application: &Application,
        index: usize,
        bell: &Arc<Bell>,
        settings: &Settings,
    ) -> io::Result<Self> {
        let number = index + 1;
        match &application.kind {
            Kind::FileSystem { mount, device } => Self::of_file_system(Mount::new(mount, *device), bell),
            Kind::Holder(program) => Self::of_holder(program.clone(), number, bell),
            Kind::Programs { freeze, thaw } => Self::of_programs(freeze.clone(), thaw.clone(), number, bell),
            Kind::Own { name, quiesce } => Self::of_own(name, quiesce, bell, settings),
        }
    }

    fn of_file_system(mount: Mount, bell: &Arc<Bell>) -> io::Result<Self> {
        let (freezing, thawing) = (mount.clone(), mount.clone());
        let freezer = Worker::start("freezer", bell, SMALL_STACK, move |order, _| match order {
            Order::Prepare => freezing.prepare(),
            Order::Freeze(_) => freezing.freeze(),
            Order::Thaw => freezing.thaw(),
        })?;
        let thawer = Worker::start("thawer", bell, SMALL_STACK, move |_, _| thawing.thaw())?;
        Ok(Self { name: mount.name(), freezer, thawer: Some(thawer), mount: Some(mount) })
    }

    fn of_holder(program: Program, number: usize, bell: &Arc<Bell>) -> io::Result<Self> {
        let role = format!("holder {number}");
        let name = program.described(&role);
        let freezer = Worker::start("holder", bell, SMALL_STACK, move |order, desk| match order {
            Order::Freeze(marker) => hold(&program, &role, &marker, desk),
            Order::Prepare | Order::Thaw => Outcome::Done,
        })?;
        Ok(Self { name, freezer, thawer: None, mount: None })
    }

    fn of_programs(freeze: Program, thaw: Program, number: usize, bell: &Arc<Bell>) -> io::Result<Self> {
        let (freeze_role, thaw_role) = (format!("freeze program {number}"), format!("thaw program {number}"));
        let name = thaw.described(&thaw_role);
        let freezer = Worker::start("freezer", bell, SMALL_STACK, move |order, desk| match order {
            Order::Freeze(marker) => run_to_end(&freeze, &freeze_role, Purpose::Freeze(&marker), desk),
            Order::Prepare | Order::Thaw => Outcome::Done,
        })?;
        let thaw = move |_, desk: &_| run_to_end(&thaw, &thaw_role, Purpose::Thaw, desk);
        let thawer = Worker::start("thawer", bell, SMALL_STACK, thaw)?;
        Ok(Self { name, freezer, thawer: Some(thawer), mount: None })
    }

    fn of_own(name: &str, quiesce: &Arc<dyn Quiesce>, bell: &Arc<Bell>, settings: &Settings) -> io::Result<Self> {
        let start = |what: &'static str, limit| {
            let runtime = runtime()?;
            let quiesce = Arc::clone(quiesce);
            Worker::start("own", bell, None, move |order, desk| match order {
                Order::Prepare => Outcome::Done,
                Order::Freeze(_) => attempt(&runtime, what, limit, desk, || quiesce.freeze()),
                Order::Thaw => attempt(&runtime, what, limit, desk, || quiesce.thaw()),
            })
        };
        let (freezer, thawer) = (start("freeze", settings.freeze_timeout)?, start("thaw", settings.thaw_timeout)?);
        Ok(Self { name: name.to_owned(), freezer, thawer: Some(thawer), mount: None })
    }
}

//! Freezes and never thaws: for tests that kill it, stop it, or take something away from it.
//!
//! ```text
//! hold_freeze JOURNAL [--fs MOUNT] [--hold PROGRAM] [--run FREEZE THAW] [OPTION VALUE].. [FREEZE THAW]
//! ```
//!
//! Prints `frozen` when it has frozen, `thawed` and the reason when that has ended.

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    hold::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod hold {
    use std::fs::OpenOptions;
    use std::io::{self, Write};
    use std::path::PathBuf;
    use std::time::Duration;

    use agentapi_quiesce::{
        AfterThaw, Application, Applications, Coordinator, EndedBy, Parked, Program, ending_signals,
    };
    use anyhow::Context;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// What happens when it has frozen, and other things that a test sets.
    #[derive(Default)]
    struct Options {
        applications: Vec<Application>,
        timeout: Option<Duration>,
        lease: Option<Duration>,
        locks: Option<PathBuf>,
        /// Is written by the only thread of the runtime: it waits in the kernel if that is frozen.
        write: Option<PathBuf>,
        /// How long there is none of these to be had: threads and processes, or memory.
        starve: Option<(Resource, Duration)>,
    }

    pub(super) fn main() -> anyhow::Result<()> {
        let mut arguments = std::env::args().skip(1);
        let journal = arguments.next().context("JOURNAL is missing")?;
        let options = Options::parse(arguments)?;
        let mut applications = Applications::new(options.applications.clone())?;
        if let Some(timeout) = options.timeout {
            applications = applications.with_timeout(timeout);
        }
        let mut settings = applications.settings();
        settings.lease = options.lease.unwrap_or(settings.lease);
        settings.lock_folder = options.locks.clone();
        let coordinator = Coordinator::open(journal, applications, settings)?;
        coordinator.thaw_on_signals(ending_signals().map(|signal| (signal, AfterThaw::Default)))?;
        // The only thread of this process that is not the coordinator's.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(options.hold(&coordinator))
    }

    impl Options {
        fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
            let mut options = Self::default();
            while let Some(name) = arguments.next() {
                let mut value = || arguments.next().with_context(|| format!("{name} lacks a value"));
                let ms = |text: String| text.parse().map(Duration::from_millis);
                match name.as_str() {
                    "--fs" => options.applications.push(Application::file_system(value()?)),
                    "--hold" => options.applications.push(Application::holder(Program::parse(&value()?)?)),
                    "--run" => {
                        let (freeze, thaw) = (Program::parse(&value()?)?, Program::parse(&value()?)?);
                        options.applications.push(Application::programs(freeze, thaw));
                    }
                    "--timeout-ms" => options.timeout = Some(ms(value()?)?),
                    "--lease-ms" => options.lease = Some(ms(value()?)?),
                    "--locks" => options.locks = Some(value()?.into()),
                    "--write" => options.write = Some(value()?.into()),
                    "--no-process-ms" => options.starve = Some((Resource::Nproc, ms(value()?)?)),
                    "--no-memory-ms" => options.starve = Some((Resource::As, ms(value()?)?)),
                    freeze => {
                        let (freeze, thaw) = (Program::parse(freeze)?, Program::parse(&value()?)?);
                        options.applications.push(Application::programs(freeze, thaw));
                    }
                }
            }
            Ok(options)
        }

        async fn hold(self, coordinator: &Coordinator) -> anyhow::Result<()> {
            let _ = coordinator.idle().await;
            let lease = coordinator.freeze("hold_freeze", &Parked::nothing_to_park()).await?;
            say("frozen");
            if let Some((resource, time)) = self.starve {
                starve(resource, time)?;
            }
            if let Some(file) = self.write {
                // Blocks on purpose: nothing but the coordinator's own threads goes on.
                let mut file = OpenOptions::new().create(true).append(true).open(file)?;
                file.write_all(b"x").and_then(|()| file.sync_all())?;
            }
            coordinator.idle().await?;
            let report = lease.report().context("an end without a report")?;
            say(&format!("thawed: {}; {:?}", report.ended_by, report.failures));
            if let EndedBy::Signal(_) = report.ended_by {
                // The signal ends the process.
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    }

    /// Nobody may be there to read it: that is no reason to end.
    fn say(line: &str) {
        let _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
    }

    /// Lowers the limit, and raises it again. That of processes counts for all but root.
    fn starve(resource: Resource, time: Duration) -> io::Result<()> {
        let usual = getrlimit(resource);
        setrlimit(resource, Rlimit { current: Some(1), maximum: usual.maximum })?;
        std::thread::sleep(time);
        Ok(setrlimit(resource, usual)?)
    }
}

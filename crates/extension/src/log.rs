//! The log of the run: lines with a level.
//!
//! The macros [`error!`](crate::error), [`warn!`](crate::warn), [`info!`](crate::info), [`debug!`](crate::debug) and
//! [`trace!`](crate::trace) format as `println!` does. With the feature `log`, the macros of the crate `log` do the same,
//! also those of other crates.

use crate::bindings::felhom::agentapi::log as host;

pub use host::Level;

/// Writes a text; each of its lines is a line of the log. Natively, in a unit test, to the test's output.
pub fn write(level: Level, text: &str) {
    #[cfg(target_arch = "wasm32")]
    host::write(level, text);
    // What decides may log, and is tested without a host.
    #[cfg(all(not(target_arch = "wasm32"), any(feature = "std", test)))]
    std::eprintln!("{level:?}: {text}");
    #[cfg(all(not(target_arch = "wasm32"), not(any(feature = "std", test))))]
    let _ = (level, text);
}

/// Writes a line that says what the run could not do.
#[macro_export]
macro_rules! error {
    ($($argument:tt)*) => { $crate::__log!(Error, $($argument)*) };
}

/// Writes a line that somebody should look at, although the run goes on.
#[macro_export]
macro_rules! warn {
    ($($argument:tt)*) => { $crate::__log!(Warn, $($argument)*) };
}

/// Writes a line that says what the run has done.
#[macro_export]
macro_rules! info {
    ($($argument:tt)*) => { $crate::__log!(Info, $($argument)*) };
}

/// Writes a line that helps to understand a run afterwards.
#[macro_export]
macro_rules! debug {
    ($($argument:tt)*) => { $crate::__log!(Debug, $($argument)*) };
}

/// Writes a line about each step.
#[macro_export]
macro_rules! trace {
    ($($argument:tt)*) => { $crate::__log!(Trace, $($argument)*) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    ($level:ident, $($argument:tt)*) => {
        $crate::log::write($crate::log::Level::$level, &$crate::__format(::core::format_args!($($argument)*)))
    };
}

/// Takes what is logged by the crate `log`. The second time it does nothing.
#[cfg(feature = "log")]
pub(crate) fn install() {
    struct Host;

    impl log::Log for Host {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            let level = match record.level() {
                log::Level::Error => Level::Error,
                log::Level::Warn => Level::Warn,
                log::Level::Info => Level::Info,
                log::Level::Debug => Level::Debug,
                log::Level::Trace => Level::Trace,
            };
            write(level, &alloc::fmt::format(*record.args()));
        }

        fn flush(&self) {}
    }

    if log::set_logger(&Host).is_ok() {
        // The host decides what is shown, and counts what is written: `trace` costs nothing where nobody writes it.
        log::set_max_level(log::LevelFilter::Trace);
    }
}

//! Where an extension trapped: what happened, in which of its functions.

use std::fmt;

use rustc_demangle::demangle;
use wasmtime::{FrameInfo, FrameSymbol, WasmBacktrace};

/// A trap of an extension. Displayed it is one line; [`frames`](Self::frames) say where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trap {
    /// What happened, in the engine's words.
    pub reason: String,
    /// The functions of the extension in which it happened, the innermost first. Not those of its language's runtime, and at
    /// most [`MAX_FRAMES`](Self::MAX_FRAMES).
    pub frames: Vec<TrapFrame>,
}

/// A function of an extension, in a [`Trap`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrapFrame {
    /// Its name, without the marks of the compiler.
    pub function: String,
    /// File and line in the sources, such as `src/lib.rs:12`; none without debug information.
    pub place: Option<String>,
}

impl Trap {
    /// Frames that are kept: more say nothing about where to look.
    pub const MAX_FRAMES: usize = 8;

    pub(super) fn new(why: &wasmtime::Error) -> Self {
        let reason = why.root_cause().to_string();
        let frames = why.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
        let own = frames.iter().flat_map(frames_of).filter(|frame| !is_of_runtime(&frame.function));
        Self { reason, frames: own.take(Self::MAX_FRAMES).collect() }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.frames.first() {
            Some(frame) => write!(f, ", in {frame}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Trap {}

impl fmt::Display for TrapFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

/// One frame is several where functions were inlined, which only the debug information tells. One without a name, of an
/// extension that was stripped, is none: its number says nothing to anybody.
fn frames_of(frame: &FrameInfo) -> Vec<TrapFrame> {
    if frame.symbols().is_empty() {
        let named = frame.func_name().map(|name| TrapFrame { function: readable(name), place: None });
        return named.into_iter().collect();
    }
    frame.symbols().iter().filter_map(|symbol| frame_of_symbol(frame, symbol)).collect()
}

fn frame_of_symbol(frame: &FrameInfo, symbol: &FrameSymbol) -> Option<TrapFrame> {
    let function = readable(symbol.name().or(frame.func_name())?);
    let place = symbol.file().map(|file| match symbol.line() {
        Some(line) => format!("{file}:{line}"),
        None => file.to_owned(),
    });
    Some(TrapFrame { function, place })
}

fn readable(name: &str) -> String {
    format!("{:#}", demangle(name))
}

/// Whether a function is of a language's runtime or of the glue between component and host. Where the panic itself is
/// raised nobody looks for the fault.
fn is_of_runtime(function: &str) -> bool {
    const RUNTIME: [&str; 9] =
        ["core::", "std::", "alloc::", "__rust", "rust_", "_rust", "__wasi", "wit_bindgen::", "_export_"];
    // Such as `<T as core::ops::FnOnce>::call_once`, and the export itself.
    let is_glue = function == "abort"
        || function.contains('#')
        || function.contains("::_export_")
        || function.contains("__rustc");
    is_glue || RUNTIME.iter().any(|prefix| function.trim_start_matches('<').starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_language_brings_along_is_left_out_and_names_are_readable() {
        assert_eq!(readable("_ZN7nightly5check17h0123456789abcdefE"), "nightly::check");
        assert_eq!(readable("_ZN4core9panicking9panic_fmt17h0123456789abcdefE"), "core::panicking::panic_fmt");
        for function in [
            "core::panicking::panic_fmt",
            "std::sys::backtrace::__rust_end_short_backtrace",
            "__rustc::rust_begin_unwind",
            "<alloc::string::String as core::fmt::Write>::write_str",
            "felhom:agentapi/policy@0.2.1#run",
            "nightly::bindings::exports::felhom::agentapi::policy::_export_run_cabi",
        ] {
            assert!(is_of_runtime(function), "{function}");
        }
        for function in ["nightly::check", "<nightly::Nightly as nightly::Guest>::run", "JS_CallInternal"] {
            assert!(!is_of_runtime(function), "{function}");
        }
    }

    #[test]
    fn one_line_says_what_and_where() {
        let frame = TrapFrame { function: "nightly::check".into(), place: Some("src/lib.rs:12".into()) };
        let trap = Trap { reason: "unreachable".into(), frames: vec![frame.clone(), frame] };
        assert_eq!(trap.to_string(), "unreachable, in nightly::check (src/lib.rs:12)");
        assert_eq!(Trap { frames: Vec::new(), ..trap }.to_string(), "unreachable");
    }
}

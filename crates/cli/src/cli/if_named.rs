//! Subcommands whose options are defined only where they can be needed.
//!
//! All of them at once fill half a mebibyte, and take a process that makes one call a hundred page faults. It would only be
//! to read two words.

use std::cell::RefCell;
use std::ffi::OsString;
use std::ops::Deref;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Subcommand};

/// The options, or the subcommands, of a subcommand. Within [`define_for`] they are defined if its name is among the
/// arguments. Its own name and help are those of the enum that it is a variant of, and always there.
#[derive(Debug)]
pub(crate) struct IfNamed<T>(pub(crate) T);

thread_local! {
    /// The arguments for which the command line is being defined. None: for all.
    static ARGUMENTS: RefCell<Option<Vec<OsString>>> = const { RefCell::new(None) };
}

/// Defines a command line that has the options of those subcommands whose names are among the arguments. Which argument is
/// the name of a subcommand, and which the value of an option, is not known before it is defined.
pub(crate) fn define_for(arguments: Vec<OsString>, define: impl FnOnce() -> Command) -> Command {
    ARGUMENTS.set(Some(arguments));
    let command = define();
    ARGUMENTS.set(None);
    command
}

fn is_needed(command: &Command) -> bool {
    ARGUMENTS.with_borrow(|arguments| match arguments {
        Some(arguments) => arguments.iter().any(|argument| argument == command.get_name()),
        None => true,
    })
}

impl<T> Deref for IfNamed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: FromArgMatches> FromArgMatches for IfNamed<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Args> Args for IfNamed<T> {
    fn augment_args(command: Command) -> Command {
        if is_needed(&command) { T::augment_args(command) } else { command }
    }

    fn augment_args_for_update(command: Command) -> Command {
        if is_needed(&command) { T::augment_args_for_update(command) } else { command }
    }
}

impl<T: Subcommand> Subcommand for IfNamed<T> {
    fn augment_subcommands(command: Command) -> Command {
        if is_needed(&command) { T::augment_subcommands(command) } else { command }
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        if is_needed(&command) { T::augment_subcommands_for_update(command) } else { command }
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, CommandFactory, Parser, Subcommand};

    use super::{IfNamed, define_for};

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        _verb: Verb,
    }

    #[derive(Subcommand)]
    enum Verb {
        One(IfNamed<Options>),
        #[command(subcommand)]
        Two(IfNamed<Nested>),
    }

    #[derive(Args)]
    struct Options {
        #[arg(long)]
        _option: bool,
    }

    #[derive(Subcommand)]
    enum Nested {
        Inner,
    }

    /// Names of subcommands that have their options or subcommands.
    fn defined(line: &Command) -> Vec<&str> {
        let is_defined = |verb: &&Command| verb.get_arguments().next().is_some() || verb.has_subcommands();
        line.get_subcommands().filter(is_defined).map(Command::get_name).collect()
    }

    #[test]
    fn what_is_named_is_defined_and_without_arguments_all_is() {
        for (typed, expected) in
            [("line", vec![]), ("line one", vec!["one"]), ("line --a two one", vec!["one", "two"]), ("line on", vec![])]
        {
            let line = define_for(typed.split(' ').map(Into::into).collect(), Line::command);
            assert_eq!(defined(&line), expected, "{typed}");
            assert_eq!(line.get_subcommands().count(), 2, "{typed}");
        }
        assert_eq!(defined(&Line::command()), ["one", "two"]);
    }
}

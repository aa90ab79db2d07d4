//! `agentapi disks eject`.

use agentapi_host::Agent;
use agentapi_host::records::EjectResult;
use clap::Args;

use crate::error::ActionError;
use crate::print::Output;
use crate::print::escape::visible;
use crate::session::target::TargetOptions;
use crate::status::ExitStatus;

/// What `disks eject` takes.
#[derive(Args)]
pub(crate) struct EjectOptions {
    /// Where it is mounted, as in `agentapi disks list`
    #[arg(value_name = "MOUNTED-AT")]
    mounted_at: String,
    #[command(flatten)]
    pub(super) target: TargetOptions,
}

/// Unmounts a disk and lets it go.
pub(super) async fn eject(agent: &Agent, output: Output, options: &EjectOptions) -> anyhow::Result<()> {
    let result = agent.eject_disk(&options.mounted_at).await.map_err(ActionError)?;
    output.report(ExitStatus::Done, &result, describe)
}

fn describe(result: &EjectResult) -> String {
    let guests: Vec<_> = result.dependent_guests.iter().map(i64::to_string).collect();
    let used = match guests.as_slice() {
        [] => String::new(),
        guests => format!(" Guests that used it: {}.", guests.join(", ")),
    };
    format!("Ejected {}.{used}\n", visible(&result.ejected))
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::EjectResult;

    use super::describe;

    #[test]
    fn an_ejected_disk_is_named_with_the_guests_that_used_it() {
        let text = |dependent_guests| describe(&EjectResult { vmid: 7, ejected: "/a".into(), dependent_guests });
        assert_eq!(text(vec![]), "Ejected /a.\n");
        assert_eq!(text(vec![101, 104]), "Ejected /a. Guests that used it: 101, 104.\n");
    }
}

//! How the host, its storage and the disks are doing: now as the agent says it, and over time as it was measured.

mod measured;
mod span;
mod tables;
mod verdict;

use std::collections::BTreeMap;

use agentapi_host::records::{DiskList, MetricsView};
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::console::ask::{self, Absent};
use crate::console::page::{Page, Shown};
use crate::console::trouble::Trouble;
use crate::console::words::{address, shown};
use crate::sample::{Measure, Series};
use crate::store::StoreError;
use measured::{Measured, View};
use span::Span;
use tables::{DiskRow, TargetRow};

#[derive(Template)]
#[template(path = "health.html")]
pub(super) struct Health {
    page: Page,
    span: Span,
    /// Of what the plots are; empty for the host itself.
    of: String,
    /// The same as it stands in an address.
    of_address: String,
    title: String,
    plots: Result<Vec<Measured>, Absent>,
    /// Whether anything was ever measured.
    is_measured: bool,
    targets: Result<Vec<TargetRow>, Absent>,
    disks: Result<Vec<DiskRow>, Absent>,
    /// Whether that is neither the host nor one of the others.
    is_beside: bool,
    /// What was measured, and is in neither table: names, and as they stand in an address.
    others: Vec<(String, String)>,
    /// Storage targets and disks for which there is no room.
    left_out: usize,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    span: Span,
    #[serde(default)]
    of: String,
}

pub(super) async fn show(
    State(state): State<ApiState>,
    page: Page,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Shown<Health>, Trouble> {
    let Query(Asked { span, of }) = asked.map_err(Problem::from)?;
    let agent = state.work.borrow().agent.clone();
    let (host, disks, series) =
        tokio::join!(ask::agent(agent.host_metrics()), ask::agent(agent.disks()), state.store.reader().series());
    let names = names(host.as_ref().ok(), disks.as_ref().ok());
    let others = series.iter().flatten().filter(|series| !series.of.is_empty() && !names.contains_key(&series.of));
    let mut others: Vec<_> = others.map(|series| (shown(&series.of), address(&series.of))).collect();
    others.dedup();
    let counts =
        [host.as_ref().map_or(0, |host| host.storage_targets.len()), disks.as_ref().map_or(0, |list| list.disks.len())];
    let title = match names.get(&of) {
        _ if of.is_empty() => "The host".to_owned(),
        Some(name) => name.clone(),
        None => shown(&of),
    };
    let is_measured = series.as_ref().map_or(true, |series| !series.is_empty());
    let plots = read(&state, series, &of, span, &page).await;
    Ok(Shown(Health {
        span,
        is_beside: !of.is_empty() && !others.iter().any(|(_, other)| *other == address(&of)),
        of_address: address(&of),
        title,
        plots: plots.map_err(Absent::from),
        is_measured,
        targets: host.map(|host| host.storage_targets.iter().take(MAX_TARGETS).map(TargetRow::new).collect()),
        disks: disks.map(|list| list.disks.iter().take(MAX_DISKS).map(DiskRow::new).collect()),
        others,
        left_out: counts[0].saturating_sub(MAX_TARGETS) + counts[1].saturating_sub(MAX_DISKS),
        of,
        page,
    }))
}

/// What is measured of one thing.
async fn read(
    state: &ApiState,
    series: Result<Vec<Series>, StoreError>,
    of: &str,
    span: Span,
    page: &Page,
) -> Result<Vec<Measured>, StoreError> {
    let series: Vec<_> = series?.into_iter().filter(|series| series.of == of).collect();
    let is_pool = series.iter().any(|series| series.measure == Measure::ThinPoolData);
    let view = View { span, now: page.now, is_pool };
    let mut plots = Vec::new();
    for series in series {
        match Measured::read(state.store.reader(), series, view).await {
            Ok(measured) => plots.push(measured),
            // It gave way to another one since it was listed.
            Err(StoreError::NotFound(_)) => {}
            Err(why) => return Err(why),
        }
    }
    Ok(plots)
}

/// The names of what is in the tables, by what its samples are of.
fn names(host: Option<&MetricsView>, disks: Option<&DiskList>) -> BTreeMap<String, String> {
    let targets = host.iter().flat_map(|host| &host.storage_targets).take(MAX_TARGETS);
    let disks = disks.iter().flat_map(|list| &list.disks).take(MAX_DISKS);
    let disks =
        disks.map(|disk| (disk.durable_id.clone(), format!("{} ({})", shown(&disk.name), shown(&disk.durable_id))));
    disks.chain(targets.map(|target| (target.name.clone(), shown(&target.name)))).collect()
}

/// Rows of each table, so that a page stays light whatever the agent says.
const MAX_TARGETS: usize = 16;
const MAX_DISKS: usize = 48;

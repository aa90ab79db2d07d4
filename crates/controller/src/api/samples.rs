//! What was measured over time.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::ApiState;
use crate::api::extract::Parameters;
use crate::api::problem::Problem;
use crate::sample::{Measure, Point, Series, Step};

/// All that is measured.
#[derive(Serialize, ToSchema)]
pub(super) struct SeriesList {
    /// In the order in which they were first measured.
    series: Vec<Series>,
}

/// Lists what is measured once a minute
#[utoipa::path(get, path = "/v1/series", operation_id = "list_series", tag = "samples", responses((status = 200, body = SeriesList)))]
pub(super) async fn list(State(state): State<ApiState>) -> Result<Json<SeriesList>, Problem> {
    Ok(Json(SeriesList { series: state.store.reader().series().await? }))
}

/// Which points are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PointsQuery {
    /// What was measured.
    #[param(inline)]
    measure: Measure,
    /// Of what, as `GET /v1/series` has it; empty for the host itself.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    of: String,
    /// The time for which each point stands.
    #[param(inline)]
    step: Step,
    /// None before this time; all that are kept if there is none.
    from: Option<Timestamp>,
}

/// The points of one series.
#[derive(Serialize, ToSchema)]
pub(super) struct Points {
    /// The oldest first. A step in which nothing was measured is missing.
    points: Vec<Point>,
}

/// Lists the points of one series
#[utoipa::path(
    get, path = "/v1/samples", operation_id = "list_samples", tag = "samples", params(PointsQuery),
    responses((status = 200, body = Points), (status = 404, body = Problem, content_type = "application/problem+json"))
)]
pub(super) async fn points(
    State(state): State<ApiState>,
    Parameters(PointsQuery { measure, of, step, from }): Parameters<PointsQuery>,
) -> Result<Json<Points>, Problem> {
    let (from, until) = (from.unwrap_or(Timestamp::MIN), state.clock.now());
    Ok(Json(Points { points: state.store.reader().points(measure, of, step, from, until).await? }))
}

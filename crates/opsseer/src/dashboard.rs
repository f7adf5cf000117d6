//! A Grafana dashboard's panels, drawn from Prometheus without Grafana.
//!
//! What is read is the JSON that Grafana provisions
//! (<https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>). What a panel asks
//! for that is not drawn here is said in [`Drawn::notes`]; a panel that cannot be drawn at all says so in its picture.

mod gauge;
mod model;
mod names;
mod panel;
mod query;
mod reduce;
mod shapes;
mod stat;
mod table;
mod time;
mod units;
mod variables;

pub use model::{Dashboard, DashboardError, Panel};
pub use panel::{Drawn, draw};
pub use query::Asked;
pub use time::parse_moment;
pub use variables::{VariableError, Variables};

#[cfg(test)]
mod tests;

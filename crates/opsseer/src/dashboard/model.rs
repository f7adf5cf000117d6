//! The parts of a dashboard's JSON that are drawn. Everything else in it is passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// Why a file is no dashboard.
#[derive(Debug, Error)]
pub enum DashboardError {
    /// It cannot be read as one.
    #[error("this is no Grafana dashboard")]
    Json(#[from] serde_json::Error),
    /// There is nothing to draw.
    #[error("the dashboard has no panels")]
    Empty,
    /// A panel that was asked for.
    #[error("the dashboard has no panel {id}; it has {known}")]
    NoPanel {
        /// What was asked for.
        id: u64,
        /// What there is.
        known: String,
    },
}

/// A dashboard.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dashboard {
    /// Its name.
    pub title: String,
    /// The time that it shows by default.
    pub time: TimeRange,
    pub(super) panels: Vec<Panel>,
    pub(super) templating: Templating,
}

/// The time that a dashboard shows, as Grafana writes it: `now-6h`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct TimeRange {
    /// Where it begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
}

impl Default for TimeRange {
    fn default() -> Self {
        Self { from: "now-6h".to_owned(), to: "now".to_owned() }
    }
}

/// One panel.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Panel {
    /// Its number within the dashboard.
    pub id: u64,
    /// `timeseries`, `stat`, `gauge`, `table`, or one that is not drawn.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its heading; may hold variables.
    pub title: String,
    /// The shortest step, such as `1m`.
    pub(super) interval: Option<String>,
    pub(super) datasource: Value,
    pub(super) targets: Vec<Target>,
    pub(super) field_config: FieldConfig,
    pub(super) options: Options,
    pub(super) transformations: Vec<Value>,
    pub(super) repeat: Option<String>,
    /// The panels of a row that is folded in.
    panels: Vec<Panel>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Target {
    pub(super) ref_id: String,
    pub(super) expr: String,
    pub(super) legend_format: String,
    pub(super) instant: bool,
    pub(super) hide: bool,
    pub(super) interval: String,
    pub(super) datasource: Value,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct FieldConfig {
    pub(super) defaults: Field,
    pub(super) overrides: Vec<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Field {
    pub(super) unit: String,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) no_value: Option<String>,
    pub(super) thresholds: Thresholds,
    pub(super) mappings: Vec<Mapping>,
    pub(super) custom: Custom,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Thresholds {
    pub(super) mode: String,
    pub(super) steps: Vec<Step>,
}

/// From `value` on, values have this colour. The first step has no value: it begins below everything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    pub(super) color: String,
    pub(super) value: Option<f64>,
}

/// Words for values.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Mapping {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) options: Value,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Custom {
    pub(super) thresholds_style: Mode,
    pub(super) stacking: Mode,
    pub(super) draw_style: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Mode {
    pub(super) mode: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Options {
    pub(super) graph_mode: String,
    pub(super) reduce_options: ReduceOptions,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReduceOptions {
    pub(super) calcs: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Templating {
    pub(super) list: Vec<Variable>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// A text or an object, by kind and version.
    pub(super) query: Value,
    pub(super) current: Current,
    pub(super) all_value: Option<String>,
    pub(super) include_all: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Current {
    /// A text, or a list where several can be chosen.
    pub(super) value: Value,
}

impl Dashboard {
    /// Reads a dashboard, also one that is wrapped as Grafana's API gives it (`{"dashboard": ...}`).
    pub fn parse(json: &str) -> Result<Self, DashboardError> {
        let mut value: Value = serde_json::from_str(json)?;
        if let Some(inner) = value.get_mut("dashboard") {
            value = inner.take();
        }
        // Grafana writes null where nothing was chosen.
        remove_nulls(&mut value);
        let dashboard: Self = serde_json::from_value(value)?;
        if dashboard.panels().is_empty() { Err(DashboardError::Empty) } else { Ok(dashboard) }
    }

    /// All panels, those in folded rows too. Rows themselves are none.
    pub fn panels(&self) -> Vec<&Panel> {
        let each = |panel: &'_ Panel| panel.kind != "row";
        self.panels
            .iter()
            .flat_map(|panel| std::iter::once(panel).chain(&panel.panels))
            .filter(|panel| each(panel))
            .collect()
    }

    /// The panel of this number.
    pub fn panel(&self, id: u64) -> Result<&Panel, DashboardError> {
        let panels = self.panels();
        let found = panels.iter().copied().find(|panel| panel.id == id);
        found.ok_or_else(|| {
            let known: Vec<String> = panels.iter().map(|panel| panel.id.to_string()).collect();
            DashboardError::NoPanel { id, known: known.join(", ") }
        })
    }
}

impl Field {
    /// What stands for a value by the panel's own words.
    pub(super) fn mapped(&self, value: f64) -> Option<String> {
        let values: BTreeMap<String, &Value> = self
            .mappings
            .iter()
            .filter(|mapping| mapping.kind == "value")
            .filter_map(|mapping| mapping.options.as_object())
            .flatten()
            .map(|(key, text)| (key.clone(), text))
            .collect();
        let text = values.get(&value.to_string())?.get("text")?.as_str()?;
        Some(text.to_owned())
    }
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_in_folded_rows_count_and_rows_do_not() {
        let json = r#"{"dashboard": {"panels": [
            {"id": 1, "type": "row", "panels": [{"id": 2, "type": "stat", "interval": null}]},
            {"id": 3, "type": "timeseries"}]}}"#;
        let dashboard = Dashboard::parse(json).expect("a dashboard");
        assert_eq!(dashboard.panels().iter().map(|panel| panel.id).collect::<Vec<_>>(), [2, 3]);
        let error = dashboard.panel(9).expect_err("none");
        assert_eq!(error.to_string(), "the dashboard has no panel 9; it has 2, 3");
    }

    #[test]
    fn what_is_no_dashboard_is_said() {
        for (json, words) in
            [("[", "no Grafana dashboard"), ("{}", "no panels"), (r#"{"panels": 3}"#, "no Grafana")]
        {
            let error = Dashboard::parse(json).expect_err(json);
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_value_has_the_words_that_the_panel_gives_it() {
        let json =
            r#"{"mappings": [{"type": "value", "options": {"1": {"text": "up"}, "0": {"text": "DOWN"}}}]}"#;
        let field: Field = serde_json::from_str(json).expect("a field");
        assert_eq!(
            [1.0, 0.0, 2.0].map(|value| field.mapped(value)),
            [Some("up".into()), Some("DOWN".into()), None]
        );
    }
}

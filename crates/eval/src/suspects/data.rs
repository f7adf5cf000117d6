//! The cases of a data set, and each as the scene that a suspector sees.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use opsseer_ai::suspects::{MetricKind, MetricSeries, Onset, Scene};
use serde::Deserialize;

use super::table::{Table, milliseconds};
use crate::{EvalError, jsonl, suite::folders};

/// What is seen of an incident: this many seconds of it, and at least so many rows.
const SEEN_S: f64 = 300.0;
const SEEN_ROWS: usize = 5;

/// A fault that was put into a running system.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Case {
    #[serde(rename = "case")]
    pub(super) name: String,
    /// The table with its metrics.
    pub(super) file: String,
    /// Unix seconds. Without it, [`Self::normal_file`] is there.
    pub(super) inject_time: Option<f64>,
    /// A table of the time before, when nothing was wrong; then all of [`Self::file`] is the incident.
    pub(super) normal_file: Option<String>,
    pub(super) fault: String,
    pub(super) root_cause_service: String,
    /// A table of calls: `from,to`.
    graph: Option<String>,
    target: Option<Target>,
}

/// Where the symptom shows.
#[derive(Debug, Clone, Deserialize)]
struct Target {
    node: String,
}

/// A folder of cases with their tables.
#[derive(Debug)]
pub(super) struct DataSet {
    pub(super) name: String,
    pub(super) cases: Vec<Case>,
    folder: PathBuf,
    pub(super) tables: BTreeMap<String, Table>,
}

impl DataSet {
    pub(super) fn read(set: folders::DataSet) -> Result<Self, EvalError> {
        let index = set.folder.join("cases.jsonl");
        let mut tables = BTreeMap::new();
        let mut cases = Vec::new();
        for line in jsonl::read::<Case>(&index)? {
            let case = line.value;
            if case.inject_time.is_none() && case.normal_file.is_none() {
                return Err(EvalError::NoOnset { path: index, line: line.number });
            }
            for file in [Some(&case.file), case.normal_file.as_ref()].into_iter().flatten() {
                if !tables.contains_key(file) {
                    tables.insert(file.clone(), Table::read(&set.folder.join(file))?);
                }
            }
            cases.push(case);
        }
        Ok(Self { name: set.name, cases, folder: set.folder, tables })
    }

    /// What was to be seen of a case some minutes after it began.
    pub(super) fn scene(&self, case: &Case) -> Result<Scene, EvalError> {
        let table = &self.tables[&case.file];
        let mut scene = match (&case.normal_file, case.inject_time) {
            (Some(normal), _) => beside(&self.tables[normal], table),
            (None, inject_time) => {
                let inject_time = inject_time.unwrap_or_default();
                let first = table.row_after(inject_time);
                let end = table.row_after(inject_time + SEEN_S).max(first + SEEN_ROWS);
                Scene { onset: Onset::At(milliseconds(inject_time)), ..until(table, end) }
            }
        };
        if let Some(graph) = &case.graph {
            scene.calls = calls(&self.folder.join(graph))?;
        }
        scene.symptom = case.target.as_ref().map(|target| target.node.clone());
        Ok(scene)
    }
}

/// All rows of a table before this one.
pub(super) fn until(table: &Table, end: usize) -> Scene {
    let series = table.columns.iter().enumerate().map(|(id, column)| MetricSeries {
        id,
        service: column.service.clone(),
        metric: column.metric.clone(),
        kind: MetricKind::of_name(&column.metric),
        peers: None,
        values: column.values[..end.min(column.values.len())].to_vec(),
    });
    Scene {
        start_ms: milliseconds(table.times[0]),
        step_ms: table.step_ms(),
        series: series.collect(),
        onset: Onset::Unknown,
        calls: Vec::new(),
        symptom: None,
    }
}

/// A normal time with the incident right after it, as if nothing had been between.
fn beside(normal: &Table, incident: &Table) -> Scene {
    let mut scene = until(normal, normal.times.len());
    let mut later: BTreeMap<(&str, &str), &[f64]> = BTreeMap::new();
    for column in &incident.columns {
        later.insert((&column.service, &column.metric), &column.values);
    }
    for series in &mut scene.series {
        if let Some(values) = later.get(&(series.service.as_str(), series.metric.as_str())) {
            series.values.extend_from_slice(values);
        }
    }
    let rows = i64::try_from(normal.times.len()).unwrap_or(i64::MAX);
    scene.onset = Onset::At(scene.start_ms + rows * scene.step_ms);
    scene
}

fn calls(path: &Path) -> Result<Vec<(String, String)>, EvalError> {
    let text =
        fs::read_to_string(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    let mut calls = Vec::new();
    for (number, line) in (1..).zip(text.lines()).skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let (from, to) =
            line.split_once(',').ok_or_else(|| EvalError::Series { path: path.to_owned(), line: number })?;
        calls.push((from.trim().to_owned(), to.trim().to_owned()));
    }
    Ok(calls)
}

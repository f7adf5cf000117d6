//! The suite `suspects`: is the service that was broken named first?
//!
//! Each case is a fault that somebody put into a running system. The suspector sees the metrics up to five minutes after
//! the fault began, when an alert would have fired. Beside that it is asked at times when nothing was broken, and then
//! every service that stands out is a false alarm.

mod data;
mod quiet;
mod table;

use std::{collections::BTreeSet, path::Path, time::Instant};

use opsseer_ai::suspects::{Onset, Scene, Suspector, Suspects, SuspectsVerdict};

use self::data::{Case, DataSet};
use crate::{
    EvalError,
    suite::{Item, Measure, Outcome, Part, chance, folders},
};

/// An alert fires this long after a fault began.
const NOTICED_AFTER_MS: i64 = 3 * 60_000;

/// Runs the suite over the data set at `data`, or over each of those in its folders.
pub fn run(data: &Path, suspector: &dyn Suspector) -> Result<Outcome, EvalError> {
    let (mut known, mut noticed, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    let mut quiet = quiet::Tally::default();
    let mut took = 0.0;
    for set in folders::data_sets(data, "cases.jsonl", |name| name == "cases.jsonl")? {
        let set = DataSet::read(set)?;
        for case in &set.cases {
            let scene = set.scene(case)?;
            floors.push(services_of(&scene));
            let started = Instant::now();
            let found = suspector.rank(&scene);
            took += started.elapsed().as_secs_f64() * 1_000.0;
            known.push(item(&set.name, case, &found));
            if let Onset::At(ms) = scene.onset {
                let scene = Scene { onset: Onset::Noticed(ms + NOTICED_AFTER_MS), ..scene };
                noticed.push(item(&set.name, case, &suspector.rank(&scene)));
            }
        }
        quiet.add(quiet::ask(&set, suspector));
    }
    #[expect(clippy::cast_precision_loss, reason = "some hundred cases")]
    let each = took / known.len().max(1) as f64;
    let mut outcome = Outcome::new("suspects", None)
        .part(Part::new("service", "the broken service, the onset known", measures(&floors, &quiet), known).grouped_by("fault"))
        .part(
            Part::new("noticed", "the same, noticed three minutes later", measures(&floors, &quiet), noticed)
                .grouped_by("fault"),
        )
        .extra("ms_per_case", each)
        .remark(format!(
            "Method: {}. Every service of a file is a candidate. A case is judged with the values of up to five minutes, \
             and at least five values, after the fault began; where a file of normal operation is given, with all values.",
            suspector.name()
        ));
    if let Some(a_day) = quiet.false_alarms_a_day() {
        outcome = outcome.extra("false_alarms_per_day", a_day).remark(quiet.in_words());
    }
    Ok(outcome)
}

fn services_of(scene: &Scene) -> usize {
    let names: BTreeSet<&str> = scene.series.iter().map(|one| one.service.as_str()).collect();
    names.len()
}

/// The figures; each case has its own number of candidates.
fn measures(candidates: &[usize], quiet: &quiet::Tally) -> Vec<Measure> {
    let among = |places: usize| chance::mean(candidates.iter().map(|&of| chance::among_first(places, of)));
    let five = chance::mean((1..=5).map(among));
    vec![
        Measure::share("ac1", "the broken service is first").chance(among(1)),
        Measure::share("ac3", "it is among the first three").chance(among(3)),
        Measure::share("avg5", "mean of being among the first 1 to 5").chance(five),
        Measure::share("stands_out", "something is said to stand out").chance(quiet.share()),
    ]
}

fn item(set: &str, case: &Case, found: &Suspects) -> Item {
    let ranked = found.services.iter().map(|one| &one.service).chain(&found.others);
    let place = ranked.clone().position(|service| *service == case.root_cause_service);
    let within = |places: usize| f64::from(u8::from(place.is_some_and(|place| place < places)));
    let five = (1..=5).map(within).sum::<f64>() / 5.0;
    let stands_out = found.verdict == SuspectsVerdict::StandsOut;
    let first = found.services.first();
    let loss = match (place, first) {
        (Some(0), _) => 0.0,
        (_, Some(first)) => 0.5 + first.score / 2.0 * f64::from(u8::from(stands_out)),
        (_, None) => 0.4,
    };
    let item = Item::new(format!("{set}/{}", case.name))
        .in_group(&case.fault)
        .asked(format!("{} in {}", case.fault, case.file))
        .right(&case.root_cause_service)
        .score("ac1", within(1))
        .score("ac3", within(3))
        .score("avg5", five)
        .score("stands_out", f64::from(u8::from(stands_out)))
        .loss(loss);
    match ranked.clone().next() {
        Some(first) => item.answered(first),
        None => item,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use opsseer_ai::suspects::RobustSuspector;

    use super::*;

    /// Two hours of three services in minutes; `guilty` gets slow at 100, and what it does with it follows.
    fn table(from: usize, to: usize) -> String {
        let mut text =
            "time,calm|latency,calm|cpu,guilty|latency|p95,guilty|cpu,other|latency,other|cpu\n".to_owned();
        for minute in from..to {
            let wobble = [3, 1, 4, 1, 5, 9, 2, 6][minute % 8];
            let slow = if minute > 100 { 400 } else { 0 };
            let (a, b, c) = (100 + wobble, 110 - wobble, 120 + 2 * wobble);
            let time = 1_600_000_000 + minute * 60;
            writeln!(text, "{time},{a},{b},{},{c},{b},{c}", 90 + wobble + slow).expect("written");
        }
        text
    }

    fn write(folder: &Path, name: &str, text: &str) {
        std::fs::write(folder.join(name), text).expect("written");
    }

    #[test]
    fn the_broken_service_is_found_in_one_file_and_beside_a_normal_one() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "all.csv", &table(0, 120));
        write(folder.path(), "normal.csv", &table(0, 95));
        write(folder.path(), "bad.csv", &table(101, 110));
        write(folder.path(), "graph.csv", "from,to\nother,guilty\nother,calm\n");
        let cases = [
            r#"{"case":"a","file":"all.csv","inject_time":1600006030,"fault":"delay","root_cause_service":"guilty"}"#,
            r#"{"case":"b","file":"bad.csv","normal_file":"normal.csv","fault":"delay","root_cause_service":"guilty","graph":"graph.csv","target":{"node":"other"}}"#,
        ];
        write(folder.path(), "cases.jsonl", &cases.join("\n"));
        let outcome = run(folder.path(), &RobustSuspector).expect("an outcome");
        assert_eq!(outcome.parts[0].items.len(), 2);
        for item in outcome.parts.iter().flat_map(|part| &part.items) {
            assert_eq!(item.score_of("ac1"), Some(1.0), "{item:?}");
            assert_eq!(item.score_of("stands_out"), Some(1.0), "{item:?}");
        }
        let floor = outcome.parts[0].measures[0].chance.expect("a floor");
        assert!((floor - 1.0 / 3.0).abs() < 1e-9, "{floor}");
    }

    #[test]
    fn a_case_that_cannot_be_judged_is_an_error_with_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "all.csv", "time,a|latency\n1,2\n2,x,3\n");
        let case =
            r#"{"case":"a","file":"all.csv","inject_time":2,"fault":"delay","root_cause_service":"a"}"#;
        write(folder.path(), "cases.jsonl", case);
        let error = run(folder.path(), &RobustSuspector).expect_err("line 3 is no row").to_string();
        assert!(error.contains("all.csv, line 3"), "{error}");
        write(folder.path(), "all.csv", "time,a|latency\n1,2\n2,3\n");
        write(folder.path(), "cases.jsonl", &case.replace(r#""inject_time":2,"#, ""));
        let error = run(folder.path(), &RobustSuspector).expect_err("no onset").to_string();
        assert!(error.contains("inject_time"), "{error}");
    }
}

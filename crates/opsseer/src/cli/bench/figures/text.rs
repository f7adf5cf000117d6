//! The figures for the terminal.

use std::io::{self, Write};

use opsseer_eval::{
    bench::{Figure, Times},
    table::{self, Align},
};

use super::Record;

pub(super) fn write(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    loads("WEBHOOKS", &record.report.figures, out)?;
    webhooks_said(record, out)?;
    if let Some(large) = &record.large_store {
        writeln!(
            out,
            "\n{} events of {} incidents in the store ({:.0} MiB, filled in {:.0} s); one incident has {} of them",
            large.events, large.incidents, large.data_mib, large.fill_seconds, large.events_of_the_long_one
        )?;
        loads("READING", &large.figures, out)?;
    }
    live(record, out)?;
    status(record, out)?;
    answers(record, out)?;
    goals(record, out)?;
    for fault in &record.faults {
        writeln!(out, "FAULT: {fault}")?;
    }
    Ok(())
}

fn loads(name: &str, figures: &[Figure], out: &mut dyn Write) -> io::Result<()> {
    let head = [
        (name, Align::Left),
        ("SENDERS", Align::Right),
        ("A SECOND", Align::Right),
        ("MIN..MAX", Align::Right),
        ("P50 MS", Align::Right),
        ("P99 MS", Align::Right),
        ("CPU US EACH", Align::Right),
        ("OF /HEALTHZ", Align::Right),
    ];
    let row = |figure: &Figure| {
        vec![
            figure.name.clone(),
            figure.senders.to_string(),
            format!("{:.0}", figure.per_second),
            format!("{:.0}..{:.0}", figure.per_second_min, figure.per_second_max),
            format!("{:.2}", figure.p50_ms),
            format!("{:.2}", figure.p99_ms),
            figure.cpu_us_per_answer.map_or_else(String::new, |cpu| format!("{cpu:.0}")),
            figure.ratio_to_healthz.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        ]
    };
    table::write(out, &head, &figures.iter().map(row).collect::<Vec<_>>())
}

fn webhooks_said(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let Record { machine, report, .. } = record;
    let settings = &report.settings;
    writeln!(
        out,
        "\n{} cores, {}, fsync {:.2} ms, {} build, version {}",
        machine.cores, machine.kernel, machine.fsync_ms, record.build, record.opsseer
    )?;
    if record.build == "debug" {
        writeln!(out, "This is a debug build: the figures mean little. Use `cargo build --release`.")?;
    }
    writeln!(out, "{}", record.durability)?;
    writeln!(
        out,
        "{}; medians of {} rounds of {} s; alerts of {} services",
        settings.loop_kind, settings.rounds, settings.seconds_per_round, settings.services
    )?;
    for kept in &report.kept {
        writeln!(
            out,
            "{}: {} different alerts were answered with 202; {} are kept, {} lost, {} kept twice",
            kept.server, kept.acknowledged, kept.kept, kept.lost, kept.kept_twice
        )?;
    }
    for footprint in &record.servers {
        let resident = footprint.resident_mib.map_or_else(|| "?".to_owned(), |mib| format!("{mib:.0}"));
        writeln!(
            out,
            "{}: {resident} MiB resident at the end, {:.0} MiB on the disk",
            footprint.server, footprint.data_mib
        )?;
    }
    Ok(())
}

fn times(name: String, times: &Times) -> Vec<String> {
    let ms = |ms: f64| format!("{ms:.1}");
    vec![name, times.count.to_string(), ms(times.p50_ms), ms(times.p99_ms), ms(times.max_ms)]
}

const TIMES: [(&str, Align); 4] =
    [("TIMES", Align::Right), ("P50 MS", Align::Right), ("P99 MS", Align::Right), ("MAX MS", Align::Right)];

fn live(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let readers = &record.live_readers;
    let audience = readers.audience;
    writeln!(
        out,
        "\n{} live readers of one incident, {} notes, one every {} ms",
        audience.readers, audience.notes, audience.every_ms
    )?;
    let head = [&[("LIVE", Align::Left)][..], &TIMES].concat();
    let rows = [
        times("from the post to a reader".to_owned(), &readers.delay),
        times("the post itself".to_owned(), &readers.post),
    ];
    table::write(out, &head, &rows)?;
    if let (Some(before), Some(with), Some(each)) =
        (readers.resident_before_mib, readers.resident_with_mib, readers.kib_each)
    {
        writeln!(
            out,
            "Memory of the server: {before:.0} MiB before, {with:.0} MiB with them, {each:.0} KiB each"
        )?;
    }
    Ok(())
}

fn status(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let changed = &record.status_changes;
    let open = changed.open;
    writeln!(
        out,
        "\nChanges of status, with {} firing alerts in {} open incidents",
        open.incidents * open.alerts_each,
        open.incidents
    )?;
    let head = [&[("CHANGE", Align::Left)][..], &TIMES].concat();
    let rows: Vec<_> = changed
        .changes
        .iter()
        .flat_map(|change| {
            [
                times(format!("{}: the request", change.what), &change.request),
                times(format!("{}: on the incident's stream", change.what), &change.seen_on_stream),
                times(
                    format!("{}: on the list, which gathers for 200 ms", change.what),
                    &change.seen_on_list,
                ),
            ]
        })
        .collect();
    table::write(out, &head, &rows)
}

fn answers(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let answers = &record.answers;
    let with = if answers.embeddings { "words and meaning" } else { "words alone: no model was given" };
    writeln!(out, "\nFrom an alert to its answers, {} runbook sections, by {with}", answers.sections)?;
    let head = [&[("ANSWER", Align::Left)][..], &TIMES].concat();
    let storm = answers.enriching.storm;
    let rows = [
        times("the runbook's step".to_owned(), &answers.runbook),
        times("the class".to_owned(), &answers.class),
        times("incidents like it".to_owned(), &answers.similar),
        times("all three".to_owned(), &answers.all),
        times("an incident's page, quiet".to_owned(), &answers.page_before),
        times(format!("the page while {storm} incidents open"), &answers.page_in_storm),
    ];
    table::write(out, &head, &rows)
}

fn goals(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    let head = [("GOAL", Align::Left), ("", Align::Right), ("REACHED", Align::Right), ("", Align::Left)];
    let rows: Vec<_> = record
        .goals
        .iter()
        .map(|goal| {
            let met = if goal.met { "met" } else { "MISSED" };
            let reached = format!("{:.1}", goal.reached);
            vec![goal.what.to_owned(), format!("{} {}", goal.wanted, goal.unit), reached, met.to_owned()]
        })
        .collect();
    table::write(out, &head, &rows)
}

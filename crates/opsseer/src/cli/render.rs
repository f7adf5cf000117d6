//! `opsseer render`: the panels of a Grafana dashboard as pictures, from Prometheus alone.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use opsseer_connect::prometheus::Metrics;
use opsseer_core::{Clock, SystemClock};
use serde::Serialize;
use url::Url;

use super::{forecast, incidents::print_json};
use crate::{
    chart::{Theme, png_of},
    config::Config,
    dashboard::{Asked, Dashboard, Drawn, Panel, Variables, draw, parse_moment},
};

/// The longest heading within a file's name.
const MOST_NAME_CHARS: usize = 60;

/// What `opsseer render` is told.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The dashboard, as Grafana exports or provisions it.
    dashboard: PathBuf,
    /// The panel's number, or all.
    #[arg(long, value_name = "ID|all", default_value = "all")]
    panel: String,
    /// From when: now-6h, 2026-01-02T03:04:05Z, or milliseconds since 1970 [default: the dashboard's].
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until when [default: the dashboard's].
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The folder to write to; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// The address of Prometheus [default: as configured].
    #[arg(long, value_name = "URL")]
    prometheus: Option<Url>,
    /// A variable's value, in the place of the saved one. Can be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// The background.
    #[arg(long, value_enum, default_value = "light")]
    theme: Theme,
    /// In pixels.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(100..=4096))]
    width: u32,
    /// In pixels.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(80..=4096))]
    height: u32,
    /// Write SVG, not PNG.
    #[arg(long)]
    svg: bool,
    /// Print one JSON object that lists what was written.
    #[arg(long)]
    json: bool,
}

/// A picture that was written.
#[derive(Debug, Serialize)]
struct Written {
    panel: u64,
    title: String,
    file: PathBuf,
    /// What the picture lacks.
    notes: Vec<String>,
    failed: bool,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Writes the pictures. It fails when a panel's query was not answered; its picture then says why.
pub async fn execute(args: RenderArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(None)?;
    let metrics = forecast::metrics(&config, args.prometheus.as_ref())?;
    let scrape = config.prometheus.scrape_interval;
    let written = run(&args, &metrics, scrape, SystemClock.now()).await?;
    report(&args, &written, &mut io::stdout(), &mut io::stderr())?;
    let has_failed = written.iter().any(|one| one.failed);
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn run(
    args: &RenderArgs,
    metrics: &dyn Metrics,
    scrape: std::time::Duration,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Written>> {
    let path = &args.dashboard;
    let json = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let dashboard = Dashboard::parse(&json).with_context(|| format!("cannot use {}", path.display()))?;
    let moment = |given: &Option<String>, saved: &str| {
        parse_moment(given.as_deref().unwrap_or(saved), now).map_err(anyhow::Error::msg)
    };
    let (from, to) = (moment(&args.from, &dashboard.time.from)?, moment(&args.to, &dashboard.time.to)?);
    if from >= to {
        bail!("--from ({from}) has to be before --to ({to})");
    }
    let asked = Asked { from, to, width: args.width, height: args.height, theme: args.theme, scrape };
    let panels: Vec<&Panel> = if args.panel == "all" {
        dashboard.panels()
    } else {
        let id = args.panel.parse().with_context(|| format!("{:?} is no panel's number", args.panel))?;
        vec![dashboard.panel(id)?]
    };
    let variables = Variables::new(&dashboard, &args.variables);
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let mut written = Vec::with_capacity(panels.len());
    for panel in panels {
        let drawn = draw(panel, &variables, metrics, &asked).await;
        let file = write(args, panel.id, &drawn)?;
        let Drawn { title, notes, has_failed, .. } = drawn;
        written.push(Written { panel: panel.id, title, file, notes, failed: has_failed });
    }
    Ok(written)
}

fn write(args: &RenderArgs, id: u64, drawn: &Drawn) -> anyhow::Result<PathBuf> {
    let ending = if args.svg { "svg" } else { "png" };
    let file = args.out.join(file_name(id, &drawn.title, ending));
    let content = if args.svg {
        drawn.svg.clone().into_bytes()
    } else {
        png_of(&drawn.svg, args.width, args.height, args.theme)
            .with_context(|| format!("cannot draw panel {id}"))?
    };
    fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// `3-error-rate.png`: safe on every system.
fn file_name(id: u64, title: &str, ending: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = title.chars().map(plain).collect();
    let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").chars().take(MOST_NAME_CHARS).collect();
    let name = if name.is_empty() { "panel" } else { name.trim_end_matches('-') };
    Path::new(&format!("{id}-{name}.{ending}")).to_owned()
}

/// The files on `out`; what they lack on `aside`.
fn report(
    args: &RenderArgs,
    written: &[Written],
    out: &mut dyn Write,
    aside: &mut dyn Write,
) -> anyhow::Result<()> {
    for one in written {
        for note in &one.notes {
            writeln!(aside, "panel {} ({}): {note}", one.panel, one.title).context("cannot print a note")?;
        }
    }
    if args.json {
        return print_json(&serde_json::json!({ "panels": written }), out);
    }
    for one in written {
        writeln!(out, "{}", one.file.display()).context("cannot print the list")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;
    use opsseer_connect::prometheus::FakeMetrics;
    use tempfile::TempDir;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: RenderArgs,
    }

    const DASHBOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dashboards/toyprod.json");

    fn args(given: &[&str], out: &TempDir) -> RenderArgs {
        let out = out.path().to_str().expect("text");
        let line = ["render", DASHBOARD, "--out", out].into_iter().chain(given.iter().copied());
        Line::try_parse_from(line).expect("arguments").args
    }

    async fn rendered(args: &RenderArgs) -> anyhow::Result<Vec<Written>> {
        let now = "2026-01-02T03:04:05Z".parse()?;
        run(args, &FakeMetrics::default(), Duration::from_secs(15), now).await
    }

    #[tokio::test]
    async fn every_panel_becomes_a_picture_of_the_size_asked_for() {
        let folder = TempDir::new().expect("a folder");
        let args = args(&["--width", "400", "--height", "200", "--theme", "dark"], &folder);
        let written = rendered(&args).await.expect("pictures");
        assert_eq!(written.iter().map(|one| one.panel).collect::<Vec<_>>(), [1, 3, 4, 5, 6, 7, 8]);
        for one in &written {
            let png = fs::read(&one.file).expect("a file");
            assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
            assert_eq!(
                (&png[16..20], &png[20..24]),
                (&400_u32.to_be_bytes()[..], &200_u32.to_be_bytes()[..])
            );
        }
        let (mut out, mut aside) = (Vec::new(), Vec::new());
        report(&args, &written, &mut out, &mut aside).expect("printed");
        let (out, aside) = (String::from_utf8(out).expect("text"), String::from_utf8(aside).expect("text"));
        assert!(out.contains("1-latency-quantile-0-95.png"), "{out}");
        assert!(aside.contains("panel 6 (Share of requests): Panels of the type \"piechart\""), "{aside}");
    }

    #[tokio::test]
    async fn one_panel_can_be_asked_for_as_svg() {
        let folder = TempDir::new().expect("a folder");
        let written = rendered(&args(&["--panel", "8", "--svg"], &folder)).await.expect("a picture");
        assert_eq!(written.len(), 1);
        let svg = fs::read_to_string(&written[0].file).expect("a file");
        assert!(svg.starts_with("<svg") && svg.contains("no data"), "{svg}");
    }

    #[tokio::test]
    async fn wrong_wishes_are_said_in_words() {
        let folder = TempDir::new().expect("a folder");
        for (given, words) in [
            (["--panel", "99"], "the dashboard has no panel 99; it has 1, 3, 4"),
            (["--panel", "x"], "is no panel's number"),
            (["--from", "yesterday"], "is no time"),
            (["--from", "now"], "has to be before"),
        ] {
            let error = rendered(&args(&given, &folder)).await.expect_err(words);
            assert!(format!("{error:#}").contains(words), "{error:#}");
        }
    }
}

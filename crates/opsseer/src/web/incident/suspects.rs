//! The card "What moved first": the services whose metrics moved when it began, the most suspicious first.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Event, EventId, EventKind, Incident, SuspectMetric, SuspectService, SuspectsRanked};

use crate::{
    chart::{Spark, Unit},
    web::{
        incident::{
            do_this::began,
            story::Story,
            words::{Failure, counted, probability_words, sentence_case, whole_percent},
        },
        moment::Moment,
        prose::{cut, first_line},
    },
};

/// The kind of the job that ranks.
const STEP: &str = "rank_suspects";

/// Services that are shown at once; the others can be opened.
const SERVICES: usize = 3;
/// Metrics of the first service, and of each other one, that are shown at once.
const METRICS_OF_FIRST: usize = 2;
const METRICS: usize = 1;
/// Points of a small picture: more than it has dots.
const POINTS: usize = 60;
/// Services, and metrics of each, that the card holds at all.
const MOST_SERVICES: usize = 6;
const MOST_METRICS: usize = 3;
/// Characters of a sentence, and of a name.
const SENTENCE: usize = 300;
const NAME: usize = 120;

/// A service under suspicion.
struct Suspect {
    place: usize,
    name: String,
    /// Its share of the evidence, in words and as the width of a bar.
    share: String,
    percent: u32,
    /// Absent if the card's first sentence says the same.
    because: Option<String>,
    metrics: Vec<Moved>,
    more: Vec<Moved>,
}

/// A metric that moved.
struct Moved {
    name: String,
    before: String,
    during: String,
    /// When it began to move.
    onset: Option<Moment>,
    follows: bool,
    /// Markup.
    picture: String,
    expr: String,
    /// How unusual that is.
    shift: String,
}

struct Found {
    id: EventId,
    sentence: String,
    first: Vec<Suspect>,
    others: Vec<Suspect>,
    /// What else can be opened, in words.
    more: Option<String>,
    made: Moment,
    looked_at: String,
}

enum Content {
    Ranked(Found),
    Nothing { reason: String, made: Moment, looked_at: String, id: EventId },
    Failed(Failure),
    Working { since: Moment },
}

#[derive(Template)]
#[template(path = "incident/suspects.html")]
pub(crate) struct SuspectsCard {
    content: Content,
    over: bool,
}

impl SuspectsCard {
    pub(crate) fn new(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Self {
        let ranked = story.suspects.as_ref();
        let content = ranked
            .and_then(|event| Content::of(event, now))
            .or_else(|| Failure::of(story, STEP, ranked, now).map(Content::Failed))
            .unwrap_or_else(|| Content::Working { since: began(story, incident, now) });
        Self { content, over: !incident.is_open() }
    }
}

impl Content {
    fn of(event: &Event, now: DateTime<Utc>) -> Option<Self> {
        let EventKind::SuspectsRanked(ranked) = &event.kind else { return None };
        let (made, looked_at) = (Moment::new(event.at, now), looked_at_words(ranked));
        if ranked.services.is_empty() {
            let reason = ranked.nothing.as_deref().unwrap_or(&ranked.sentence);
            let reason = sentence_case(first_line(reason, SENTENCE).trim_end_matches('.'));
            return Some(Self::Nothing { reason, made, looked_at, id: event.id });
        }
        let mut services = (1..).zip(ranked.services.iter().take(MOST_SERVICES));
        let mut suspects = |count: usize| -> Vec<Suspect> {
            services.by_ref().take(count).map(|(place, one)| Suspect::new(place, one, ranked, now)).collect()
        };
        let (first, others) = (suspects(SERVICES), suspects(MOST_SERVICES));
        Some(Self::Ranked(Found {
            id: event.id,
            sentence: first_line(&ranked.sentence, SENTENCE),
            more: more_words(first.iter().map(|one| one.more.len()).sum(), others.len()),
            first,
            others,
            made,
            looked_at,
        }))
    }
}

/// What stands under "more".
fn more_words(metrics: usize, services: usize) -> Option<String> {
    match (metrics, services) {
        (0, 0) => None,
        (0, services) => Some(format!("{} more", counted(services, "service"))),
        (metrics, 0) => Some(format!("{} more", counted(metrics, "metric"))),
        (metrics, services) => {
            Some(format!("{} and {} more", counted(metrics, "metric"), counted(services, "service")))
        }
    }
}

impl Suspect {
    fn new(place: usize, suspect: &SuspectService, ranked: &SuspectsRanked, now: DateTime<Utc>) -> Self {
        let shown = if place == 1 { METRICS_OF_FIRST } else { METRICS };
        let metric = |one: &SuspectMetric| Moved::new(one, ranked, now);
        Self {
            place,
            name: first_line(&suspect.service, NAME),
            share: probability_words(suspect.score),
            percent: whole_percent(suspect.score),
            because: (!ranked.sentence.contains(&suspect.because))
                .then(|| first_line(&suspect.because, SENTENCE)),
            metrics: suspect.metrics.iter().take(shown).map(metric).collect(),
            more: suspect.metrics.iter().take(MOST_METRICS).skip(shown).map(metric).collect(),
        }
    }
}

impl Moved {
    fn new(metric: &SuspectMetric, ranked: &SuspectsRanked, now: DateTime<Utc>) -> Self {
        let unit = Unit::guess(&metric.expr);
        let direction = if metric.shift < 0.0 { "below" } else { "above" };
        Self {
            name: first_line(&metric.metric, NAME),
            before: unit.text(metric.before),
            during: unit.text(metric.during),
            onset: metric.onset.map(|at| Moment::new(at, now)),
            follows: metric.follows,
            picture: picture(metric, ranked),
            expr: cut(&metric.expr, 4 * SENTENCE),
            shift: format!("{:.0} times its usual spread {direction} its usual level", metric.shift.abs()),
        }
    }
}

fn looked_at_words(ranked: &SuspectsRanked) -> String {
    let left_out = match ranked.left_out {
        0 => String::new(),
        some => format!(" ({some} more were too many)"),
    };
    format!(
        "{} series{left_out} from {} to {} UTC, a value every {} s; by {}",
        ranked.series,
        ranked.from.format("%Y-%m-%d %H:%M"),
        ranked.to.format("%H:%M"),
        ranked.step_seconds,
        ranked.method
    )
}

/// How a metric went, and since when it moves.
fn picture(metric: &SuspectMetric, ranked: &SuspectsRanked) -> String {
    let count = i32::try_from(metric.points.len()).unwrap_or(i32::MAX).max(2);
    let step = (ranked.to - ranked.from) / (count - 1);
    let every = metric.points.len().div_ceil(POINTS).max(1);
    let points = (0..).zip(&metric.points).step_by(every);
    let points =
        points.map(|(place, value)| (ranked.from + step * place, value.unwrap_or(f64::NAN))).collect();
    Spark { points, mark: metric.onset }.inline(&format!("How {} went", metric.metric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::{at, event, incident, suspects};

    fn html(kinds: Vec<EventKind>) -> String {
        let mut story = Story::default();
        for (id, kind) in (1..).zip(kinds) {
            story.fold(&Event { id: EventId(id), ..event(kind) });
        }
        SuspectsCard::new(&story, &incident(), at("03:20:00")).render().expect("renders")
    }

    fn ranked() -> SuspectsRanked {
        match suspects() {
            EventKind::SuspectsRanked(ranked) => ranked,
            _ => panic!("a ranking"),
        }
    }

    #[test]
    fn each_service_has_its_share_its_reason_and_its_metrics_with_units() {
        let shown = html(vec![suspects()]);
        for part in [
            "payments moved first: its errors rose",
            "62 % of the evidence",
            r#"width="62""#,
            "nothing that it calls moved earlier",
            "0.2 % ",
            "<b>41 %</b>",
            "512 MiB ",
            "<b>1 GiB</b>",
            ">03:11:09<",
            "follows",
            "312 series from 2026-03-02 02:12 to 03:16 UTC, a value every 15 s; by robust",
            "41 times its usual spread above its usual level",
            "payments_error_ratio",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
        assert!(shown.find(">payments<") < shown.find(">payments-db<"), "{shown}");
        assert_eq!(shown.matches("<svg class=\"spark\"").count(), 3, "{shown}");
        assert_eq!(shown.matches(">follows<").count(), 1, "{shown}");
    }

    #[test]
    fn a_reason_that_was_given_already_is_not_repeated() {
        let mut ranked = ranked();
        ranked.sentence = format!("payments moved first: {}", ranked.services[0].because);
        let shown = html(vec![EventKind::SuspectsRanked(ranked)]);
        assert_eq!(shown.matches("othing that it calls moved earlier").count(), 1, "{shown}");
    }

    #[test]
    fn many_services_can_be_opened_and_the_page_stays_small() {
        let mut ranked = ranked();
        let one = ranked.services[0].clone();
        for metric in &mut ranked.services[0].metrics {
            metric.points = vec![Some(0.123_456); 2_000];
        }
        ranked.services.extend(std::iter::repeat_n(one, 40));
        let shown = html(vec![EventKind::SuspectsRanked(ranked)]);
        assert!(shown.contains(&format!("{} services more", MOST_SERVICES - SERVICES)), "{shown}");
        assert!(shown.len() < 30_000, "{} bytes", shown.len());
    }

    #[test]
    fn nothing_stands_out_is_an_answer_with_its_reason() {
        let nothing = Some("no series moved more than it does in quiet times".to_owned());
        let ranked = SuspectsRanked { services: Vec::new(), nothing, ..ranked() };
        let shown = html(vec![EventKind::SuspectsRanked(ranked)]);
        assert!(shown.contains("Nothing stands out.") && shown.contains("No series moved more"), "{shown}");
        assert!(shown.contains("312 series"), "{shown}");
    }

    #[test]
    fn what_is_missing_says_why() {
        assert!(html(vec![]).contains("Asking Prometheus which metrics moved"));
        let error = "Prometheus did not answer".into();
        let failed = EventKind::StepFailed { step: STEP.into(), error, retry_at: None };
        assert!(html(vec![failed]).contains("Nobody could be suspected: Prometheus did not answer"));
    }
}

//! `opsseer incidents merge`, `split`, `undo`, `mute` and `unmute`: which alerts belong together, and who is on it.

use anyhow::bail;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Author, Done, Reference, client::Client};

/// Kinds of event that can be undone.
const UNDOABLE: [&str; 3] = ["merged", "merged_into", "split"];

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// The incident that ends: its number (42 or INC-42) or uuid.
    incident: Reference,
    /// The incident that takes its alerts in, and those to come.
    #[arg(long, value_name = "INCIDENT")]
    into: Reference,
    /// Why, in words.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Args)]
pub(super) struct SplitArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    /// Which alerts go: a rule's name, a label with its value (instance=db-1), or an alert's id. May be given again.
    #[arg(long = "alert", value_name = "NAME|LABEL=VALUE|ID", required = true)]
    alerts: Vec<String>,
    /// Why, in words.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    /// The id of the event to undo; the newest merge or split if absent.
    #[arg(long, value_name = "ID")]
    event: Option<i64>,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Args)]
pub(super) struct MuteArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    /// For how long, such as 30m or 4h.
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    time: String,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Args)]
pub(super) struct UnmuteArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Debug, Deserialize)]
struct Alert {
    id: String,
    name: String,
    labels: std::collections::BTreeMap<String, String>,
}

pub(super) async fn merge(client: &Client, args: MergeArgs) -> anyhow::Result<Done> {
    let body = json!({"by": args.author.by, "from": args.incident.0, "reason": args.reason});
    let answer = client.act(&args.into.0, "merge", &body).await?;
    Ok(Done { answer, what: format!("has the alerts of {} now", args.incident) })
}

pub(super) async fn split(client: &Client, args: SplitArgs) -> anyhow::Result<Done> {
    let shown = client.show(&args.incident.0).await?;
    let known = Alerts::deserialize(&shown.raw)?.alerts;
    let mut going: Vec<&str> = Vec::new();
    for wanted in &args.alerts {
        let before = going.len();
        going.extend(known.iter().filter(|alert| alert.is(wanted)).map(|alert| alert.id.as_str()));
        if going.len() == before {
            bail!("no alert that INC-{} shows is named, labelled or numbered {wanted}", shown.view.number);
        }
    }
    going.sort_unstable();
    going.dedup();
    let body = json!({"by": args.author.by, "alerts": going, "reason": args.reason});
    let answer = client.act(&args.incident.0, "split", &body).await?;
    Ok(Done { answer, what: format!("has what was split off INC-{}", shown.view.number) })
}

pub(super) async fn undo(client: &Client, args: UndoArgs) -> anyhow::Result<Done> {
    let event = match args.event {
        Some(event) => event,
        None => match newest_undoable(&client.timeline(&args.incident.0).await?) {
            Some(event) => event,
            None => bail!("nothing was merged or split on this timeline"),
        },
    };
    let body = json!({"by": args.author.by, "event": event});
    let answer = client.act(&args.incident.0, "undo", &body).await?;
    Ok(Done { answer, what: "is as before".to_owned() })
}

pub(super) async fn mute(client: &Client, args: MuteArgs) -> anyhow::Result<Done> {
    let body = json!({"by": args.author.by, "for": args.time});
    let answer = client.act(&args.incident.0, "mute", &body).await?;
    let until = answer.view.muted_until.map(|until| until.format(" until %Y-%m-%d %H:%M UTC").to_string());
    Ok(Done { answer, what: format!("is muted{}", until.unwrap_or_default()) })
}

pub(super) async fn unmute(client: &Client, args: UnmuteArgs) -> anyhow::Result<Done> {
    let answer = client.act(&args.incident.0, "unmute", &json!({"by": args.author.by})).await?;
    Ok(Done { answer, what: "is not muted".to_owned() })
}

impl Alert {
    fn is(&self, wanted: &str) -> bool {
        let labelled = wanted.split_once('=');
        self.name == wanted
            || self.id == wanted
            || labelled.is_some_and(|(name, value)| self.labels.get(name).is_some_and(|known| known == value))
    }
}

fn newest_undoable(events: &[Value]) -> Option<i64> {
    let undoable = |event: &&Value| {
        event.get("kind").and_then(Value::as_str).is_some_and(|kind| UNDOABLE.contains(&kind))
    };
    events.iter().rev().find(undoable)?.get("id")?.as_i64()
}

#[cfg(test)]
mod tests {
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_json, method, path},
    };

    use super::*;
    use crate::cli::incidents::tests::incident;

    fn client(server: &MockServer) -> Client {
        Client::new(server.uri().parse().expect("an address")).expect("a client")
    }

    fn ada() -> Author {
        Author { by: "ada".into() }
    }

    async fn expect_post(server: &MockServer, at: &str, body: Value) {
        Mock::given(method("POST"))
            .and(path(at))
            .and(body_json(body))
            .respond_with(ResponseTemplate::new(200).set_body_json(incident("open")))
            .expect(1)
            .mount(server)
            .await;
    }

    #[tokio::test]
    async fn merging_asks_the_incident_that_stays() {
        let server = MockServer::start().await;
        let body = json!({"by": "ada", "from": "7", "reason": null});
        expect_post(&server, "/api/v1/incidents/42/merge", body).await;
        let args = MergeArgs {
            incident: Reference("7".into()),
            into: Reference("42".into()),
            reason: None,
            author: ada(),
        };
        let done = merge(&client(&server), args).await.expect("merged");
        assert_eq!(done.what, "has the alerts of INC-7 now");
    }

    #[tokio::test]
    async fn alerts_are_split_off_by_name_label_or_id() {
        let server = MockServer::start().await;
        let alert = |id: &str, name: &str, instance: &str| json!({"id": id, "name": name, "labels": {"instance": instance}});
        let mut shown = incident("open");
        shown["alerts"] =
            json!([alert("a", "Slow", "db-1"), alert("b", "Slow", "db-2"), alert("c", "Full", "db-1")]);
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_json(shown))
            .mount(&server)
            .await;
        let body = json!({"by": "ada", "alerts": ["a", "c"], "reason": "other"});
        expect_post(&server, "/api/v1/incidents/42/split", body).await;
        let args = |alerts: &[&str]| SplitArgs {
            incident: Reference("42".into()),
            alerts: alerts.iter().map(|alert| (*alert).to_owned()).collect(),
            reason: Some("other".into()),
            author: ada(),
        };
        split(&client(&server), args(&["instance=db-1", "a"])).await.expect("split");
        let refused = split(&client(&server), args(&["Fast"])).await.err().expect("unknown").to_string();
        assert_eq!(refused, "no alert that INC-42 shows is named, labelled or numbered Fast");
    }

    #[test]
    fn what_was_merged_or_split_last_is_undone() {
        let event = |id: i64, kind: &str| json!({"id": id, "kind": kind});
        let log = [event(1, "merged"), event(2, "split"), event(3, "note")];
        assert_eq!(newest_undoable(&log), Some(2));
        assert_eq!(newest_undoable(&log[2..]), None);
    }
}

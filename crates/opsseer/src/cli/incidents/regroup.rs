//! `opsseer incidents merge` and `split`: which alerts belong together.

use anyhow::bail;
use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::{
    Author, Done, Reference,
    client::{Answer, Client, List},
};
use crate::actions::MAX_SPLIT;

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
    let number = client.show(&args.incident.0).await?.view.number;
    let path = format!("api/v1/incidents/{number}/alerts");
    let all = List { path: &path, items: "alerts", page: 1000 };
    let known: Answer<Alerts> = client.list(&all, &(), usize::MAX).await?;
    let going = chosen(&known.view.alerts, &args.alerts)?;
    if going.len() > MAX_SPLIT {
        let named = going.len();
        bail!("{named} alerts are meant, and at most {MAX_SPLIT} are split off at once; name fewer");
    }
    let body = json!({"by": args.author.by, "alerts": going, "reason": args.reason});
    let answer = client.act(&args.incident.0, "split", &body).await?;
    Ok(Done { answer, what: format!("has what was split off INC-{number}") })
}

/// The ids of the alerts that are meant, each once.
fn chosen<'a>(known: &'a [Alert], wanted: &[String]) -> anyhow::Result<Vec<&'a str>> {
    let mut going: Vec<&str> = Vec::new();
    for wanted in wanted {
        let before = going.len();
        going.extend(known.iter().filter(|alert| alert.is(wanted)).map(|alert| alert.id.as_str()));
        if going.len() == before {
            bail!("no alert of this incident is named, labelled or numbered {wanted}");
        }
    }
    going.sort_unstable();
    going.dedup();
    Ok(going)
}

impl Alert {
    fn is(&self, wanted: &str) -> bool {
        let labelled = wanted.split_once('=');
        self.name == wanted
            || self.id == wanted
            || labelled.is_some_and(|(name, value)| self.labels.get(name).is_some_and(|known| known == value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_json, method, path, query_param, query_param_is_missing},
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

    fn alert(id: &str, name: &str, instance: &str) -> Value {
        json!({"id": id, "name": name, "labels": {"instance": instance}})
    }

    /// The incident, and its alerts page by page.
    async fn knows(server: &MockServer, pages: &[Vec<Value>]) {
        Mock::given(path("/api/v1/incidents/42"))
            .respond_with(ResponseTemplate::new(200).set_body_json(incident("open")))
            .mount(server)
            .await;
        for (n, alerts) in pages.iter().enumerate() {
            let next = (n + 1 < pages.len()).then(|| (n + 1).to_string());
            let body = json!({"alerts": alerts, "next_cursor": next});
            let page = Mock::given(path("/api/v1/incidents/42/alerts"));
            let page = match n {
                0 => page.and(query_param_is_missing("cursor")),
                _ => page.and(query_param("cursor", n.to_string())),
            };
            page.respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(server).await;
        }
    }

    fn args(alerts: &[&str]) -> SplitArgs {
        SplitArgs {
            incident: Reference("42".into()),
            alerts: alerts.iter().map(|alert| (*alert).to_owned()).collect(),
            reason: Some("other".into()),
            author: ada(),
        }
    }

    #[tokio::test]
    async fn alerts_are_split_off_by_name_label_or_id_however_many_there_are() {
        let server = MockServer::start().await;
        let first = vec![alert("a", "Slow", "db-1"), alert("b", "Slow", "db-2")];
        knows(&server, &[first, vec![alert("c", "Full", "db-1")]]).await;
        let body = json!({"by": "ada", "alerts": ["a", "c"], "reason": "other"});
        expect_post(&server, "/api/v1/incidents/42/split", body).await;
        split(&client(&server), args(&["instance=db-1", "a"])).await.expect("split");
        let refused = split(&client(&server), args(&["Fast"])).await.err().expect("unknown").to_string();
        assert_eq!(refused, "no alert of this incident is named, labelled or numbered Fast");
    }

    #[tokio::test]
    async fn more_alerts_than_may_go_at_once_are_refused_with_their_number() {
        let server = MockServer::start().await;
        knows(&server, &[(0..501).map(|n| alert(&n.to_string(), "Slow", "db")).collect()]).await;
        let refused = split(&client(&server), args(&["Slow"])).await.err().expect("too many").to_string();
        assert_eq!(refused, "501 alerts are meant, and at most 500 are split off at once; name fewer");
    }
}

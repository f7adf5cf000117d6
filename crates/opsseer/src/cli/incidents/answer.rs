//! `opsseer incidents note`, `ack`, `assign`, `severity`, `resolve`, `reopen`, `mute` and `unmute`: what a person says about
//! one incident.

use clap::Args;
use serde_json::json;

use super::{Author, Done, Reference, client::Client, render::printable};

#[derive(Debug, Args)]
pub(super) struct NoteArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    /// What to write.
    text: String,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Args)]
pub(super) struct AckArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Args)]
pub(super) struct AssignArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    /// Who owns it from now on.
    #[arg(required_unless_present = "nobody", conflicts_with = "nobody")]
    owner: Option<String>,
    /// Nobody owns it from now on.
    #[arg(long)]
    nobody: bool,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Args)]
pub(super) struct SeverityArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    /// page, ticket or info.
    severity: String,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Args)]
pub(super) struct ReasonArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    /// Why, in words.
    #[arg(long)]
    reason: Option<String>,
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

pub(super) async fn note(client: &Client, args: NoteArgs) -> anyhow::Result<Done> {
    let body = json!({"by": args.author.by, "text": args.text});
    let answer = client.act(&args.incident.0, "notes", &body).await?;
    Ok(Done { answer, what: "has your note".to_owned() })
}

pub(super) async fn ack(client: &Client, args: AckArgs) -> anyhow::Result<Done> {
    let answer = client.act(&args.incident.0, "ack", &json!({"by": args.author.by})).await?;
    Ok(Done { answer, what: "is acknowledged".to_owned() })
}

pub(super) async fn assign(client: &Client, args: AssignArgs) -> anyhow::Result<Done> {
    let body = json!({"by": args.author.by, "owner": args.owner});
    let answer = client.act(&args.incident.0, "assign", &body).await?;
    let what = match &answer.view.owner {
        Some(owner) => format!("is owned by {}", printable(owner)),
        None => "has no owner".to_owned(),
    };
    Ok(Done { answer, what })
}

pub(super) async fn severity(client: &Client, args: SeverityArgs) -> anyhow::Result<Done> {
    let body = json!({"by": args.author.by, "severity": args.severity});
    let answer = client.act(&args.incident.0, "severity", &body).await?;
    let what = format!("has the severity {}", printable(&answer.view.severity));
    Ok(Done { answer, what })
}

pub(super) async fn resolve(client: &Client, args: ReasonArgs) -> anyhow::Result<Done> {
    let body = json!({"by": args.author.by, "reason": args.reason});
    let answer = client.act(&args.incident.0, "resolve", &body).await?;
    Ok(Done { answer, what: "is resolved".to_owned() })
}

pub(super) async fn reopen(client: &Client, args: ReasonArgs) -> anyhow::Result<Done> {
    let body = json!({"by": args.author.by, "reason": args.reason});
    let answer = client.act(&args.incident.0, "reopen", &body).await?;
    Ok(Done { answer, what: "goes on".to_owned() })
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

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_json, method, path},
    };

    use super::*;
    use crate::cli::incidents::{tell, tests::incident};

    /// A server that takes just this and answers with the incident as `answer` changes it.
    async fn taking(action: &str, body: Value, answer: (&str, Value)) -> (MockServer, Client) {
        let server = MockServer::start().await;
        let mut changed = incident("open");
        changed[answer.0] = answer.1;
        Mock::given(method("POST"))
            .and(path(format!("/api/v1/incidents/42/{action}")))
            .and(body_json(body))
            .respond_with(ResponseTemplate::new(200).set_body_json(changed))
            .mount(&server)
            .await;
        let client = Client::new(server.uri().parse().expect("an address")).expect("a client");
        (server, client)
    }

    fn it() -> Reference {
        Reference("42".into())
    }

    fn ada() -> Author {
        Author { by: "ada".into() }
    }

    #[tokio::test]
    async fn an_incident_is_given_to_somebody_or_to_nobody() {
        let body = json!({"by": "ada", "owner": "bob"});
        let (_server, client) = taking("assign", body, ("owner", json!("bob"))).await;
        let args = AssignArgs { incident: it(), owner: Some("bob".into()), nobody: false, author: ada() };
        assert_eq!(assign(&client, args).await.expect("assigned").what, "is owned by bob");
        let body = json!({"by": "ada", "owner": null});
        let (_server, client) = taking("assign", body, ("owner", Value::Null)).await;
        let args = AssignArgs { incident: it(), owner: None, nobody: true, author: ada() };
        assert_eq!(assign(&client, args).await.expect("assigned").what, "has no owner");
    }

    #[tokio::test]
    async fn a_person_says_how_urgent_it_is() {
        let body = json!({"by": "ada", "severity": "ticket"});
        let (_server, client) = taking("severity", body, ("severity", json!("ticket"))).await;
        let args = SeverityArgs { incident: it(), severity: "ticket".into(), author: ada() };
        assert_eq!(severity(&client, args).await.expect("set").what, "has the severity ticket");
    }

    #[tokio::test]
    async fn an_action_sends_who_and_what_and_says_what_became_of_it() {
        let body = json!({"by": "ada", "reason": "rolled back"});
        let (_server, client) = taking("resolve", body, ("status", json!("resolved"))).await;
        let args = || ReasonArgs { incident: it(), reason: Some("rolled back".into()), author: ada() };
        let printed = async |json| {
            let mut out = Vec::new();
            tell(&resolve(&client, args()).await.expect("resolved"), json, &mut out).expect("printed");
            String::from_utf8(out).expect("text")
        };
        assert_eq!(printed(false).await, "INC-42 is resolved. toyprod: error rate above 10 %\n");
        let object: Value = serde_json::from_str(&printed(true).await).expect("one JSON object");
        assert_eq!(object["status"], "resolved");
    }

    #[tokio::test]
    async fn an_incident_is_reopened_with_a_reason() {
        let body = json!({"by": "ada", "reason": "it is back"});
        let (_server, client) = taking("reopen", body, ("status", json!("open"))).await;
        let args = ReasonArgs { incident: it(), reason: Some("it is back".into()), author: ada() };
        assert_eq!(reopen(&client, args).await.expect("reopened").what, "goes on");
    }
}

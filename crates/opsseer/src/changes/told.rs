//! Changes that OpsSeer is told of: a pipeline that deploys, a person who switches a flag.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use opsseer_core::{ChangeSeen, ChangeType, IncidentNumber};
use opsseer_store::{StoreError, StoredChange};
use sha2::{Digest, Sha256};
use url::Url;

use super::{Change, PROMETHEUS, concerns, look_back};
use crate::app::App;

/// The longest title, in characters.
pub const MAX_TITLE: usize = 200;

/// The longest name, version or id, in characters.
pub const MAX_NAME: usize = 200;

/// The longest link, in bytes.
pub const MAX_LINK: usize = 2048;

/// Who told, where nobody says so.
const SOMEBODY: &str = "api";

/// The part of OpsSeer that writes what it was told on timelines.
const ACTOR: &str = "changes";

/// Clocks differ: a change may be this far in the future.
const FUTURE: TimeDelta = TimeDelta::minutes(5);

/// One that is older explains no incident that anybody still works on.
const PAST: TimeDelta = TimeDelta::days(366);

/// Incidents that one change is written to, the newest.
const MOST_INCIDENTS: u32 = 100;

/// What somebody tells of a change. Nothing of it is checked yet.
#[derive(Debug, Clone, Default)]
pub struct Telling {
    /// What kind: one of [`ChangeType::ALL`].
    pub kind: String,
    /// What was done.
    pub title: String,
    /// To which service.
    pub service: Option<String>,
    /// When. Now, if it is not said.
    pub at: Option<DateTime<Utc>>,
    /// The version that runs since.
    pub version: Option<String>,
    /// Where one can read more.
    pub link: Option<String>,
    /// The teller's own name for it. The same id of the same source is the same change.
    pub id: Option<String>,
    /// Who tells.
    pub source: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The change as it is kept.
    pub change: StoredChange,
    /// Whether it was not known before.
    pub new: bool,
    /// On which incidents' timelines it was written.
    pub incidents: Vec<IncidentNumber>,
}

/// Why a change was not taken. Nothing is kept.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// What was told cannot be taken.
    #[error("{0}")]
    Invalid(String),
    /// The store refused.
    #[error("the change could not be written")]
    Store(#[from] StoreError),
}

/// Keeps a change, and writes it on the timeline of each open incident that it may have to do with: one of its service, or
/// each of them if it names no service. Told again, it changes nothing.
pub async fn tell(app: &App, telling: Telling) -> Result<Told, ChangeError> {
    let Checked { change, key } = checked(&telling, app.clock.now())?;
    let mut tx = app.store.begin().await?;
    let (stored, new) = tx.put_change(change.at, &change.seen, &key).await?;
    let mut incidents = Vec::new();
    if new {
        metrics::counter!("opsseer_changes_total", "kind" => change.seen.change.as_str()).increment(1);
        let look_back = look_back(app);
        for id in tx.list_open_incidents(change.seen.service.as_deref(), MOST_INCIDENTS).await? {
            let Some(incident) = tx.find_incident(id.into()).await? else { continue };
            if concerns(&incident, &change, look_back) {
                incidents.push(incident.number);
                tx.append(incident, vec![change.clone().event(ACTOR)]);
            }
        }
    }
    tx.commit().await?;
    Ok(Told { change: stored, new, incidents })
}

/// What was told, in order.
#[derive(Debug)]
struct Checked {
    change: Change,
    /// What is the same twice has the same key.
    key: String,
}

fn checked(telling: &Telling, now: DateTime<Utc>) -> Result<Checked, ChangeError> {
    let invalid = |reason: String| ChangeError::Invalid(reason);
    let kind = telling.kind.trim();
    let change = ChangeType::ALL.into_iter().find(|change| change.as_str() == kind).ok_or_else(|| {
        let all = ChangeType::ALL.map(ChangeType::as_str).join(", ");
        invalid(format!("there is no kind of change {kind:?}; allowed: {all}"))
    })?;
    let title = text("title", &telling.title, MAX_TITLE)?
        .ok_or_else(|| invalid("title is empty; say what was done".to_owned()))?;
    let optional =
        |name, given: &Option<String>| given.as_deref().map_or(Ok(None), |given| text(name, given, MAX_NAME));
    let service = optional("service", &telling.service)?;
    let version = optional("version", &telling.version)?;
    let id = optional("id", &telling.id)?;
    let source = optional("source", &telling.source)?.unwrap_or_else(|| SOMEBODY.to_owned());
    if source == PROMETHEUS {
        return Err(invalid(format!("source cannot be {PROMETHEUS}: what the metrics show has that name")));
    }
    let link = telling.link.as_deref().map_or(Ok(None), address)?;
    // Finer than both databases keep it, an instant would not be found again.
    let given = telling.at.map(|at| at.trunc_subsecs(6));
    let at = given.unwrap_or(now);
    if at > now + FUTURE {
        return Err(invalid(format!("at is {}, which is in the future", at.to_rfc3339())));
    }
    if at < now - PAST {
        return Err(invalid(format!("at is {}, which is more than a year ago", at.to_rfc3339())));
    }
    let seen = ChangeSeen { change, title, service, version, link, source };
    let key = key(&seen, id.as_deref(), given, now);
    Ok(Checked { change: Change { at, seen }, key })
}

/// Without a name of the teller's own, all that was told says whether it is the same; what happens now, and is told again
/// within the same minute, is.
fn key(seen: &ChangeSeen, id: Option<&str>, given: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    let minute = now.timestamp().div_euclid(60);
    let parts = match id {
        Some(id) => serde_json::json!(["id", seen.source, id]),
        None => serde_json::json!(["all", seen, given, given.is_none().then_some(minute)]),
    };
    hex::encode(Sha256::digest(parts.to_string()))
}

/// A text of one line, without spaces around it. Nothing, if nothing else is in it.
fn text(name: &str, given: &str, longest: usize) -> Result<Option<String>, ChangeError> {
    let given = given.trim();
    if given.chars().count() > longest {
        return Err(ChangeError::Invalid(format!("{name} is longer than {longest} characters")));
    }
    if given.chars().any(char::is_control) {
        return Err(ChangeError::Invalid(format!("{name} holds a line break or another control character")));
    }
    Ok((!given.is_empty()).then(|| given.to_owned()))
}

/// An address that a page may link to.
fn address(given: &str) -> Result<Option<String>, ChangeError> {
    let given = given.trim();
    if given.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(given).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match url {
        Some(url) if url.as_str().len() <= MAX_LINK => Ok(Some(url.into())),
        Some(_) => Err(ChangeError::Invalid(format!("link is longer than {MAX_LINK} bytes"))),
        None => Err(ChangeError::Invalid(
            "link must be an address that begins with http:// or https://".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-03-02T04:10:30.000001Z".parse().expect("a time")
    }

    fn telling() -> Telling {
        Telling { kind: "deploy".into(), title: " db 1.42 ".into(), ..Telling::default() }
    }

    fn refusal(telling: &Telling) -> String {
        checked(telling, now()).expect_err("refused").to_string()
    }

    fn key_of(telling: &Telling, now: DateTime<Utc>) -> String {
        checked(telling, now).expect("taken").key
    }

    #[test]
    fn what_is_not_said_has_a_plain_meaning() {
        let blank = Some("  ".to_owned());
        let told = Telling { service: blank.clone(), link: blank, ..telling() };
        let Change { at, seen } = checked(&told, now()).expect("taken").change;
        assert_eq!((at, seen.title.as_str(), seen.source.as_str()), (now(), "db 1.42", "api"));
        assert_eq!((seen.service, seen.link, seen.version), (None, None, None));
    }

    #[test]
    fn what_cannot_be_taken_is_refused_with_the_reason() {
        let some = |text: &str| Some(text.to_owned());
        let cases = [
            (Telling { kind: "deployment".into(), ..telling() }, "allowed: deploy, config, restart"),
            (Telling { title: " \t ".into(), ..telling() }, "title is empty"),
            (Telling { title: "é".repeat(201), ..telling() }, "title is longer than 200 characters"),
            (Telling { title: "a\nb".into(), ..telling() }, "title holds a line break"),
            (Telling { service: some("a\0b"), ..telling() }, "service holds"),
            (Telling { version: some(&"1".repeat(201)), ..telling() }, "version is longer"),
            (Telling { id: some(&"1".repeat(201)), ..telling() }, "id is longer"),
            (Telling { source: some("prometheus"), ..telling() }, "source cannot be prometheus"),
            (Telling { link: some("javascript:alert(1)"), ..telling() }, "http:// or https://"),
            (Telling { link: some("example.org/x"), ..telling() }, "http:// or https://"),
            (Telling { link: Some(format!("http://a/{}", "x".repeat(2048))), ..telling() }, "2048 bytes"),
            (Telling { at: Some(now() + TimeDelta::minutes(6)), ..telling() }, "in the future"),
            (Telling { at: Some(now() - TimeDelta::days(400)), ..telling() }, "more than a year ago"),
            (Telling { at: Some(DateTime::<Utc>::MIN_UTC), ..telling() }, "more than a year ago"),
        ];
        for (telling, reason) in cases {
            let said = refusal(&telling);
            assert!(said.contains(reason), "{said} for {telling:?}");
        }
        let longest = Telling { title: "é".repeat(200), ..telling() };
        assert!(checked(&longest, now()).is_ok(), "characters count, not bytes");
        assert!(checked(&Telling { at: Some(now() + TimeDelta::minutes(4)), ..telling() }, now()).is_ok());
    }

    #[test]
    fn the_same_id_of_the_same_source_is_the_same_change_whatever_else_is_told() {
        let named = |id: &str, source: &str| Telling {
            id: Some(id.into()),
            source: Some(source.into()),
            ..telling()
        };
        let first = key_of(&named("7", "ci"), now());
        let later = Telling { title: "again".into(), at: Some(now()), ..named("7", "ci") };
        assert_eq!(key_of(&later, now() + TimeDelta::hours(1)), first);
        assert_ne!(key_of(&named("8", "ci"), now()), first);
        assert_ne!(key_of(&named("7", "cd"), now()), first);
    }

    #[test]
    fn without_an_id_what_is_told_twice_in_a_minute_or_of_one_instant_is_the_same() {
        let first = key_of(&telling(), now());
        assert_eq!(key_of(&telling(), now() + TimeDelta::seconds(20)), first);
        assert_ne!(key_of(&telling(), now() + TimeDelta::minutes(2)), first);
        let at = |at| Telling { at: Some(at), ..telling() };
        let of_instant = key_of(&at(now()), now());
        assert_eq!(key_of(&at(now()), now() + TimeDelta::hours(1)), of_instant);
        assert_ne!(key_of(&at(now() - TimeDelta::seconds(1)), now()), of_instant);
        assert_ne!(of_instant, first);
    }
}

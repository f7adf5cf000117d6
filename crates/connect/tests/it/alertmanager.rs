//! What the client and the fake promise, tried on the real Alertmanager and on the fake alike.

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::alertmanager::{
    Alertmanager, AlertmanagerClient, AlertmanagerError, FakeAlertmanager, HeldAlert, HeldState, Matcher,
    NewAlert, NewSilence, SilenceState,
};
use opsseer_connect::{Limits, RequestError};

use crate::real_alertmanager::{RealAlertmanager, TELLS_NOBODY};

#[expect(clippy::disallowed_methods, reason = "the real Alertmanager goes by the real time")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

#[tokio::test]
async fn the_real_one_and_the_fake_behave_alike() {
    let real = RealAlertmanager::start(TELLS_NOBODY);
    let client = AlertmanagerClient::new(real.url.clone(), Limits::default()).unwrap();
    behaves_as_expected(&client).await;
    behaves_as_expected(&FakeAlertmanager::new(now)).await;
}

async fn behaves_as_expected(alertmanager: &dyn Alertmanager) {
    alertmanager.ready().await.unwrap();
    let status = alertmanager.status().await.unwrap();
    assert!(status.started_at <= now() && !status.build.version.is_empty(), "{status:?}");
    assert_eq!(alertmanager.alerts().await.unwrap(), []);
    alerts_come_and_go(alertmanager).await;
    silences_come_and_go(alertmanager).await;
    nonsense_is_refused(alertmanager).await;
}

/// An alert of the service "s".
fn alert(name: &str) -> NewAlert {
    let labels = [("alertname", name), ("service", "s"), ("empty", "")];
    NewAlert {
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        annotations: [("summary".to_owned(), "it is \"slow\"".to_owned())].into(),
        ..NewAlert::default()
    }
}

async fn held(alertmanager: &dyn Alertmanager, name: &str) -> Option<HeldAlert> {
    alertmanager.alerts().await.unwrap().into_iter().find(|alert| alert.labels["alertname"] == name)
}

async fn alerts_come_and_go(alertmanager: &dyn Alertmanager) {
    let began = now() - TimeDelta::hours(1);
    let first = NewAlert { starts_at: Some(began), ..alert("B") };
    alertmanager.post_alerts(&[alert("A"), first]).await.unwrap();
    let b = held(alertmanager, "B").await.expect("it fires");
    assert_eq!(b.fingerprint, "47a1e5153bac3cae", "of alertname and service; an empty label is none");
    assert_eq!((b.starts_at - began).num_milliseconds(), 0);
    assert!(b.is_routed_to("opsseer") && b.annotations["summary"] == "it is \"slow\"", "{b:?}");

    // Sent again without a start, it fires since when it did.
    alertmanager.post_alerts(&[alert("B")]).await.unwrap();
    let again = held(alertmanager, "B").await.expect("it still fires");
    assert_eq!(again.starts_at, b.starts_at);
    assert!(again.updated_at >= b.updated_at && again.ends_at > now());

    let over = NewAlert { ends_at: Some(now() - TimeDelta::seconds(1)), ..alert("B") };
    alertmanager.post_alerts(&[over]).await.unwrap();
    assert_eq!(held(alertmanager, "B").await, None);
    assert!(held(alertmanager, "A").await.is_some());
    is_in_a_group(alertmanager, "A").await;
}

/// An alert is put into its group a moment after it was taken.
async fn is_in_a_group(alertmanager: &dyn Alertmanager, name: &str) {
    for _ in 0..500 {
        let groups = alertmanager.groups().await.unwrap();
        let group =
            groups.iter().find(|group| group.alerts.iter().any(|alert| alert.labels["alertname"] == name));
        if let Some(group) = group {
            return assert_eq!(group.receiver.name, "opsseer");
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{name} is in no group");
}

fn silence(matchers: Vec<Matcher>) -> NewSilence {
    let (starts_at, ends_at) = (now() - TimeDelta::minutes(1), now() + TimeDelta::hours(1));
    NewSilence { matchers, starts_at, ends_at, created_by: "ada".into(), comment: "INC-7".into() }
}

async fn state(alertmanager: &dyn Alertmanager, id: &str) -> SilenceState {
    let silences = alertmanager.silences().await.unwrap();
    silences.iter().find(|silence| silence.id == id).expect("it is listed").state
}

async fn silences_come_and_go(alertmanager: &dyn Alertmanager) {
    let of_a = silence(vec![Matcher::one_of("alertname", ["A", "C+"]), Matcher::equal("service", "s")]);
    let id = alertmanager.create_silence(&of_a).await.unwrap();
    let listed = alertmanager.silences().await.unwrap();
    assert_eq!((listed[0].id.as_str(), listed[0].state), (id.as_str(), SilenceState::Active));
    assert_eq!((&listed[0].matchers, listed[0].comment.as_str()), (&of_a.matchers, "INC-7"));
    assert!(listed[0].starts_at > of_a.starts_at, "a silence cannot begin in the past");
    let silenced = held(alertmanager, "A").await.expect("it still fires").status;
    assert_eq!((silenced.state, silenced.silenced_by), (HeldState::Suppressed, vec![id.clone()]));

    let later = NewSilence { starts_at: now() + TimeDelta::minutes(30), ..of_a };
    let later = alertmanager.create_silence(&later).await.unwrap();
    assert_eq!(state(alertmanager, &later).await, SilenceState::Pending);

    for id in [&id, &later, &id] {
        alertmanager.expire_silence(id).await.unwrap();
        assert_eq!(state(alertmanager, id).await, SilenceState::Expired);
    }
    let status = held(alertmanager, "A").await.expect("it still fires").status;
    assert!(status.state != HeldState::Suppressed && status.silenced_by.is_empty(), "{status:?}");
}

async fn nonsense_is_refused(alertmanager: &dyn Alertmanager) {
    let good = silence(vec![Matcher::equal("service", "s")]);
    let broken = Matcher { name: "a".into(), value: "(".into(), is_regex: true, is_equal: true };
    for (matchers, ends_at, words) in [
        (vec![], good.ends_at, "should have at least 1 items"),
        (
            vec![Matcher::equal("service", "")],
            good.ends_at,
            "at least one matcher must not match the empty string",
        ),
        (vec![broken], good.ends_at, "invalid label matcher 0"),
        (good.matchers.clone(), good.starts_at, "start time must be before end time"),
        (good.matchers.clone(), now() - TimeDelta::seconds(5), "end time can't be in the past"),
    ] {
        let bad = NewSilence { matchers, ends_at, ..good.clone() };
        let error = alertmanager.create_silence(&bad).await.expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.is_transient(), "{error:?}");
    }
    let empty = NewAlert { labels: [("alertname".to_owned(), String::new())].into(), ..NewAlert::default() };
    let error = alertmanager.post_alerts(&[empty]).await.expect_err("it has no label");
    assert!(
        matches!(error, AlertmanagerError::Request(RequestError::Refused { status: 400, .. })),
        "{error:?}"
    );
    let unknown = "00000000-0000-4000-8000-0000000fffff";
    let error = alertmanager.expire_silence(unknown).await.expect_err("there is none");
    assert!(matches!(&error, AlertmanagerError::SilenceNotFound { id } if id == unknown), "{error:?}");
}

#[tokio::test]
async fn the_fake_fails_as_it_is_told() {
    let fake = FakeAlertmanager::new(now);
    fake.fire(&[("alertname", "A")], now());
    fake.set_down(true);
    assert!(fake.alerts().await.expect_err("it is down").is_transient());
    fake.restart();
    assert_eq!(fake.alerts().await.unwrap(), []);
    fake.push_error(AlertmanagerError::SilenceNotFound { id: "x".into() });
    assert!(fake.silences().await.is_err());
    assert_eq!(fake.silences().await.unwrap(), []);
}

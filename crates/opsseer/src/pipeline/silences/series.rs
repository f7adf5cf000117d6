//! The silences of one wish, made one after the other: all of them, or none stays.

use std::time::Duration;

use chrono::SubsecRound;
use opsseer_connect::alertmanager::{Alertmanager, NewSilence, Silence, SilenceState};
use tokio::time::{Instant, timeout, timeout_at};

use super::SilenceError;

/// Makes all of them within `time`. If one cannot be made, those before it are taken back.
pub(super) async fn make(
    alertmanager: &dyn Alertmanager,
    wanted: Vec<NewSilence>,
    time: Duration,
) -> Result<Vec<Silence>, SilenceError> {
    let deadline = Instant::now() + time;
    let mut made = Vec::new();
    for silence in wanted {
        let error = match timeout_at(deadline, alertmanager.create_silence(&silence)).await {
            Ok(Ok(id)) => {
                made.push(made_from(id, silence));
                continue;
            }
            Ok(Err(error)) => SilenceError::from(error),
            Err(_) => SilenceError::TooSlow(time),
        };
        take_back(alertmanager, &made, Some(&silence), time / 2).await;
        return Err(error);
    }
    Ok(made)
}

/// Ends silences that were made a moment ago, within `time`. `doubtful` is one whose request failed: it may be there all
/// the same, and only the list of all silences can tell.
pub(super) async fn take_back(
    alertmanager: &dyn Alertmanager,
    made: &[Silence],
    doubtful: Option<&NewSilence>,
    time: Duration,
) {
    let taking_back = async {
        for silence in made {
            expire(alertmanager, &silence.id).await;
        }
        let Some(doubtful) = doubtful else { return };
        match alertmanager.silences().await {
            Ok(silences) => {
                for silence in silences.iter().filter(|silence| is_from(silence, doubtful)) {
                    expire(alertmanager, &silence.id).await;
                }
            }
            Err(error) => {
                tracing::error!(
                    comment = doubtful.comment, error = %error,
                    "whether a silence was made although its request failed cannot be found out"
                );
            }
        }
    };
    if timeout(time, taking_back).await.is_err() {
        tracing::error!(
            made = made.len(),
            "silences that are on no timeline may stay in Alertmanager: it does not answer"
        );
    }
}

async fn expire(alertmanager: &dyn Alertmanager, id: &str) {
    if let Err(error) = alertmanager.expire_silence(id).await {
        tracing::error!(silence = id, error = %error, "a silence that is on no timeline stays in Alertmanager");
    }
}

/// Whether the silence is what came of the wish. Alertmanager keeps times to the millisecond, and begins one that was
/// to begin in the past when it takes it in; so the end tells, which is as exact as the moment of the wish.
fn is_from(silence: &Silence, wish: &NewSilence) -> bool {
    silence.state != SilenceState::Expired
        && silence.created_by == wish.created_by
        && silence.comment == wish.comment
        && silence.ends_at.trunc_subsecs(3) == wish.ends_at.trunc_subsecs(3)
}

fn made_from(id: String, silence: NewSilence) -> Silence {
    Silence {
        id,
        matchers: silence.matchers,
        starts_at: silence.starts_at,
        ends_at: silence.ends_at,
        updated_at: silence.starts_at,
        created_by: silence.created_by,
        comment: silence.comment,
        state: SilenceState::Active,
    }
}

//! Reading timelines out of a store that holds very many events.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use super::{
    BenchError, Figure, Target, Turn, figures,
    requests::{Template, Traffic},
    resolve, take_turns,
};

/// Incidents that are read in turn, so that no cache holds them all.
const READ: u64 = 997;

/// Readers at a time: a person alone, and many.
const READERS: [usize; 2] = [1, 8];

/// What the store holds.
#[derive(Debug, Clone, Copy)]
pub struct Stored {
    /// Incidents 1 to this have about as many events each.
    pub incidents: u64,
    /// The number of one incident that has very many.
    pub long: u64,
    /// The id of an event in the middle of them.
    pub middle: i64,
}

/// Reads pages of timelines and incidents' pages; rounds of one load after the other.
pub async fn measure(
    server: &Target,
    stored: Stored,
    (rounds, warm_up, measured): (usize, Duration, Duration),
    mut progress: impl FnMut(&str),
) -> Result<Vec<Figure>, BenchError> {
    let host = resolve(&server.url).await?.to_string();
    // A stride that has no divisor in common with most numbers goes all over the place.
    let number = |n: u64| n * 7_919 % stored.incidents.max(1) + 1;
    let everywhere = |path: &dyn Fn(u64) -> String| {
        let template = |n| Template::get(&host, &path(number(n)));
        Traffic::gets((0..READ.min(stored.incidents)).map(template).collect())
    };
    let long = format!("/api/v1/incidents/{}/timeline?limit=200&after={}", stored.long, stored.middle);
    let mut turns = Vec::new();
    for readers in READERS {
        for (name, traffic) in [
            ("timeline, limit=200", everywhere(&|n| format!("/api/v1/incidents/{n}/timeline?limit=200"))),
            ("timeline of the long one, from its middle", Traffic::gets(vec![Template::get(&host, &long)])),
            ("incident's page", everywhere(&|n| format!("/incidents/{n}"))),
        ] {
            turns.push(Turn::new(name.to_owned(), readers, server, traffic, None).await?);
        }
    }
    let unused = Arc::new(AtomicU64::new(0));
    take_turns(&mut turns, (rounds, warm_up, measured), &unused, &mut progress).await?;
    Ok(figures::of(&turns.into_iter().map(|turn| turn.series).collect::<Vec<_>>()))
}

use serde::Serialize;
use serde_json::Value;

use super::{BenchError, requests};
use crate::server::Server;

/// Whether what was acknowledged is there.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    /// Which server.
    pub server: &'static str,
    /// Different alerts that were answered with 202.
    pub acknowledged: usize,
    /// Different alerts of this benchmark that the server keeps, the repeated one left out.
    pub kept: usize,
    /// Acknowledged alerts that the server does not keep.
    pub lost: usize,
    /// Rows beyond one for each alert.
    pub kept_twice: usize,
    /// Rows of the alert that was sent again and again; one, if it was told apart.
    pub rows_of_repeated: usize,
}

/// Reads all the server's alerts and compares them with the numbers that were acknowledged.
pub(super) async fn look_for(
    name: &'static str,
    server: &Server,
    acknowledged: &[u64],
) -> Result<Kept, BenchError> {
    let largest = acknowledged.iter().max().copied().unwrap_or(0);
    let mut rows = vec![0_u32; usize::try_from(largest).unwrap_or(usize::MAX).saturating_add(1)];
    let mut rows_of_repeated = 0;
    server
        .walk(|page| {
            for row in page {
                let number = row.labels.get("instance").and_then(Value::as_str).and_then(requests::number_of);
                match number.and_then(|number| rows.get_mut(usize::try_from(number).ok()?)) {
                    Some(count) => *count += 1,
                    None => rows_of_repeated += 1,
                }
            }
            false
        })
        .await?;
    let has_row = |number: &&u64| usize::try_from(**number).is_ok_and(|number| rows[number] > 0);
    Ok(Kept {
        server: name,
        acknowledged: acknowledged.len(),
        kept: rows.iter().filter(|count| **count > 0).count(),
        lost: acknowledged.len() - acknowledged.iter().filter(has_row).count(),
        kept_twice: rows.iter().filter(|count| **count > 1).count(),
        rows_of_repeated,
    })
}

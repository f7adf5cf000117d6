//! A chart as the files of an event: the picture, and the numbers it was drawn from.

use opsseer_core::AssetRef;
use opsseer_store::{Store, StoreError};

use crate::chart::{Chart, ChartData};

/// The media type of the numbers.
pub(crate) const NUMBERS: &str = "application/json";

/// Writes both files; the event that shows the chart refers to them. `alt` says what the picture shows.
pub(crate) async fn write(store: &Store, chart: &Chart, alt: &str) -> Result<Vec<AssetRef>, StoreError> {
    let picture = store.write_asset(chart.svg().as_bytes(), "image/svg+xml", alt).await?;
    let numbers = store.write_asset(chart.data().to_json().as_bytes(), NUMBERS, alt).await?;
    Ok(vec![picture, numbers])
}

/// The chart whose numbers are kept under this name; `None` if there are none.
pub(crate) async fn read(store: &Store, sha256: &str) -> Result<Option<ChartData>, StoreError> {
    let asset = store.find_asset(&sha256.to_ascii_lowercase()).await?;
    let numbers = asset.filter(|asset| asset.media_type == NUMBERS);
    Ok(numbers.and_then(|asset| serde_json::from_slice(&asset.content).ok()))
}

/// Where the numbers of a chart are looked into, if the event has them.
pub(crate) fn address(assets: &[AssetRef]) -> Option<String> {
    let numbers = assets.iter().find(|asset| asset.media_type == NUMBERS)?;
    Some(format!("/charts/{}", numbers.sha256))
}

//! Addresses that may be left out: an empty text is none.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use url::Url;

pub(super) fn read<'de, D: Deserializer<'de>>(text: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(text)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(D::Error::custom)
}

#[expect(clippy::ref_option, reason = "serde hands it over like this")]
pub(super) fn write<S: Serializer>(url: &Option<Url>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(url.as_ref().map_or("", Url::as_str))
}

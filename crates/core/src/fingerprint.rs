use std::fmt;

use serde::{Deserialize, Serialize};

use crate::alert::Labels;

/// The sender's name for an alert: Alertmanager's and Grafana's `fingerprint`, or, where the sender gave none, the
/// [`Identity`] of its labels, which is what Alertmanager would have sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The longest fingerprint kept, in bytes. Real ones have 16.
    pub const MAX_BYTES: usize = 128;

    /// Takes what the sender gave if it can name an alert, else the identity of the labels.
    pub fn given_or_computed(given: Option<&str>, identity: &Identity) -> Self {
        match given.map(str::trim) {
            Some(text) if !text.is_empty() && text.len() <= Self::MAX_BYTES => Self(text.to_owned()),
            _ => Self(identity.0.clone()),
        }
    }

    /// Reads back what a store holds.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What makes two alerts the same: their labels. 16 hexadecimal digits.
///
/// A fingerprint alone is not enough: senders that write their own use a constant ("unknown") for all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(String);

impl Identity {
    /// Hashes a label set as Prometheus does (`model.LabelSet.Fingerprint`): 64-bit FNV-1a over each name and value
    /// in the names' order, each followed by a byte 255.
    pub fn of(labels: &Labels) -> Self {
        let mut hash = Fnv1a::default();
        for (name, value) in labels {
            hash.add(name.as_bytes());
            hash.add(&[255]);
            hash.add(value.as_bytes());
            hash.add(&[255]);
        }
        Self(format!("{:016x}", hash.0))
    }

    /// Reads back what a store holds.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// FNV-1a, 64 bits; parameters of draft-eastlake-fnv. Not for hostile keys: a collision costs nothing here, because
/// labels are compared through the fingerprint as well.
struct Fnv1a(u64);

impl Default for Fnv1a {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv1a {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u64::from(*byte);
            self.0 = self.0.wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn no_labels_hash_to_the_offset_basis_as_in_prometheus() {
        assert_eq!(Identity::of(&Labels::new()).as_str(), "cbf29ce484222325");
    }

    #[test]
    fn names_and_values_do_not_run_into_each_other() {
        assert_ne!(Identity::of(&labels(&[("ab", "c")])), Identity::of(&labels(&[("a", "bc")])));
        assert_ne!(
            Identity::of(&labels(&[("a", "b"), ("c", "d")])),
            Identity::of(&labels(&[("a", "d"), ("c", "b")]))
        );
    }

    #[test]
    fn the_senders_fingerprint_wins_unless_it_is_empty_or_absurd() {
        let identity = Identity::of(&labels(&[("alertname", "A")]));
        assert_eq!(Fingerprint::given_or_computed(Some("abc"), &identity).as_str(), "abc");
        assert_eq!(Fingerprint::given_or_computed(Some("  "), &identity).as_str(), identity.as_str());
        assert_eq!(Fingerprint::given_or_computed(None, &identity).as_str(), identity.as_str());
        assert_eq!(
            Fingerprint::given_or_computed(Some(&"x".repeat(500)), &identity).as_str(),
            identity.as_str()
        );
    }
}

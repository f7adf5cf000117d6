//! Vectors of embedding models, as both databases keep them: bytes.

/// A text as an embedding model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredVector {
    /// Names the model: vectors of different models cannot be compared.
    pub model: String,
    /// The numbers.
    pub values: Vec<f32>,
}

impl StoredVector {
    /// What is kept of it: the model's name, and the numbers as little-endian 32-bit floats.
    pub(crate) fn columns(vector: Option<&Self>) -> (Option<&str>, Option<Vec<u8>>) {
        let bytes = vector.map(|vector| vector.values.iter().flat_map(|value| value.to_le_bytes()).collect());
        (vector.map(|vector| vector.model.as_str()), bytes)
    }

    pub(crate) fn read(model: Option<String>, bytes: Option<&[u8]>) -> Option<Self> {
        let (values, _) = bytes?.as_chunks::<4>();
        Some(Self { model: model?, values: values.iter().map(|value| f32::from_le_bytes(*value)).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_is_read_as_it_was_written() {
        let vector = StoredVector { model: "m".into(), values: vec![0.5, -1.25, f32::MIN_POSITIVE] };
        let (model, bytes) = StoredVector::columns(Some(&vector));
        assert_eq!(StoredVector::read(model.map(str::to_owned), bytes.as_deref()), Some(vector));
        assert_eq!(StoredVector::read(None, None), None);
    }
}

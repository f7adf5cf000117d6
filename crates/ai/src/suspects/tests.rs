//! Scenes that an operator would recognise.

/// Steady noise around a level, about 6 % of it; the same each time.
pub(super) fn noise(seed: usize, length: usize, level: f64) -> Vec<f64> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5
    };
    (0..length).map(|_| level * (1.0 + 0.06 * (next() + next() + next() + next()) / 0.577)).collect()
}

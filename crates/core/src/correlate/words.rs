use chrono::TimeDelta;

/// A length of time for a person: its largest unit, and the next one where it matters.
pub(super) fn in_words(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if seconds % 60 == 0 || seconds > 600 => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_well() {
        let said: Vec<String> = [5, 60, 90, 1800, 3600, 5400, 86_400]
            .into_iter()
            .map(|s| in_words(TimeDelta::seconds(s)))
            .collect();
        assert_eq!(said, ["5 s", "1 min", "1 min 30 s", "30 min", "1 h", "1 h 30 min", "24 h"]);
    }
}

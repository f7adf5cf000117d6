//! The few forms that the kernel's cgroup files have. See its documentation, admin-guide/cgroup-v2, "Format".

use std::{fs, io, path::Path};

/// Reads a file that a kernel may not have, or that a controller which is switched off does not make: then `None`.
pub(super) fn read_optional(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file with one number.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// The value of `key` in a file of lines "key value".
pub(super) fn value_of(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_whole_words() {
        let text = "inactive_file_x 1\ninactive_file 7\n";
        assert_eq!(value_of(text, "inactive_file"), Some(7));
        assert_eq!(value_of(text, "inactive"), None);
    }

    #[test]
    fn what_is_no_number_is_not_known() {
        assert_eq!(number("max\n"), None);
        assert_eq!(number("42\n"), Some(42));
    }
}

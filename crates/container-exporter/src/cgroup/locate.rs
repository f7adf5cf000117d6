//! Finds a container's cgroup: by what the kernel says of its first process, else where engines put it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Hierarchy, v1};

/// Where the host's file systems are mounted.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    /// The cgroup file system.
    pub(crate) cgroup: PathBuf,
    /// Processes.
    pub(crate) proc: PathBuf,
}

/// Whose cgroup is sought.
#[derive(Clone, Debug)]
pub(crate) struct Sought {
    /// The container's full id. Every engine makes it a part of the cgroup's name.
    pub(crate) id: String,
    /// The first process, in the host's numbering.
    pub(crate) pid: Option<u32>,
    /// The cgroup that the container's was to be made under; empty for the usual place.
    pub(crate) parent: String,
    /// Whether its network interfaces are its own.
    pub(crate) own_network: bool,
}

/// Finds the folders; `None` if there are none to be seen from here.
pub(super) fn locate(roots: &Roots, sought: &Sought) -> Option<Hierarchy> {
    let of_process = sought.pid.map(|pid| roots.proc.join(pid.to_string()).join("cgroup"));
    let told = of_process.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    if roots.cgroup.join("cgroup.controllers").exists() {
        let folders = candidates(&told, str::is_empty, sought);
        return existing(&roots.cgroup, &folders).map(Hierarchy::V2);
    }
    let find = |controller: &str| {
        let folders =
            candidates(&told, |controllers| controllers.split(',').any(|one| one == controller), sought);
        mounts(&roots.cgroup, controller).iter().find_map(|mount| existing(mount, &folders))
    };
    let paths = v1::Paths {
        cpuacct: find("cpuacct"),
        cpu: find("cpu"),
        memory: find("memory"),
        pids: find("pids"),
        blkio: find("blkio"),
    };
    (paths.cpuacct.is_some() || paths.memory.is_some()).then_some(Hierarchy::V1(paths))
}

/// A controller's mounts by the names that they can have: its own, often a link, or joint with the other's.
fn mounts(root: &Path, controller: &str) -> Vec<PathBuf> {
    let joint: &[&str] = if controller.starts_with("cpu") { &["cpu,cpuacct", "cpuacct,cpu"] } else { &[] };
    [controller].iter().chain(joint).map(|name| root.join(name)).collect()
}

fn existing(mount: &Path, folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().map(|folder| mount.join(folder)).find(|path| path.is_dir())
}

/// Folders below a mount that can be the container's, the surest first. `told` is the process's `/proc/PID/cgroup`, with
/// lines "number:controllers:path"; `matches` picks the line.
fn candidates(told: &str, matches: impl Fn(&str) -> bool, sought: &Sought) -> Vec<PathBuf> {
    let line = told.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        matches(controllers).then_some(path)
    });
    let by_process = line.and_then(|path| up_to_the_container(path, &sought.id));
    by_process.into_iter().chain(usual_places(&sought.id, &sought.parent)).collect()
}

/// The part of a process's cgroup that is the whole container's. A container that runs systemd has moved its first
/// process further down. Without the id in it, the path is not the container's: the process has ended and another one
/// has its number. Seen from inside a cgroup namespace, a path can begin with `/..`, which leads nowhere below a mount.
fn up_to_the_container(path: &str, id: &str) -> Option<PathBuf> {
    let mut folder = PathBuf::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part == ".." {
            return None;
        }
        folder.push(part);
        if part.contains(id) {
            return Some(folder);
        }
    }
    None
}

/// Where Docker puts containers: by the cgroupfs driver, and by systemd's.
fn usual_places(id: &str, parent: &str) -> Vec<PathBuf> {
    let scope = format!("docker-{id}.scope");
    let parent = parent.trim_matches('/');
    if let Some(slice) = parent.strip_suffix(".slice") {
        return vec![slice_path(slice).join(scope)];
    }
    if !parent.is_empty() {
        return vec![Path::new(parent).join(id)];
    }
    vec![Path::new("docker").join(id), Path::new("system.slice").join(scope)]
}

/// Systemd nests slices by the dashes in their names: `a-b.slice` is in `a.slice`. `stem` is the name without its end.
fn slice_path(stem: &str) -> PathBuf {
    let ends = stem.match_indices('-').map(|(at, _)| at).chain([stem.len()]);
    ends.map(|end| format!("{}.slice", &stem[..end])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Host {
        folder: tempfile::TempDir,
    }

    impl Host {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn v2() -> Self {
            let host = Self::new();
            fs::create_dir_all(host.roots().cgroup).unwrap();
            fs::write(host.roots().cgroup.join("cgroup.controllers"), "cpu io memory pids\n").unwrap();
            host
        }

        fn roots(&self) -> Roots {
            Roots { cgroup: self.folder.path().join("cgroup"), proc: self.folder.path().join("proc") }
        }

        fn process(&self, pid: u32, cgroups: &str) {
            let folder = self.roots().proc.join(pid.to_string());
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("cgroup"), cgroups).unwrap();
        }

        fn cgroup(&self, path: &str) -> PathBuf {
            let path = self.roots().cgroup.join(path);
            fs::create_dir_all(&path).unwrap();
            path
        }

        fn v2_path(&self, sought: &Sought) -> Option<PathBuf> {
            match locate(&self.roots(), sought)? {
                Hierarchy::V2(path) => Some(path),
                Hierarchy::V1(paths) => panic!("{paths:?}"),
            }
        }
    }

    fn id() -> String {
        "0a1b2c3d".repeat(8)
    }

    fn sought(pid: Option<u32>) -> Sought {
        Sought { id: id(), pid, parent: String::new(), own_network: true }
    }

    #[test]
    fn v2_is_found_by_the_process() {
        let host = Host::v2();
        let place = format!("user.slice/user-1000.slice/user@1000.service/user.slice/docker-{}.scope", id());
        let expected = host.cgroup(&place);
        host.process(42, &format!("0::/{place}\n"));
        assert_eq!(host.v2_path(&sought(Some(42))), Some(expected));
    }

    #[test]
    fn the_whole_container_is_meant_and_not_where_its_systemd_moved_to() {
        let host = Host::v2();
        let expected = host.cgroup(&format!("system.slice/docker-{}.scope", id()));
        host.cgroup(&format!("system.slice/docker-{}.scope/init.scope", id()));
        host.process(42, &format!("0::/system.slice/docker-{}.scope/init.scope\n", id()));
        assert_eq!(host.v2_path(&sought(Some(42))), Some(expected));
    }

    #[test]
    fn a_number_that_another_process_has_now_does_not_mislead() {
        let host = Host::v2();
        host.cgroup("system.slice/cron.service");
        host.process(42, "0::/system.slice/cron.service\n");
        assert_eq!(host.v2_path(&sought(Some(42))), None);
    }

    #[test]
    fn from_inside_a_cgroup_namespace_the_usual_places_are_tried() {
        let host = Host::v2();
        let expected = host.cgroup(&format!("system.slice/docker-{}.scope", id()));
        host.process(42, &format!("0::/../docker-{}.scope\n", id()));
        assert_eq!(host.v2_path(&sought(Some(42))), Some(expected));
    }

    #[test]
    fn the_parent_that_the_container_was_given_is_tried() {
        let host = Host::v2();
        let in_slice = Sought { parent: "shop-web.slice".to_owned(), ..sought(None) };
        let expected = host.cgroup(&format!("shop.slice/shop-web.slice/docker-{}.scope", id()));
        assert_eq!(host.v2_path(&in_slice), Some(expected));
        let in_folder = Sought { parent: "/batch/night".to_owned(), ..sought(None) };
        let expected = host.cgroup(&format!("batch/night/{}", id()));
        assert_eq!(host.v2_path(&in_folder), Some(expected));
    }

    #[test]
    fn v1_has_a_folder_a_controller_and_joint_mounts() {
        let host = Host::new();
        let cpu = host.cgroup(&format!("cpu,cpuacct/docker/{}", id()));
        let memory = host.cgroup(&format!("memory/docker/{}", id()));
        host.process(
            42,
            &format!("4:memory:/docker/{0}\n2:cpu,cpuacct:/docker/{0}\n1:name=systemd:/\n0::/\n", id()),
        );
        let Some(Hierarchy::V1(paths)) = locate(&host.roots(), &sought(Some(42))) else {
            panic!("not found")
        };
        let expected = v1::Paths {
            cpuacct: Some(cpu.clone()),
            cpu: Some(cpu),
            memory: Some(memory),
            pids: None,
            blkio: None,
        };
        assert_eq!(paths, expected);
    }

    #[test]
    fn what_cannot_be_seen_is_not_found() {
        assert_eq!(Host::v2().v2_path(&sought(Some(42))), None);
        assert!(locate(&Host::new().roots(), &sought(Some(42))).is_none());
    }
}

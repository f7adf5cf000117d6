//! The fleet through the lives of its containers.

use std::collections::HashMap;

use super::{container::STATS_FRESH, *};

const KEEP: Duration = Duration::from_mins(10);

fn id(number: u32) -> String {
    format!("{number:064x}")
}

fn identity(number: u32, name: &str) -> Identity {
    Identity::new(&id(number), name, "img:1", &HashMap::new())
}

/// What Docker says of a container that runs since `started_at`.
fn running(number: u32, name: &str, started_at: &str) -> Inspected {
    Inspected {
        identity: identity(number, name),
        phase: Phase::Running,
        started_at: started_at.to_owned(),
        started: Some(1_700_000_000.0),
        restarts: 0,
        oom_flag: false,
        limits: Limits::default(),
        pid: Some(42),
        cgroup_parent: String::new(),
        network: SharedNetwork::Own,
        source: Source::Stats,
    }
}

fn ended(number: u32, started_at: &str, oom_flag: bool) -> Inspected {
    Inspected { phase: Phase::Ended, oom_flag, source: Source::None, ..running(number, "web", started_at) }
}

fn listed(number: u32, state: &str) -> Listed {
    Listed { id: id(number), state: state.to_owned() }
}

struct Watched {
    fleet: Fleet,
    now: Instant,
}

impl Watched {
    fn new() -> Self {
        Self { fleet: Fleet::new(KEEP), now: Instant::now() }
    }

    fn inspected(&mut self, number: u32, found: Inspected, unheard: bool) {
        self.fleet.inspected(&id(number), found, unheard, self.now);
    }

    fn rows(&mut self) -> Vec<Row> {
        self.fleet.rows(Vec::new(), self.now)
    }

    fn only_row(&mut self) -> Row {
        let mut rows = self.rows();
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }

    /// Figures of the newest run of a container, through the stats API.
    fn told(&mut self, number: u32, usage: Usage) {
        let wanting = self.fleet.wanting_stats();
        let (id, run) = wanting.iter().find(|(wanting, _)| *wanting == id(number)).unwrap();
        self.fleet.told_stats(id, *run, Some(usage), self.now);
    }
}

#[test]
fn a_container_that_is_killed_at_once_is_seen_although_nobody_could_look_at_it() {
    let mut watched = Watched::new();
    watched.fleet.started(&id(1), identity(1, "web"));
    watched.fleet.oom_killed(&id(1));
    watched.fleet.died(&id(1), watched.now);
    let row = watched.only_row();
    assert_eq!((row.running, row.oom_kills, row.usage), (false, 1, None));
    // Docker's own flag says the same once more.
    watched.inspected(1, ended(1, "t1", true), false);
    assert_eq!(watched.only_row().oom_kills, 1);
}

#[test]
fn kills_add_up_over_a_restart_loop_whenever_docker_is_asked() {
    let mut watched = Watched::new();
    for run in 1..=3 {
        watched.fleet.started(&id(1), identity(1, "web"));
        watched.fleet.oom_killed(&id(1));
        watched.fleet.died(&id(1), watched.now);
        watched.inspected(1, ended(1, &format!("t{run}"), true), false);
        assert_eq!(watched.only_row().oom_kills, run);
    }
}

#[test]
fn a_kill_while_nobody_listened_is_learned_from_dockers_flag_once() {
    let mut watched = Watched::new();
    watched.inspected(1, running(1, "web", "t1"), true);
    for _ in 0..2 {
        watched.inspected(1, ended(1, "t1", true), true);
        assert_eq!(watched.only_row().oom_kills, 1);
    }
    // The next run is told of by Docker's answer alone.
    watched.inspected(1, running(1, "web", "t2"), true);
    watched.inspected(1, ended(1, "t2", true), true);
    assert_eq!(watched.only_row().oom_kills, 2);
}

#[test]
fn the_cgroups_count_is_taken_in_for_the_run_it_was_read_of() {
    let mut watched = Watched::new();
    watched.inspected(1, running(1, "web", "t1"), false);
    watched.told(1, Usage { oom_kills: Some(2), ..Usage::default() });
    assert_eq!(watched.only_row().oom_kills, 2);
    watched.fleet.died(&id(1), watched.now);
    watched.fleet.started(&id(1), identity(1, "web"));
    watched.inspected(1, running(1, "web", "t2"), false);
    watched.told(1, Usage { oom_kills: Some(1), ..Usage::default() });
    assert_eq!(watched.only_row().oom_kills, 3);
}

#[test]
fn figures_that_come_late_are_not_those_of_the_next_run() {
    let mut watched = Watched::new();
    watched.inspected(1, running(1, "web", "t1"), false);
    let (id1, old_run) = watched.fleet.wanting_stats().remove(0);
    watched.fleet.died(&id1, watched.now);
    watched.fleet.started(&id1, identity(1, "web"));
    watched.inspected(1, running(1, "web", "t2"), false);
    watched.fleet.told_stats(&id1, old_run, Some(Usage::default()), watched.now);
    assert_eq!(watched.only_row().usage, None);
}

#[test]
fn a_pause_keeps_the_figures_and_a_death_does_not() {
    let mut watched = Watched::new();
    watched.inspected(1, running(1, "web", "t1"), false);
    watched.told(1, Usage { cpu_seconds: Some(1.0), ..Usage::default() });
    watched.inspected(1, Inspected { phase: Phase::Paused, ..running(1, "web", "t1") }, false);
    let row = watched.only_row();
    assert_eq!((row.running, row.usage.is_some()), (false, true));
    watched.fleet.died(&id(1), watched.now);
    let row = watched.only_row();
    assert_eq!((row.running, row.usage.is_some(), row.source), (false, false, SourceKind::None));
}

#[test]
fn a_rename_changes_the_name_and_nothing_else() {
    let mut watched = Watched::new();
    watched.inspected(1, running(1, "/web", "t1"), false);
    watched.fleet.oom_killed(&id(1));
    watched.inspected(1, running(1, "/shop", "t1"), false);
    let row = watched.only_row();
    assert_eq!(
        (row.identity.name.as_str(), row.identity.service.as_str(), row.oom_kills),
        ("shop", "shop", 1)
    );
}

#[test]
fn a_removed_container_stops_at_once_and_an_ended_one_after_a_while() {
    let mut watched = Watched::new();
    watched.inspected(1, running(1, "web", "t1"), false);
    watched.inspected(2, running(2, "db", "t1"), false);
    watched.fleet.removed(&id(1));
    assert_eq!(watched.rows().len(), 1);
    watched.fleet.died(&id(2), watched.now);
    watched.now += KEEP;
    assert_eq!(watched.rows().len(), 1);
    watched.now += Duration::from_secs(1);
    assert_eq!(watched.rows().len(), 0);
}

#[test]
fn a_container_that_docker_keeps_restarting_stays() {
    let mut watched = Watched::new();
    let restarting = Inspected { phase: Phase::Restarting, restarts: 7, ..ended(1, "t1", false) };
    watched.inspected(1, restarting, false);
    watched.now += KEEP * 10;
    assert_eq!(watched.only_row().restarts, 7);
}

#[test]
fn of_many_ended_containers_the_newest_stay() {
    let mut watched = Watched::new();
    for number in 0..1_000 {
        watched.now += Duration::from_millis(1);
        watched.fleet.started(&id(number), identity(number, &format!("job-{number}")));
        watched.fleet.died(&id(number), watched.now);
    }
    let rows = watched.rows();
    assert_eq!(rows.len(), MAX_ENDED);
    assert!(rows.iter().any(|row| row.identity.name == "job-999"));
    assert!(rows.iter().all(|row| row.identity.name != "job-0"));
}

#[test]
fn a_list_asks_only_about_what_differs() {
    let mut watched = Watched::new();
    watched.inspected(1, running(1, "same", "t1"), false);
    watched.inspected(2, running(2, "gone", "t1"), false);
    watched.inspected(3, running(3, "paused-since", "t1"), false);
    watched.inspected(4, ended(4, "t1", false), false);
    let list = [listed(1, "running"), listed(3, "paused"), listed(5, "running")];
    assert_eq!(watched.fleet.differing(&list, false), [id(2), id(3), id(5)]);
    // After a loss of Docker, nothing is taken for granted.
    assert_eq!(watched.fleet.differing(&list, true).len(), 5);
}

#[test]
fn a_cgroup_that_vanished_means_that_the_container_has_ended_whatever_docker_says() {
    let mut watched = Watched::new();
    watched.inspected(1, running(1, "web", "t1"), false);
    let run = watched.fleet.wanting_stats()[0].1;
    let rows = watched.fleet.rows(vec![(id(1), run, Reading::Gone)], watched.now);
    assert!(!rows[0].running);
}

#[test]
fn figures_of_the_stats_api_get_the_containers_limits_and_grow_old() {
    let mut watched = Watched::new();
    let limits = Limits { cpu_cores: Some(0.5), memory_bytes: Some(1024) };
    watched.inspected(1, Inspected { limits, ..running(1, "web", "t1") }, false);
    watched.told(1, Usage { memory_usage_bytes: Some(512), ..Usage::default() });
    let usage = watched.only_row().usage.unwrap();
    assert_eq!((usage.cpu_limit_cores, usage.memory_limit_bytes), (Some(0.5), Some(1024)));
    watched.now += STATS_FRESH + Duration::from_secs(1);
    assert_eq!(watched.only_row().usage, None);
}

//! What is said of a service's containers.

use opsseer_core::ContainersSeen;

use crate::chart::Unit;

/// What is this much fuller at its height than now is told with its height.
const HIGHER: f64 = 1.25;

/// Being held back in fewer of the periods is usual.
const THROTTLED: f64 = 0.1;

/// Without a full stop: "the kernel killed a process of it once for want of memory, and it was started again once; memory 9 MiB of 128 MiB
/// (7 %), 99 % at its height; CPU 0.1 of 1 core".
pub(super) fn sentence(seen: &ContainersSeen) -> String {
    let cpu = cpu(seen).map(|used| match held_back(seen) {
        Some(held) => format!("CPU {used}, held back in {held} of the time"),
        None => format!("CPU {used}"),
    });
    let running = running(seen).filter(|_| seen.replicas != Some(1));
    let parts = [ends(seen), running, memory(seen).map(|used| format!("memory {used}")), cpu];
    format!("{}: {}", seen.service, parts.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// Kills and restarts. `None` if there were none.
pub(crate) fn ends(seen: &ContainersSeen) -> Option<String> {
    match (seen.oom_kills, seen.restarts) {
        (0, 0) => None,
        (kills, 0) => Some(format!("the kernel killed a process of it {} for want of memory", times(kills))),
        (0, restarts) => Some(format!("it was started again {}", times(restarts))),
        (kills, restarts) => Some(format!(
            "the kernel killed a process of it {} for want of memory, and it was started again {}",
            times(kills),
            times(restarts)
        )),
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    }
}

/// How many run.
pub(crate) fn running(seen: &ContainersSeen) -> Option<String> {
    match seen.replicas? {
        0 => Some("no container runs".to_owned()),
        1 => Some("1 container runs".to_owned()),
        more => Some(format!("{more} containers run")),
    }
}

/// `64 MiB of 256 MiB (25 %), 99 % at its height`.
pub(crate) fn memory(seen: &ContainersSeen) -> Option<String> {
    let memory = seen.memory.as_ref()?;
    let used = Unit::Bytes.text(memory.now.unwrap_or(memory.peak));
    let Some(limit) = seen.memory_limit_bytes else {
        return Some(format!("{used}, without a limit"));
    };
    let share = seen.fullest.as_ref();
    let height = share.filter(|full| full.now.is_none_or(|now| full.peak > HIGHER * now));
    let height =
        height.map_or_else(String::new, |full| format!(", {} at its height", Unit::Ratio.text(full.peak)));
    let share = share.and_then(|full| full.now);
    let share = share.map_or_else(String::new, |now| format!(" ({})", Unit::Ratio.text(now)));
    Some(format!("{used} of {}{share}{height}", Unit::Bytes.text(limit)))
}

/// `0.5 of 1 core`.
pub(crate) fn cpu(seen: &ContainersSeen) -> Option<String> {
    let cpu = seen.cpu.as_ref()?;
    let used = Unit::Plain.text(cpu.now.unwrap_or(cpu.peak));
    Some(match seen.cpu_limit_cores {
        Some(limit) => format!("{used} of {} {}", Unit::Plain.text(limit), cores(limit)),
        None => format!("{used} {}", cores(cpu.now.unwrap_or(cpu.peak))),
    })
}

/// In how much of the time they were held back at the height, if that is more than usual.
pub(crate) fn held_back(seen: &ContainersSeen) -> Option<String> {
    let held = seen.throttled.as_ref().filter(|held| held.peak > THROTTLED)?;
    Some(Unit::Ratio.text(held.peak))
}

fn cores(count: f64) -> &'static str {
    if (count - 1.0).abs() < 1e-9 { "core" } else { "cores" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::containers;

    fn said(change: impl FnOnce(&mut ContainersSeen)) -> String {
        let mut seen = containers();
        change(&mut seen);
        sentence(&seen)
    }

    #[test]
    fn kills_come_first_and_a_peak_that_has_passed_is_told() {
        assert_eq!(
            said(|_| ()),
            "payments: the kernel killed a process of it once for want of memory, and it was started again twice; 2 containers run; \
             memory 64 MiB of 256 MiB (25 %), 99 % at its height; CPU 0.5 of 1 core, held back in 40 % of the time"
        );
    }

    #[test]
    fn what_is_quiet_is_short() {
        let quiet = said(|seen| {
            (seen.restarts, seen.oom_kills, seen.replicas) = (0, 0, Some(1));
            (seen.memory_limit_bytes, seen.cpu_limit_cores, seen.throttled, seen.fullest) =
                (None, None, None, None);
        });
        assert_eq!(quiet, "payments: memory 64 MiB, without a limit; CPU 0.5 cores");
        assert!(said(|seen| seen.replicas = Some(0)).contains("no container runs"));
    }
}

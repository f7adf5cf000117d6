//! A network namespace's traffic, from the kernel's table of interfaces.

/// Bytes over all interfaces but the loopback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

/// Sums up `/proc/PID/net/dev`: two lines of headings, then "name: " and 16 numbers a line, of which the first counts
/// received bytes and the ninth sent ones. See proc(5).
pub(crate) fn traffic(table: &str) -> Traffic {
    let mut sum = Traffic::default();
    for line in table.lines().skip(2) {
        let Some((name, numbers)) = line.rsplit_once(':') else { continue };
        if name.trim() == "lo" {
            continue;
        }
        let mut numbers =
            numbers.split_ascii_whitespace().map(|number| number.parse::<u64>().unwrap_or_default());
        sum.received += numbers.next().unwrap_or_default();
        sum.sent += numbers.nth(7).unwrap_or_default();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    5000      10    0    0    0     0          0         0     5000      10    0    0    0     0       0          0
  eth0:  123456     100    0    0    0     0          0         0    65432      90    0    0    0     0       0          0
  eth1:4294967296     1    0    0    0     0          0         0        8       1    0    0    0     0       0          0
";

    #[test]
    fn interfaces_are_summed_and_the_loopback_left_out() {
        assert_eq!(traffic(TABLE), Traffic { received: 4_295_090_752, sent: 65_440 });
    }

    #[test]
    fn a_container_without_a_network_reads_0() {
        let only_loopback: String = TABLE.lines().take(3).flat_map(|line| [line, "\n"]).collect();
        assert_eq!(traffic(&only_loopback), Traffic::default());
    }
}

//! The chaos in force as gauges, so that a graph of the trouble can lie beside a graph of its effect.

use std::{fmt, sync::Arc, time::Instant};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

use crate::chaos::{LEAK_MAX_BYTES, Live, Mode};

/// Asks the live state at each scrape: the delay of a swinging mode changes without anybody setting it.
pub(super) struct ChaosCollector {
    live: Arc<Live>,
}

impl ChaosCollector {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self { live }
    }
}

impl fmt::Debug for ChaosCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosCollector").finish_non_exhaustive()
    }
}

impl Collector for ChaosCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let state = self.live.in_force();
        let settings = state.settings;
        let delay = state.delay_at(Instant::now()).as_secs_f64();
        gauge(&mut encoder, "toyprod_chaos_delay_seconds", "Delay of an order that arrives now", delay)?;
        let share = "Share of orders that fail on purpose, 0 to 1";
        gauge(&mut encoder, "toyprod_chaos_fail_ratio", share, settings.fail_rate)?;
        let leaked = self.live.leaked_bytes();
        gauge(&mut encoder, "toyprod_chaos_leaked_bytes", "Memory leaked on purpose", leaked)?;
        gauge(&mut encoder, "toyprod_chaos_leak_max_bytes", "Where the leak stops growing", LEAK_MAX_BYTES)?;
        let threads = settings.burn_threads.unwrap_or(0);
        gauge(&mut encoder, "toyprod_chaos_burn_threads", "Threads that spin on purpose", threads)?;

        let help = "1 for the mode in force, 0 for the others";
        let mut family = encoder.encode_descriptor("toyprod_chaos_mode", help, None, MetricType::Gauge)?;
        for mode in Mode::ALL {
            let labels = [("mode", mode.as_str())];
            ConstGauge::new(u32::from(mode == settings.mode)).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn gauge<N>(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: N) -> Result<(), fmt::Error>
where
    ConstGauge<N>: EncodeMetric,
{
    let metric = ConstGauge::new(value);
    metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

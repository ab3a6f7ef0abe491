//! What the capture saw, against what the kernel says passed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::devices::{DeviceKind, DeviceSet, System};
use crate::limits::CAPTURE_BLOCK_MILLIS;

/// How old the kernel's counters may be before they are read again.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);

/// Frames that the kernel has counted are drained by then: twice the time that it keeps a block of them.
const DRAIN_PATIENCE: Duration = Duration::from_millis(2 * CAPTURE_BLOCK_MILLIS as u64);

/// Frames that a capture drained, copies included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Frames at the devices of the set.
    pub packets: u64,
    /// Their bytes on the wire, link header included, and the least that merged segments had in headers.
    pub bytes: u64,
    /// Frames longer than the device can carry: segments that the kernel merged before the capture saw
    /// them, or has not cut yet (GRO, TSO). Their packets and headers are counted once for several.
    pub merged_frames: u64,
}

/// What a capture saw of its devices' traffic since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coverage {
    /// What the kernel counted as received and sent on the devices: packets.
    pub kernel_packets: u64,
    /// What the kernel counted as received and sent on the devices: bytes.
    pub kernel_bytes: u64,
    /// What the capture had seen there when those were read.
    pub captured: Seen,
    /// Whether packets are to be compared, because the kernel counts no link headers here.
    pub by_packets: bool,
    /// Frames that the kernel dropped because the ring was full.
    pub dropped: u64,
    /// Whether there is a filter, which leaves frames out on purpose, so that nothing can be compared.
    pub filtered: bool,
}

impl Coverage {
    /// The captured share in percent, 0 to 100, when the kernel's counters were read last; `None` with a
    /// filter, and before the first traffic.
    pub fn percent(&self) -> Option<f32> {
        let (seen, all) = match self.by_packets {
            true => (self.captured.packets, self.kernel_packets),
            false => (self.captured.bytes, self.kernel_bytes),
        };
        (all > 0 && !self.filtered).then(|| (seen as f64 / all as f64 * 100.0).min(100.0) as f32)
    }
}

/// Measures the coverage of one interface. The capture's thread and the pages share it.
#[derive(Debug, Default)]
pub struct Meter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    system: System,
    filtered: bool,
    by_packets: bool,
    devices: Vec<Counted>,
    kernel_packets: u64,
    kernel_bytes: u64,
    captured: Seen,
    /// What had been captured when the kernel's counters were read last.
    compared: Seen,
    dropped: u64,
    sampled: Option<Instant>,
    /// They were read without a drain: frames may have waited in the ring that they count.
    read_blindly: bool,
    /// When somebody first looked at counters that were old.
    asked: Option<Instant>,
}

/// One device's counters as they were read last.
#[derive(Debug)]
struct Counted {
    name: String,
    index: u32,
    kind: DeviceKind,
    last: [u64; 4],
}

impl Meter {
    pub(super) fn new(system: System, filtered: bool) -> Self {
        Self(Mutex::new(State { system, filtered, ..State::default() }))
    }

    /// The coverage so far.
    ///
    /// The kernel's counters are read after a drain. If they are old, and no drain comes, this reads them
    /// when it is asked again, so that a capture that sees nothing at all is found out too. The next drain brings
    /// what waited in the ring by then, and reads them once more.
    pub fn coverage(&self) -> Coverage {
        let mut state = self.lock();
        if state.is_old() && state.asked.get_or_insert_with(Instant::now).elapsed() >= DRAIN_PATIENCE {
            state.sample();
            state.read_blindly = true;
        }
        Coverage {
            kernel_packets: state.kernel_packets,
            kernel_bytes: state.kernel_bytes,
            captured: state.compared,
            by_packets: state.by_packets,
            dropped: state.dropped,
            filtered: state.filtered,
        }
    }

    /// Counts what was drained. True if the kernel's counters were read, and so it is time for the losses too.
    pub(super) fn add(&self, seen: Seen) -> bool {
        let mut state = self.lock();
        state.captured.packets += seen.packets;
        state.captured.bytes += seen.bytes;
        state.captured.merged_frames += seen.merged_frames;
        // Right after a drain the two counts are as close as they ever get.
        let old = state.is_old() || state.read_blindly;
        if old {
            state.sample();
        }
        old
    }

    pub(super) fn add_dropped(&self, dropped: u64) {
        self.lock().dropped += dropped;
    }

    /// Measures these devices from now on.
    ///
    /// Frames that are picked out of those of a lower device are held against the counters of the upper
    /// one, in packets, because it counts no link header. Offloading may hide traffic from those
    /// counters but not from the capture.
    pub(super) fn follow(&self, set: Option<&DeviceSet>) {
        let mut state = self.lock();
        state.sample();
        let wanted = set.map_or(&[][..], |set| &set.counted);
        let State { system, devices, by_packets, .. } = &mut *state;
        let is_loopback = wanted.iter().any(|device| device.kind == DeviceKind::Loopback);
        *by_packets = is_loopback || set.is_some_and(|set| !set.inside.is_empty());
        devices.retain(|old| wanted.iter().any(|new| new.name == old.name && new.index == old.index));
        for device in wanted {
            if !devices.iter().any(|old| old.name == device.name)
                && let Some(last) = system.statistics(&device.name)
            {
                let name = device.name.clone();
                devices.push(Counted { name, index: device.index, kind: device.kind, last });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_old(&self) -> bool {
        self.sampled.is_none_or(|at| at.elapsed() >= SAMPLE_INTERVAL)
    }

    fn sample(&mut self) {
        self.sampled = Some(Instant::now());
        self.asked = None;
        self.read_blindly = false;
        self.compared = self.captured;
        for device in &mut self.devices {
            let Some(now) = self.system.statistics(&device.name) else { continue };
            let [received, received_bytes, mut sent, mut sent_bytes] =
                std::array::from_fn(|n| increase(device.last[n], now[n]));
            if device.kind == DeviceKind::Loopback {
                // The capture has each frame once, as received.
                (sent, sent_bytes) = (0, 0);
            }
            self.kernel_packets += received + sent;
            self.kernel_bytes += received_bytes + sent_bytes;
            device.last = now;
        }
    }
}

/// How far a counter has come. Some drivers count in 32 bits, which wrap; one that has fallen further
/// than a wrap can explain began again from 0.
fn increase(last: u64, now: u64) -> u64 {
    if now >= last {
        return now - last;
    }
    match (u32::try_from(last), u32::try_from(now)) {
        (Ok(last), Ok(now)) if now.wrapping_sub(last) < 1 << 31 => u64::from(now.wrapping_sub(last)),
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::super::devices::tests::Tree;
    use super::*;

    #[test]
    fn what_waited_in_the_ring_is_compared_at_the_next_drain() {
        let counters = |tree: &Tree, packets: &str, bytes: &str| {
            let [received, received_bytes] = ["statistics/rx_packets", "statistics/rx_bytes"];
            let sent = [("statistics/tx_packets", "0"), ("statistics/tx_bytes", "0")];
            tree.device("eth0", 2, &[(received, packets), (received_bytes, bytes), sent[0], sent[1]]);
        };
        let tree = Tree::new("coverage");
        counters(&tree, "0", "0");
        let meter = Meter::new(tree.system(), false);
        meter.follow(tree.system().resolve("eth0", false).as_ref());

        counters(&tree, "10", "1000");
        {
            // Somebody looked when the counters were old already.
            let mut state = meter.lock();
            state.sampled = None;
            state.asked = Instant::now().checked_sub(DRAIN_PATIENCE);
        }
        assert_eq!(meter.coverage().percent(), Some(0.0), "as if the capture saw nothing");
        assert!(meter.add(Seen { packets: 10, bytes: 1000, merged_frames: 0 }));
        assert_eq!(meter.coverage().percent(), Some(100.0));
        assert!(!meter.add(Seen::default()), "they are new");
    }

    #[test]
    fn counters_wrap_and_begin_again() {
        assert_eq!(increase(5, 12), 7);
        assert_eq!(increase(u64::from(u32::MAX) - 4, 5), 10, "a 32-bit counter wrapped");
        assert_eq!(increase(5_000, 10), 10, "the device began again");
        assert_eq!(increase(1 << 40, 10), 10, "a 64-bit counter does not wrap");
    }

    #[test]
    fn the_share_is_capped_and_unknown_with_a_filter() {
        let seen = Seen { packets: 9, bytes: 900, merged_frames: 0 };
        let mut coverage = Coverage { kernel_bytes: 1000, captured: seen, ..Coverage::default() };
        assert_eq!(coverage.percent(), Some(90.0));
        coverage.kernel_bytes = 800;
        assert_eq!(coverage.percent(), Some(100.0));
        coverage.filtered = true;
        assert_eq!(coverage.percent(), None);
    }
}

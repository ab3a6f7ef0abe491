//! Forgetting: all that was counted, or one host. Both leave sums that add up.

use super::{Activity, Directions, Evicted, Ledger};
use crate::packet::{Address, Discard};
use crate::time::Timestamp;

impl Ledger {
    /// Starts anew: no frame was captured, there are no hosts, devices, ports or bars. What was told of the interface
    /// stays: its networks, its link, its local time, and what the kernel says passed since it is watched.
    pub fn reset(&mut self) {
        // All fields by their names, so that a new one must say what becomes of it.
        let Self {
            name: _,
            role: _,
            link: _,
            networks,
            captured,
            discarded,
            non_ip,
            totals,
            first,
            last,
            second,
            window,
            day,
            dropped_by_kernel: _,
            coverage: _,
            protocols,
            portless,
            hosts,
            activity,
            evicted,
            ports,
            peers,
            highest_port: _,
            flows,
            history,
            accounts,
        } = self;
        *captured = 0;
        *discarded = [0; Discard::ALL.len()];
        *non_ip = Default::default();
        *totals = Directions::default();
        *first = None;
        *last = Timestamp::default();
        *second = u64::MAX;
        *window = Default::default();
        *day = 0;
        protocols.fill(Directions::default());
        *portless = Default::default();
        hosts.clear();
        activity.fill(Activity::default());
        *evicted = Evicted::default();
        ports.clear();
        peers.clear();
        // Flows that go on keep their places: if all were to have their records at once, most would be lost.
        (0..flows.capacity()).for_each(|place| _ = flows.take(place));
        history.clear();
        accounts.clear(networks);
    }

    /// Forgets a host: its row makes room, and its traffic counts as that of evicted hosts. Its port rows go
    /// with it, one after the other. False if it has no row. The next packet gives it a new one.
    pub fn forget_host(&mut self, address: Address) -> bool {
        self.book_all();
        let Some(host) = self.hosts.remove(address) else { return false };
        self.evicted.hosts += 1;
        self.evicted.traffic += host.total();
        true
    }
}

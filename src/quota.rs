//! Monthly quotas: what a device or an interface may move, and when to say that it has.
//!
//! A quota is compared with what the books say of the present month, so a packet costs it nothing, and a month
//! that begins anew is one with small sums. Nothing is ever held back: a quota only warns.

use crate::ledger::{Ledger, Period};
use crate::packet::{Address, Mac};

/// The percentages of a quota at which to warn.
pub const WARNINGS: [u8; 2] = [80, 100];

/// Whose traffic is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The device with this link-layer address, on all interfaces.
    Device(Mac),
    /// What goes in and out of the interface with this number.
    Interface(u8),
}

/// What somebody may move in a calendar month of local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Who.
    pub target: Target,
    /// How much, in and out together, in bytes.
    pub bytes: u64,
}

/// How far a quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The quota.
    pub quota: Quota,
    /// What was moved this month, in bytes.
    pub used: u64,
}

impl Usage {
    /// What these books, which are settled, say of a quota.
    #[inline(never)]
    pub(crate) fn of(quota: Quota, ledgers: &[Ledger]) -> Self {
        let used = match quota.target {
            Target::Interface(index) => ledgers.get(usize::from(index)).map_or(0, |ledger| {
                let month = ledger.history(Period::Month).last();
                month.map_or(0, |(_, bar)| (bar.inbound + bar.outbound).bytes)
            }),
            Target::Device(mac) => ledgers.iter().fold(0, |sum, ledger| sum + of_device(ledger, mac)),
        };
        Self { quota, used }
    }

    /// The part that is used, in percent, rounded down. It may be more than all.
    pub fn percent(&self) -> u64 {
        self.used.saturating_mul(100) / self.quota.bytes.max(1)
    }

    /// True if nothing of the quota is left.
    pub fn is_used_up(&self) -> bool {
        self.used >= self.quota.bytes
    }

    /// The greatest of [`WARNINGS`] that is reached, or 0.
    pub fn level(&self) -> u8 {
        let percent = self.percent();
        WARNINGS.into_iter().rfind(|warning| percent >= u64::from(*warning)).unwrap_or(0)
    }
}

/// What a device moved this month on an interface.
fn of_device(ledger: &Ledger, mac: Mac) -> u64 {
    let accounts = ledger.accounts();
    let place = accounts.place_of(mac);
    place.map_or(0, |place| accounts.bytes_in(place, Period::Month, 0).iter().sum())
}

/// The latest address of a device on these interfaces, by which it may have a name.
#[inline(never)]
pub fn latest_address(ledgers: &[Ledger], mac: Mac) -> Option<Address> {
    let mut latest = (0, None);
    for ledger in ledgers {
        for (address, host) in ledger.hosts() {
            if host.local && host.mac == mac && host.last_seen >= latest.0 {
                latest = (host.last_seen, Some(address));
            }
        }
    }
    latest.1
}

/// A quota with what has been said of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) quota: Quota,
    /// The percentage that was last warned of. It goes down when the sum does, in a new month for one, so that the
    /// same warning can come again: nobody moves 80 % of a month between two looks.
    pub(crate) warned: u8,
}

impl Watch {
    /// True if this is to be told: it has reached a percentage that was not warned of yet.
    pub(crate) fn review(&mut self, usage: &Usage) -> bool {
        let level = usage.level();
        core::mem::replace(&mut self.warned, level) < level
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::darknet::Darknet;
    use crate::ledger::Capacity;
    use crate::limits::QUOTAS_MAX;
    use crate::monitor::Monitor;
    use crate::network::{Networks, Role};
    use crate::packet::{Decoded, Link, Packet, protocol};
    use crate::snapshot::{self, Header, Writer};
    use crate::table::Seed;
    use crate::time::Timestamp;

    /// 2023-11-30 23:00 UTC, an hour before the month's end.
    const LATE: u64 = 1_701_385_200;
    const MONTH_END: u64 = LATE + 3_600;
    const TELEVISION: Mac = Mac([2, 0, 0, 0, 0, 7]);
    const QUOTAS: [Quota; 2] = [
        Quota { target: Target::Device(TELEVISION), bytes: 10_000 },
        Quota { target: Target::Interface(1), bytes: 10_000 },
    ];

    /// Two LANs on which nothing happened.
    fn monitor(quotas: &[Quota]) -> Monitor {
        let capacity = Capacity { hosts: 16, port_rows: 16, devices: 4 };
        let ledgers = ["br-lan", "guest"]
            .map(|name| Ledger::new(name, Role::Lan, Networks::private(), capacity, Seed::new(1, 2)));
        let mut monitor = Monitor::new(ledgers.into(), Darknet::new(&[], 0, Seed::new(1, 2)).unwrap());
        monitor.set_quotas(quotas);
        monitor
    }

    /// The television sends this to the internet, in one packet.
    fn send(monitor: &mut Monitor, interface: usize, bytes: u32, second: u64) {
        let packet = Packet {
            source: Address::v4(0xc0a8_0107),
            link: Link { source_mac: TELEVISION, ..Link::default() },
            destination: Address::v4(0x0808_0808),
            protocol: protocol::UDP,
            bytes,
            ..Packet::default()
        };
        monitor.observe(interface, &Decoded::Packet(packet), &[], Timestamp::from_seconds(second));
    }

    /// The targets and percentages that are told at this second.
    fn told(monitor: &mut Monitor, second: u64) -> Vec<(Target, u64)> {
        monitor.settle(Timestamp::from_seconds(second));
        let next = || monitor.next_warning().map(|usage| (usage.quota.target, usage.percent()));
        core::iter::from_fn(next).collect()
    }

    fn snapshot(monitor: &mut Monitor, second: u64) -> Vec<u8> {
        monitor.settle(Timestamp::from_seconds(second));
        let mut buffer = vec![0; snapshot::size_max(monitor)];
        let header = Header { format: snapshot::VERSION, ..Header::default() };
        let mut writer = Writer::new(&mut buffer, &header);
        writer.warnings(monitor);
        monitor.ledgers().iter().for_each(|ledger| writer.ledger(ledger));
        writer.finish().unwrap().to_vec()
    }

    #[test]
    fn each_percentage_is_told_once_in_a_month() {
        let mut monitor = monitor(&QUOTAS);
        let [device, interface] = QUOTAS.map(|quota| quota.target);
        send(&mut monitor, 0, 7_999, LATE);
        assert_eq!(told(&mut monitor, LATE), []);
        send(&mut monitor, 0, 1, LATE);
        assert_eq!(told(&mut monitor, LATE), [(device, 80)]);
        send(&mut monitor, 0, 1_999, LATE + 1);
        assert_eq!(told(&mut monitor, LATE + 1), []);
        // A device is the same on another interface.
        send(&mut monitor, 1, 1, LATE + 2);
        assert_eq!(told(&mut monitor, LATE + 2), [(device, 100)]);
        // All at once is told once.
        send(&mut monitor, 1, 12_345, LATE + 3);
        assert_eq!(told(&mut monitor, LATE + 3), [(interface, 123)]);
        assert_eq!(told(&mut monitor, MONTH_END - 1), []);

        assert_eq!(told(&mut monitor, MONTH_END), []);
        assert!(monitor.quotas().all(|usage| usage.used == 0) && monitor.warnings().next().is_none());
        send(&mut monitor, 0, 9_000, MONTH_END);
        assert_eq!(told(&mut monitor, MONTH_END), [(device, 90)]);
    }

    #[test]
    fn a_month_ends_in_local_time() {
        let mut monitor = monitor(&QUOTAS[..1]);
        for ledger in monitor.ledgers_mut() {
            ledger.set_utc_offset(-3_600);
        }
        send(&mut monitor, 0, 8_000, LATE);
        assert_eq!(told(&mut monitor, LATE).len(), 1);
        send(&mut monitor, 0, 2_000, MONTH_END);
        assert_eq!(told(&mut monitor, MONTH_END).len(), 1);
        assert_eq!(told(&mut monitor, MONTH_END + 3_600), []);
        send(&mut monitor, 0, 8_000, MONTH_END + 3_600);
        assert_eq!(told(&mut monitor, MONTH_END + 3_600), [(QUOTAS[0].target, 80)]);
    }

    #[test]
    fn a_restart_neither_repeats_a_warning_nor_swallows_one() {
        let mut before = monitor(&QUOTAS);
        send(&mut before, 0, 8_500, LATE);
        assert_eq!(told(&mut before, LATE).len(), 1);
        let saved = snapshot(&mut before, LATE);
        let restored = |quotas: &[Quota]| {
            let mut monitor = monitor(quotas);
            snapshot::restore(&saved, &mut monitor).unwrap();
            monitor
        };

        let mut same = restored(&QUOTAS);
        assert_eq!(told(&mut same, LATE + 1), []);
        send(&mut same, 0, 1_500, LATE + 2);
        assert_eq!(told(&mut same, LATE + 2), [(QUOTAS[0].target, 100)]);

        // Somebody has made it smaller meanwhile, or there was none before.
        for quota in [Quota { bytes: 8_500, ..QUOTAS[0] }, Quota { bytes: 9_000, ..QUOTAS[0] }] {
            let mut changed = restored(&[quota]);
            assert_eq!(told(&mut changed, LATE + 1), [(quota.target, 850_000 / quota.bytes)]);
        }

        // The program was off when the month ended.
        let mut later = restored(&QUOTAS);
        assert_eq!(told(&mut later, MONTH_END + 60), []);
        send(&mut later, 0, 8_500, MONTH_END + 60);
        assert_eq!(told(&mut later, MONTH_END + 60), [(QUOTAS[0].target, 85)]);
    }

    #[test]
    fn a_reset_lets_a_warning_come_again() {
        let mut monitor = monitor(&QUOTAS[..1]);
        send(&mut monitor, 0, 8_000, LATE);
        assert_eq!(told(&mut monitor, LATE).len(), 1);
        monitor.ledgers_mut().iter_mut().for_each(Ledger::reset);
        assert_eq!(told(&mut monitor, LATE + 1), []);
        send(&mut monitor, 0, 8_000, LATE + 2);
        assert_eq!(told(&mut monitor, LATE + 2).len(), 1);
    }

    #[test]
    fn sums_that_no_line_can_carry_are_no_trouble() {
        let quota = Quota { target: Target::Interface(9), bytes: 0 };
        assert_eq!(Usage { quota, used: u64::MAX }.level(), 100);
        let mut monitor = monitor(&[quota; QUOTAS_MAX + 1]);
        assert_eq!(monitor.quotas().count(), QUOTAS_MAX);
        assert_eq!(told(&mut monitor, LATE), []);
    }
}

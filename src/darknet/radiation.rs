//! What the Internet sends unasked ("background radiation", Pang and others 2004), by port and day. There is so
//! much of it that who sent it says nothing: it is counted, and nobody is alerted.

use alloc::boxed::Box;

use crate::limits::RADIATION_ROWS;
use crate::network::{Networks, Place};
use crate::packet::{Address, Packet, protocol};
use crate::table::Seed;

const WAYS: usize = 8;

/// Where it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// At this interface, for an address that is in use: mostly our own.
    Own(u16),
    /// In the dark prefix with this number.
    Dark(u16),
}

/// Packets to one port of one door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Radiation {
    /// Where they arrived.
    pub door: Door,
    /// Their transport protocol (IANA number).
    pub protocol: u8,
    /// Their destination port, 0 if they have none.
    pub port: u16,
    /// Packets of the current day (UTC).
    pub today: u64,
    /// Packets of the day before.
    pub yesterday: u64,
    /// Connections that somebody here answered today: the port is open.
    pub answered: u64,
}

/// True for a packet that begins something, as far as one packet shows: a SYN, an echo request, a datagram to a
/// port that systems do not use for their own questions (Linux begins at 32768) from one that does not answer.
pub(super) fn is_unasked(packet: &Packet) -> bool {
    let is_opening = match packet.protocol {
        protocol::TCP => packet.is_syn(),
        protocol::UDP => packet.has_ports && packet.destination_port < 32_768 && packet.source_port >= 1024,
        _ => matches!(
            (packet.protocol, packet.icmp),
            (protocol::ICMP, Some((8, _))) | (protocol::ICMPV6, Some((128, _)))
        ),
    };
    is_opening && Networks::new().place(packet.destination) != Place::Link
}

/// An 8-way set-associative table of them, allocated once. In a full set the row with the fewest packets goes,
/// and they are counted as those of others.
#[derive(Clone, Debug)]
pub(super) struct Background {
    rows: Box<[Option<Radiation>]>,
    seed: Seed,
    /// Days since 1970.
    day: u64,
    others: u64,
}

impl Background {
    /// What the table takes.
    pub const BYTES: usize = RADIATION_ROWS * size_of::<Option<Radiation>>();

    /// An empty table.
    pub fn new(seed: Seed) -> Self {
        Self { rows: (0..RADIATION_ROWS).map(|_| None).collect(), seed, day: 0, others: 0 }
    }

    /// Counts a packet.
    pub fn count(&mut self, door: Door, protocol: u8, port: u16, seconds: u64) {
        self.turn(seconds / 86_400);
        let set = self.set(door, protocol, port);
        let is_it = |row: &Radiation| (row.door, row.protocol, row.port) == (door, protocol, port);
        if let Some(row) = set.iter_mut().flatten().find(|row| is_it(row)) {
            row.today += 1;
            return;
        }
        let packets = |row: &Radiation| (row.today, row.yesterday);
        // An empty slot sorts before any row.
        let Some(slot) = set.iter_mut().min_by_key(|slot| slot.as_ref().map(packets)) else { return };
        let row = Radiation { door, protocol, port, today: 1, yesterday: 0, answered: 0 };
        let evicted = slot.replace(row);
        self.others += evicted.map_or(0, |row| row.today);
    }

    /// Counts an answer from this port.
    pub fn answered(&mut self, door: Door, protocol: u8, port: u16) {
        let mut rows = self.set(door, protocol, port).iter_mut().flatten();
        if let Some(row) = rows.find(|row| (row.door, row.protocol, row.port) == (door, protocol, port)) {
            row.answered += 1;
        }
    }

    /// Begins a new day.
    fn turn(&mut self, day: u64) {
        if day == self.day {
            return;
        }
        for slot in &mut self.rows {
            *slot = slot.take().map(|row| {
                let yesterday = if day == self.day + 1 { row.today } else { 0 };
                Radiation { today: 0, yesterday, answered: 0, ..row }
            });
            *slot = slot.take().filter(|row| row.yesterday > 0);
        }
        self.day = day;
        self.others = 0;
    }

    /// The rows, in no order.
    pub fn rows(&self) -> impl Iterator<Item = &Radiation> {
        self.rows.iter().flatten()
    }

    /// Today's packets of rows that had to leave.
    pub fn others(&self) -> u64 {
        self.others
    }

    fn set(&mut self, door: Door, protocol: u8, port: u16) -> &mut [Option<Radiation>] {
        let place = match door {
            Door::Own(interface) => u64::from(interface),
            Door::Dark(prefix) => 1 << 16 | u64::from(prefix),
        };
        let hash = self.seed.mix(
            self.seed.address(Address::default()),
            place << 24 | u64::from(port) << 8 | u64::from(protocol),
        );
        let first = hash as usize & (RADIATION_ROWS - WAYS);
        self.rows.get_mut(first..first + WAYS).unwrap_or_default()
    }
}

const _: () = assert!(RADIATION_ROWS.is_power_of_two() && RADIATION_ROWS >= WAYS);

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn packets_are_counted_by_port_and_day() {
        let mut background = Background::new(Seed::new(5, 6));
        for _ in 0..3 {
            background.count(Door::Own(1), 6, 23, 20 * DAY);
        }
        background.count(Door::Dark(0), 6, 23, 20 * DAY);
        background.answered(Door::Own(1), 6, 23);
        background.answered(Door::Own(1), 6, 80);
        let row = |background: &Background, door| background.rows().find(|row| row.door == door).copied();
        let telnet =
            Radiation { door: Door::Own(1), protocol: 6, port: 23, today: 3, yesterday: 0, answered: 1 };
        assert_eq!(row(&background, Door::Own(1)), Some(telnet));
        assert_eq!(background.rows().count(), 2);

        background.count(Door::Own(1), 6, 23, 21 * DAY);
        assert_eq!(
            row(&background, Door::Own(1)),
            Some(Radiation { today: 1, yesterday: 3, answered: 0, ..telnet })
        );
        background.count(Door::Own(1), 6, 23, 23 * DAY);
        assert_eq!(row(&background, Door::Own(1)), Some(Radiation { today: 1, answered: 0, ..telnet }));
        assert_eq!(row(&background, Door::Dark(0)), None, "it had nothing for a day");
    }

    #[test]
    fn a_sweep_of_all_ports_leaves_the_large_rows() {
        let mut background = Background::new(Seed::new(5, 6));
        for _ in 0..100 {
            background.count(Door::Own(0), 6, 23, DAY);
        }
        for port in 0..=u16::MAX {
            background.count(Door::Own(0), 17, port, DAY);
        }
        assert_eq!(background.rows().map(|row| row.today).sum::<u64>() + background.others(), 100 + 65_536);
        assert!(background.rows().any(|row| (row.protocol, row.port, row.today) == (6, 23, 100)));
        assert_eq!(background.rows().count(), RADIATION_ROWS);
    }
}

//! Who asks one port of very many addresses and gets hardly an answer: a scan of the Internet from a LAN.
//!
//! A slow one is not told from a peer-to-peer program that tries addresses of old; the dark tells it.

use alloc::boxed::Box;
use alloc::vec;

use crate::limits::{
    FAN_OUT_ADDRESSES, FAN_OUT_ANSWER_SECONDS, FAN_OUT_ROWS, FAN_OUT_SECONDS, FAN_OUT_UNANSWERED,
};
use crate::packet::{Address, Packet};
use crate::table::Seed;

const WAYS: usize = 4;

/// SYNs of one source to one port within a minute.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    source: Address,
    port: u16,
    interface: u16,
    /// The second of the first of them; 0 in an empty row.
    since: u32,
    /// The second in which there were enough addresses.
    reached: Option<u32>,
    answers: u32,
    told: bool,
    /// One bit for each address, by hash.
    addresses: [u64; 8],
    /// How many bits are set: as many as there were addresses, or fewer.
    count: u32,
}

impl Row {
    fn is_of(&self, source: Address, port: u16, interface: u16) -> bool {
        self.since != 0 && (self.source, self.port, self.interface) == (source, port, interface)
    }
}

/// A 4-way set-associative table of them, allocated once. In a full set the row goes that began first.
#[derive(Clone, Debug)]
pub(super) struct FanOuts {
    rows: Box<[Row]>,
    seed: Seed,
}

impl FanOuts {
    /// What the table takes.
    pub const BYTES: usize = FAN_OUT_ROWS * size_of::<Row>();

    /// An empty table.
    pub fn new(seed: Seed) -> Self {
        Self { rows: vec![Row::default(); FAN_OUT_ROWS].into_boxed_slice(), seed }
    }

    /// Counts a SYN. True, once a minute, if there were [`FAN_OUT_ADDRESSES`] of them and their answers had
    /// time to come and did not.
    pub fn asked(&mut self, interface: u16, packet: &Packet, now: u32) -> bool {
        let bit = self.seed.mix(self.seed.address(packet.destination), 0);
        let (source, port) = (packet.source, packet.destination_port);
        let set = self.set(source, port);
        let is_it = |row: &Row| row.is_of(source, port, interface);
        let way = set.iter().position(is_it);
        let oldest = || (0..set.len()).min_by_key(|&way| set.get(way).map_or(0, |row| row.since));
        let Some(row) = way.or_else(oldest).and_then(|way| set.get_mut(way)) else { return false };
        if way.is_none() || now.abs_diff(row.since) >= FAN_OUT_SECONDS {
            *row = Row { source, port, interface, since: now.max(1), ..Row::default() };
        }
        if let Some(word) = row.addresses.get_mut(bit as usize >> 6 & 7) {
            row.count += u32::from(*word >> (bit & 63) & 1 == 0);
            *word |= 1 << (bit & 63);
        }
        if row.told || row.count < FAN_OUT_ADDRESSES {
            return false;
        }
        let reached = *row.reached.get_or_insert(now);
        let is_time = now.abs_diff(reached) >= FAN_OUT_ANSWER_SECONDS;
        row.told = is_time && row.answers <= row.count / FAN_OUT_UNANSWERED;
        row.told
    }

    /// Counts the answer to a SYN.
    pub fn answered(&mut self, interface: u16, packet: &Packet) {
        let (source, port) = (packet.destination, packet.source_port);
        let mut rows = self.set(source, port).iter_mut();
        if let Some(row) = rows.find(|row| row.is_of(source, port, interface)) {
            row.answers = row.answers.saturating_add(1);
        }
    }

    fn set(&mut self, source: Address, port: u16) -> &mut [Row] {
        let hash = self.seed.mix(self.seed.address(source), port.into());
        let first = hash as usize & (FAN_OUT_ROWS - WAYS);
        self.rows.get_mut(first..first + WAYS).unwrap_or_default()
    }
}

const _: () = assert!(FAN_OUT_ROWS.is_power_of_two() && FAN_OUT_ROWS >= WAYS);
const _: () = assert!(FAN_OUT_ADDRESSES <= 8 * 64 / 2);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u32 = 1_700_000_000;

    fn syn(host: u32, port: u16) -> Packet {
        Packet {
            source: Address::v4(0xc0a8_0139),
            destination: Address::v4(0x0808_0000 + host),
            destination_port: port,
            ..Packet::default()
        }
    }

    fn answer(host: u32, port: u16) -> Packet {
        let Packet { source, destination, .. } = syn(host, port);
        Packet { source: destination, destination: source, source_port: port, ..Packet::default() }
    }

    /// How often it was told when this many addresses a second were asked for so many seconds, of which one in
    /// so many answered.
    fn told(rate: u32, seconds: u32, answering: u32) -> usize {
        let mut fan_outs = FanOuts::new(Seed::new(3, 4));
        let mut told = 0;
        for host in 0..rate * seconds {
            told += usize::from(fan_outs.asked(0, &syn(host, 23), NOW + host / rate));
            if host % answering == 0 {
                fan_outs.answered(0, &answer(host, 23));
            }
        }
        told
    }

    #[test]
    fn many_addresses_without_an_answer_are_told_once_a_minute() {
        assert_eq!(told(100, 60, 1000), 1);
        assert_eq!(told(100, 180, 1000), 3);
    }

    #[test]
    fn those_that_answer_and_those_that_are_few_are_not() {
        assert_eq!(told(100, 60, 4), 0, "a crawler");
        assert_eq!(told(3, 120, 1000), 0, "a program that tries the peers it knew");
        assert_eq!(told(1000, 2, 1000), 0, "the answers may be on their way");
    }

    #[test]
    fn ports_are_not_mixed_and_neither_are_sources() {
        let mut fan_outs = FanOuts::new(Seed::new(3, 4));
        for host in 0..10_000 {
            assert!(!fan_outs.asked(0, &syn(host, host as u16), NOW + host / 500));
            let other = Packet { source: Address::v4(host), ..syn(host, 23) };
            assert!(!fan_outs.asked(0, &other, NOW + host / 500));
        }
    }
}

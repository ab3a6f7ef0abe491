//! Who lives in the home.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::neighbors::Cache;
use crate::frame::Mac;

/// What a device is, which decides when it is there and what it does on the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Always on: storage, speakers, plugs, an extender.
    Thing,
    /// Asleep for days, awake for an hour or an evening: printers, televisions, a game console.
    Sleeper,
    /// On during the day.
    Computer,
    /// Away during the day and over a long weekend.
    Phone,
    /// Comes for some hours and is gone for ever.
    Guest,
}

/// A device.
pub struct Device {
    pub kind: Kind,
    pub mac: Mac,
    /// An address that was entered by hand instead of leased.
    pub fixed: Option<Ipv4Addr>,
    /// The address that it has or had last.
    pub address: Option<Ipv4Addr>,
    /// When its lease ends, as far as it knows.
    pub leased_until: u64,
    pub is_there: bool,
    /// Behind the Wi-Fi extender, under whose link-layer address it shows.
    pub is_behind_extender: bool,
    /// Its temporary address of this day and the one before (RFC 8981), if it speaks IPv6.
    pub temporary: Option<(Ipv6Addr, Ipv6Addr)>,
    pub neighbors: Cache,
}

/// The home's prefix for IPv6.
pub const PREFIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x1, 0, 0, 0, 0, 0);

pub const NAS: usize = 0;
/// A computer for the house's automation, which asks for all others.
pub const AUTOMATION: usize = 1;
pub const EXTENDER: usize = 2;
pub const PRINTERS: [usize; 2] = [3, 4];
pub const SCREENS: [usize; 3] = [5, 6, 7];
pub const WINDOWS: usize = 8;
pub const LINUX: usize = 9;
pub const WORK: usize = 10;
/// It downloads by BitTorrent.
pub const SHARER: usize = 11;
/// The first of them takes a new link-layer address every day.
pub const PHONES: [usize; 4] = [12, 13, 14, 15];
pub const TABLET: usize = 16;
pub const THINGS: std::ops::Range<usize> = 17..29;
/// A virtual machine with a bridged card on the Linux computer.
pub const MACHINE: usize = 29;

/// The thirty devices, all of them off.
pub fn household() -> Vec<Device> {
    let kind = |index: usize| match index {
        3..=7 => Kind::Sleeper,
        8..=11 | TABLET | MACHINE => Kind::Computer,
        12..=15 => Kind::Phone,
        _ => Kind::Thing,
    };
    let device = |index: usize| Device {
        // Storage, automation and extender have addresses that somebody entered.
        fixed: (index <= EXTENDER).then(|| Ipv4Addr::new(192, 168, 1, 2 + index as u8)),
        is_behind_extender: (23..29).contains(&index),
        temporary: (8..=16).contains(&index).then_some((PREFIX, PREFIX)),
        ..Device::new(kind(index), [0x3c, 0x22, 0xfb, 0x77, 0x01, index as u8])
    };
    (0..30).map(device).collect()
}

impl Device {
    /// A device that is off.
    pub fn new(kind: Kind, mac: Mac) -> Self {
        Self {
            kind,
            mac,
            fixed: None,
            address: None,
            leased_until: 0,
            is_there: false,
            is_behind_extender: false,
            temporary: None,
            neighbors: Cache::default(),
        }
    }
}

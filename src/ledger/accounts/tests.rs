//! Accounts against sums that are kept apart, on seeded random packets.

use std::net::IpAddr;

use super::*;
use crate::ledger::{Capacity, Counters, Ledger};
use crate::network::{Place, Role};
use crate::packet::{Decoded, Link, Packet};
use crate::table::Seed;
use crate::time::Timestamp;

const NOON: u64 = 1_700_049_600; // 2023-11-15 12:00 UTC
const ROUTER_MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

fn ledger(devices: u16, hosts: u16) -> Ledger {
    let mut networks = Networks::new();
    for prefix in ["192.168.0.0/16", "192.168.1.0/24", "fd00::/64"] {
        networks.add(prefix.parse().unwrap());
    }
    let capacity = Capacity { hosts, port_rows: 64, devices };
    let mut ledger = Ledger::new("lan", Role::Lan, networks, capacity, Seed::new(1, 2));
    ledger.set_own_macs(&[ROUTER_MAC]);
    ledger
}

fn address(text: &str) -> Address {
    Address::from(text.parse::<IpAddr>().unwrap())
}

fn mac(number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac([2, 1, a, b, c, d])
}

/// A packet from an address whose frame comes from a link-layer address.
fn packet(source: &str, from: Mac, destination: &str, bytes: u32) -> Packet {
    Packet {
        source: address(source),
        destination: address(destination),
        bytes,
        protocol: 17,
        link: Link { source_mac: from, outgoing: false },
        ..Packet::default()
    }
}

fn observe(ledger: &mut Ledger, packet: Packet, seconds: u64) {
    ledger.observe(&Decoded::Packet(packet), Timestamp::from_seconds(seconds));
}

fn settle(ledger: &mut Ledger, seconds: u64) {
    ledger.settle(Timestamp::from_seconds(seconds));
}

fn account(ledger: &Ledger, owner: Owner) -> Account {
    let accounts = ledger.accounts();
    accounts.place(owner).and_then(|place| accounts.row(place)).copied().unwrap_or_default()
}

/// Bytes received and sent in each period, the present one first, as far back as there was anything.
fn bars(ledger: &Ledger, owner: Owner, period: Period) -> std::vec::Vec<[u64; 2]> {
    let accounts = ledger.accounts();
    let Some(place) = accounts.place(owner) else { return std::vec::Vec::new() };
    let mut bars: std::vec::Vec<_> =
        (0..period.bars()).map(|age| accounts.bytes_in(place, period, age)).collect();
    while bars.last() == Some(&[0; 2]) {
        bars.pop();
    }
    bars
}

#[test]
fn a_device_is_one_whatever_addresses_it_has() {
    let mut ledger = ledger(4, 64);
    let phone = mac(7);
    observe(&mut ledger, packet("192.168.1.5", phone, "9.9.9.9", 100), NOON);
    observe(&mut ledger, packet("9.9.9.9", ROUTER_MAC, "192.168.1.5", 1_000), NOON + 1);
    observe(&mut ledger, packet("fd00::5", phone, "2001:db8::1", 10), NOON + 2);
    // Another lease.
    observe(&mut ledger, packet("192.168.2.9", phone, "9.9.9.9", 200), NOON + 3);
    // Nobody knows yet who has this address, then somebody does.
    observe(&mut ledger, packet("9.9.9.9", ROUTER_MAC, "192.168.1.6", 50), NOON + 3);
    settle(&mut ledger, NOON + 3);
    observe(&mut ledger, packet("192.168.1.6", mac(8), "9.9.9.9", 1), NOON + 4);
    // The router itself.
    observe(&mut ledger, packet("192.168.1.1", ROUTER_MAC, "192.168.1.5", 60), NOON + 4);
    settle(&mut ledger, NOON + 4);

    let row = account(&ledger, Owner::Device(phone));
    assert_eq!(row.ipv4, Traffic { sent: Counters::new(2, 300), received: Counters::new(2, 1_060) });
    assert_eq!(row.ipv6, Traffic { sent: Counters::new(1, 10), received: Counters::default() });
    assert_eq!((row.first_seen, row.last_seen), (NOON as u32, NOON as u32 + 4));
    assert_eq!(bars(&ledger, Owner::Device(phone), Period::Day), [[1_060, 310]]);
    assert_eq!(account(&ledger, Owner::Device(mac(8))).total().both(), Counters::new(1, 1));
    assert_eq!(account(&ledger, Owner::Unknown).total().both(), Counters::new(1, 50));
    assert_eq!(account(&ledger, Owner::Router).total().sent, Counters::new(1, 60));
    assert!(account(&ledger, Owner::Device(ROUTER_MAC)).is_empty());
    // The longest prefix has the address.
    let network = |text: &str| account(&ledger, Owner::Network(text.parse().unwrap())).total().both();
    assert_eq!(network("192.168.0.0/16"), Counters::new(1, 200));
    assert_eq!(network("fd00::/64"), Counters::new(1, 10));
    assert_eq!(network("192.168.1.0/24"), Counters::new(6, 1_271));
}

#[test]
fn a_rate_is_of_the_last_seconds() {
    let mut ledger = ledger(4, 64);
    for second in 0..20 {
        observe(&mut ledger, packet("9.9.9.9", ROUTER_MAC, "192.168.1.5", 1_000), NOON + second);
        observe(&mut ledger, packet("192.168.1.5", mac(7), "9.9.9.9", 100), NOON + second);
    }
    settle(&mut ledger, NOON + 20);
    let rate = |ledger: &Ledger, owner| ledger.account_rate(ledger.accounts().place(owner).unwrap());
    assert_eq!(rate(&ledger, Owner::Device(mac(7))), Rate { received: 1_000, sent: 100 });
    assert_eq!(rate(&ledger, Owner::Network("192.168.1.0/24".parse().unwrap())).received, 1_000);
    settle(&mut ledger, NOON + 40);
    assert_eq!(rate(&ledger, Owner::Device(mac(7))), Rate::default());
}

#[test]
fn a_flood_of_forged_addresses_washes_nobody_out() {
    let mut ledger = ledger(8, 256);
    let household: std::vec::Vec<Mac> = (0..8).map(mac).collect();
    for (number, device) in household.iter().enumerate() {
        observe(&mut ledger, packet(&format!("192.168.1.{}", 10 + number), *device, "9.9.9.9", 60_000), NOON);
    }
    settle(&mut ledger, NOON);
    for number in 0..5_000 {
        let source = format!("192.168.{}.{}", 2 + number / 250, number % 250);
        observe(&mut ledger, packet(&source, mac(1_000 + number), "9.9.9.9", 1_500), NOON + 1);
    }
    settle(&mut ledger, NOON + 2);
    let kept = household.iter().filter(|device| !account(&ledger, Owner::Device(**device)).is_empty());
    // The first newcomer takes the smallest's row, the others each other's.
    assert_eq!(kept.count(), 7);
    let all: Counters = devices(&ledger).map(|row| row.total().sent).sum();
    assert_eq!(all, Counters::new(5_008, 8 * 60_000 + 5_000 * 1_500));
}

#[test]
fn who_was_silent_for_a_month_goes_first() {
    let mut ledger = ledger(2, 64);
    observe(&mut ledger, packet("192.168.1.5", mac(1), "9.9.9.9", 60_000), NOON);
    let later = NOON + u64::from(DEVICE_STALE_SECONDS) + 1;
    observe(&mut ledger, packet("192.168.1.6", mac(2), "9.9.9.9", 50), later);
    observe(&mut ledger, packet("192.168.1.7", mac(3), "9.9.9.9", 50), later + 1);
    settle(&mut ledger, later + 2);
    assert!(account(&ledger, Owner::Device(mac(1))).is_empty());
    assert_eq!(account(&ledger, Owner::Others).total().sent, Counters::new(1, 60_000));
    // It is in the bars of its time still.
    assert_eq!(bars(&ledger, Owner::Others, Period::Month), [[0, 0], [0, 60_000]]);
}

#[test]
fn an_own_address_that_was_taken_for_a_device_is_none() {
    let mut ledger = ledger(4, 64);
    observe(&mut ledger, packet("192.168.1.2", mac(1), "9.9.9.9", 100), NOON);
    settle(&mut ledger, NOON);
    ledger.set_own_macs(&[ROUTER_MAC, mac(1)]);
    observe(&mut ledger, packet("192.168.1.2", mac(1), "9.9.9.9", 100), NOON + 1);
    settle(&mut ledger, NOON + 1);
    assert!(account(&ledger, Owner::Device(mac(1))).is_empty());
    assert_eq!(account(&ledger, Owner::Router).total().sent, Counters::new(2, 200));
    assert_eq!(bars(&ledger, Owner::Router, Period::Day), [[0, 200]]);
}

#[test]
fn networks_that_come_and_go_keep_their_rows_while_there_is_room() {
    let mut ledger = ledger(4, 64);
    for day in 0..20_u64 {
        let mut networks = Networks::new();
        networks.add("192.168.1.0/24".parse().unwrap());
        networks.add(format!("2001:db8:{day:x}::/64").parse().unwrap());
        ledger.set_networks(networks);
        observe(&mut ledger, packet("192.168.1.5", mac(1), "9.9.9.9", 10), NOON + day * 86_400);
        let source = format!("2001:db8:{day:x}::5");
        observe(&mut ledger, packet(&source, mac(1), "2001:db8:ffff::1", 1), NOON + day * 86_400);
    }
    settle(&mut ledger, NOON + 20 * 86_400);
    let network = |text: &str| account(&ledger, Owner::Network(text.parse().unwrap())).total().both();
    assert_eq!(network("192.168.1.0/24"), Counters::new(20, 200));
    assert_eq!(network("2001:db8:13::/64"), Counters::new(1, 1));
    assert_eq!(network("2001:db8:d::/64"), Counters::new(1, 1));
    assert_eq!(network("2001:db8:c::/64"), Counters::default(), "its row was needed");
    assert_eq!(account(&ledger, Owner::Device(mac(1))).ipv6.sent, Counters::new(20, 20));
}

#[test]
fn bars_follow_local_time_to_the_byte() {
    let mut ledger = ledger(4, 64);
    ledger.set_utc_offset(3_600);
    let midnight = 1_701_385_200; // 2023-12-01 00:00 in UTC+1
    // One flow, of which the last packets of a month are still in the cache when it ends.
    for second in midnight - 7..midnight + 7 {
        observe(&mut ledger, packet("192.168.1.5", mac(1), "9.9.9.9", 100), second);
    }
    settle(&mut ledger, midnight + 7);
    for period in ACCOUNT_PERIODS {
        assert_eq!(bars(&ledger, Owner::Device(mac(1)), period), [[0, 700], [0, 700]], "{}", period.name());
        assert_eq!(ledger.accounts().start(period, 0), midnight as i64);
    }
    assert_eq!(ledger.accounts().start(Period::Month, 1), midnight as i64 - 30 * 86_400);
}

/// Everything but networks.
fn devices(ledger: &Ledger) -> impl Iterator<Item = &Account> {
    let rows = ledger.accounts().iter().map(|(_, row)| row);
    rows.filter(|row| !matches!(row.owner, Owner::Network(_)))
}

/// Random packets of some devices with many addresses, while the clock jumps: all accounts together have the local
/// hosts' traffic, in their sums and in the bars of each ring.
fn conservation(seed: u64, capacity: u16, jumps: bool) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    let mut ledger = ledger(capacity, 32);
    let networks = ledger.networks().clone();
    let mut wanted = [Traffic::default(); 2];
    let mut now = NOON;
    for _ in 0..4_000 {
        match below(400) {
            0 if jumps => now = NOON - 40 * 86_400 + below(80 * 86_400),
            1 if jumps => now = now.saturating_sub(below(10_000)),
            2..40 => now += below(7_000),
            _ => now += below(2),
        }
        let number = below(20) as u32;
        let device = if number == 0 { ROUTER_MAC } else { mac(number) };
        let local = match below(3) {
            0 => Address::v4(0xc0a8_0100 + number),
            1 => Address::v4(0xc0a8_0200 + below(200) as u32),
            _ => Address { high: 0xfd00 << 48, low: u64::from(number) },
        };
        let peer = if below(4) == 0 {
            Address::v4(0xc0a8_0107)
        } else {
            Address::v4(0x0808_0000 + below(50) as u32)
        };
        let (source, destination) = if below(2) == 0 { (local, peer) } else { (peer, local) };
        let packet = Packet {
            source,
            destination,
            bytes: 20 + below(1_480) as u32,
            protocol: 17,
            link: Link { source_mac: if source == local { device } else { ROUTER_MAC }, outgoing: false },
            ..Packet::default()
        };
        let counters = Counters::new(1, packet.bytes.into());
        if networks.place(source) == Place::Local {
            wanted[usize::from(source.is_v4())].sent += counters;
        }
        if networks.place(destination) == Place::Local {
            wanted[usize::from(destination.is_v4())].received += counters;
        }
        observe(&mut ledger, packet, now);
        if below(100) == 0 {
            settle(&mut ledger, now);
        }
    }
    settle(&mut ledger, now);
    let mut found = [Traffic::default(); 2];
    for row in devices(&ledger) {
        found[0] += row.ipv6;
        found[1] += row.ipv4;
    }
    assert_eq!(found, wanted);
    let accounts = ledger.accounts();
    for (place, row) in accounts.iter() {
        let total = row.total();
        let sums = [total.received.bytes, total.sent.bytes];
        for period in ACCOUNT_PERIODS {
            let mut bars = [0; 2];
            for age in 0..period.bars() {
                let bar = accounts.bytes_in(place, period, age);
                bars = [bars[0] + bar[0], bars[1] + bar[1]];
            }
            // Months are never lost here; others only to time, and not by more than there was.
            assert!(bars[0] <= sums[0] && bars[1] <= sums[1], "{:?}", row.owner);
            assert!(bars == sums || period != Period::Month, "{:?}", row.owner);
        }
    }
}

#[test]
fn nothing_is_lost_whatever_the_capacity_and_the_clock() {
    for seed in 0..4 {
        for capacity in [1, 3, 30] {
            for jumps in [false, true] {
                if let Err(panic) = std::panic::catch_unwind(|| conservation(seed, capacity, jumps)) {
                    eprintln!("failing seed: {seed} with {capacity} devices, jumps: {jumps}");
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
}

#[test]
fn a_clock_set_back_loses_nothing() {
    let mut ledger = ledger(4, 64);
    for hour in 0..6 {
        observe(&mut ledger, packet("192.168.1.5", mac(1), "9.9.9.9", 10), NOON + hour * 3_600);
    }
    observe(&mut ledger, packet("192.168.1.5", mac(1), "9.9.9.9", 10), NOON + 2 * 3_600);
    settle(&mut ledger, NOON + 2 * 3_600);
    let owner = Owner::Device(mac(1));
    assert_eq!(bars(&ledger, owner, Period::Hour), [[0, 50], [0, 10], [0, 10]]);
    // By years: the order is kept.
    observe(&mut ledger, packet("192.168.1.5", mac(1), "9.9.9.9", 10), NOON - 4_000 * 86_400);
    settle(&mut ledger, NOON - 4_000 * 86_400);
    assert_eq!(bars(&ledger, owner, Period::Hour), [[0, 60], [0, 10], [0, 10]]);
    // A packet that comes late is no clock set back.
    let hour = NOON - 3_999 * 86_400;
    observe(&mut ledger, packet("192.168.1.5", mac(1), "9.9.9.9", 10), hour);
    observe(&mut ledger, packet("192.168.1.5", mac(1), "9.9.9.9", 10), hour - 1);
    settle(&mut ledger, hour + 1);
    assert_eq!(bars(&ledger, owner, Period::Hour), [[0, 20]]);
}

#[test]
fn without_room_for_devices_there_are_no_accounts() {
    let mut ledger = ledger(0, 64);
    observe(&mut ledger, packet("192.168.1.5", mac(1), "9.9.9.9", 10), NOON);
    settle(&mut ledger, NOON);
    assert_eq!((ledger.accounts().iter().count(), ledger.accounts().capacity()), (0, 0));
    let sent = Traffic { sent: Counters::new(1, 1), ..Traffic::default() };
    ledger.restore_account(&Account { ipv4: sent, ..Account::default() }, 1, [&[]; 3]);
    assert_eq!(ledger.accounts().iter().count(), 0);
}

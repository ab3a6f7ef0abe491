//! A day in a home, as its router's LAN side sees it: devices with habits, an evening rush, a quiet
//! night. Events come from a queue of flows, so the seconds are as bursty as real ones.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::flow::{Carrier, Flow, Profile, QUERY, TCP};
use super::world::{self, ROUTER};
use super::{Host, Options, Packet, Packets, group};
use crate::frame::Mac;
use crate::rng::{Rng, Zipf};

/// The home's IPv4 network.
pub const HOME_NETWORK: &str = "192.168.1.0/24";

/// An address that no device of the home has, and that one device looks for now and then.
pub const SCANNED_UNUSED_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);

const MINUTE_MICROS: u64 = 60_000_000;
const MINUTES: u64 = 24 * 60;

/// Flows at a time; a device that wants more waits for its next turn.
const FLOWS_MAX: usize = 256;

/// How many services on the Internet the home uses.
const SERVICES: u32 = 400;

/// Packets of one activity on average, measured; the pace is corrected as the day goes by.
const PACKETS_PER_ACTIVITY: f64 = 90.0;

/// One packet in so many is not planned for, so that a burst does not end the day early.
const RESERVE_PART: f64 = 16.0;

/// How much of the day's traffic each hour (UTC) carries, relatively.
const HOURS: [f64; 24] = [
    0.4, 0.25, 0.2, 0.2, 0.2, 0.25, 0.5, 0.9, 0.8, 0.7, 0.7, 0.8, 1.0, 0.8, 0.8, 1.0, 1.2, 1.5, 1.8, 2.2,
    2.5, 2.3, 1.6, 0.8,
];

/// The last minutes are as busy as an evening whatever the hour, so that a page that shows the trace
/// when it ends has something to show.
const LIVELY_MINUTES: u64 = 20;

/// A radio plays on when the trace ends, for the same reason. One packet in so many is its own, and it has its seconds
/// from them; it needs about 18 in a second.
const RADIO_PART: u64 = 100;
const RADIO_PACKETS_PER_SECOND: u64 = 22;
const RADIO_SECONDS_MAX: u64 = 300;

/// About 130 kbit/s.
static RADIO: Profile = Profile {
    exchanges: (600, 600),
    request: (1, 1),
    response: (11, 11),
    gap_micros: 500,
    pause_micros: 1_000_000,
    ..TCP
};
static BROWSE: Profile = Profile { exchanges: (1, 10), response: (2, 150), ..TCP };
static QUIC: Profile = Profile {
    carrier: Carrier::Udp,
    full: 1_242,
    exchanges: (1, 6),
    response: (3, 200),
    acknowledge_every: 5,
    ..TCP
};
static STREAM: Profile =
    Profile { exchanges: (3, 20), response: (40, 200), pause_micros: 4_000_000, gap_micros: 700, ..TCP };
static CALL: Profile = Profile {
    carrier: Carrier::Udp,
    server_port: 3478,
    exchanges: (100, 1_500),
    short: (120, 1_100),
    gap_micros: 9_000,
    pause_micros: 20_000,
    ..QUERY
};
static PUSH: Profile = Profile { server_port: 5223, response: (1, 2), pause_micros: 20_000_000, ..TCP };
static MAIL: Profile = Profile { server_port: 993, response: (1, 30), ..TCP };
static BACKUP: Profile = Profile { request: (30, 400), response: (1, 1), exchanges: (1, 3), ..TCP };
static GAME: Profile = Profile { server_port: 27015, exchanges: (100, 1_000), short: (60, 300), ..CALL };
static TELEMETRY: Profile =
    Profile { server_port: 8883, exchanges: (1, 3), response: (1, 2), short: (40, 300), ..TCP };
static DNS: Profile = QUERY;
static NTP: Profile = Profile { server_port: 123, same_port: true, short: (48, 48), ..QUERY };
static MDNS: Profile = Profile { server_port: 5353, same_port: true, response: (0, 0), ..QUERY };
static SSDP: Profile =
    Profile { server_port: 1900, exchanges: (2, 4), response: (0, 0), pause_micros: 1_000_000, ..QUERY };
static PING: Profile =
    Profile { carrier: Carrier::Echo, exchanges: (3, 10), short: (56, 56), pause_micros: 1_000_000, ..QUERY };
static ARP: Profile = Profile { carrier: Carrier::Arp, gap_micros: 400, ..QUERY };
static FILES: Profile =
    Profile { server_port: 445, exchanges: (2, 20), response: (1, 150), gap_micros: 300, ..TCP };
static PRINT: Profile =
    Profile { server_port: 631, request: (20, 400), response: (1, 1), exchanges: (1, 2), ..TCP };
static ARP_SCAN: Profile = Profile { response: (0, 0), exchanges: (3, 3), pause_micros: 1_000_000, ..ARP };
static PROBE: Profile = Profile {
    carrier: Carrier::Probe,
    server_port: 23,
    exchanges: (2, 4),
    response: (0, 0),
    pause_micros: 2_000_000,
    ..QUERY
};

/// Where an activity leads.
#[derive(Clone, Copy)]
enum Reach {
    /// A service on the Internet, asked for by name first.
    Internet,
    Router,
    Multicast(Ipv4Addr),
    /// Another device, by its place in [`DEVICES`].
    Device(usize),
    Unused,
}

type Activity = (u32, &'static Profile, Reach);

struct Device {
    mac: Mac,
    last_octet: u8,
    has_ipv6: bool,
    /// How often it starts something, relatively.
    weight: u32,
    habits: &'static [Activity],
}

const LISTENER: usize = 3;
const NAS: usize = 7;
const PRINTER: usize = 8;
const MDNS_GROUP: Reach = Reach::Multicast(Ipv4Addr::new(224, 0, 0, 251));
const SSDP_GROUP: Reach = Reach::Multicast(Ipv4Addr::new(239, 255, 255, 250));

static COMPUTER: [Activity; 11] = [
    (38, &BROWSE, Reach::Internet),
    (22, &QUIC, Reach::Internet),
    (2, &CALL, Reach::Internet),
    (8, &MAIL, Reach::Internet),
    (2, &STREAM, Reach::Internet),
    (8, &FILES, Reach::Device(NAS)),
    (3, &PRINT, Reach::Device(PRINTER)),
    (6, &ARP, Reach::Router),
    (4, &MDNS, MDNS_GROUP),
    (3, &PING, Reach::Internet),
    (3, &NTP, Reach::Internet),
];
static PHONE: [Activity; 7] = [
    (35, &BROWSE, Reach::Internet),
    (35, &QUIC, Reach::Internet),
    (30, &PUSH, Reach::Internet),
    (2, &STREAM, Reach::Internet),
    (2, &CALL, Reach::Internet),
    (6, &MDNS, MDNS_GROUP),
    (5, &ARP, Reach::Router),
];
static TELEVISION: [Activity; 4] = [
    (50, &STREAM, Reach::Internet),
    (20, &BROWSE, Reach::Internet),
    (20, &SSDP, SSDP_GROUP),
    (10, &MDNS, MDNS_GROUP),
];
static STORAGE: [Activity; 4] = [
    (40, &BACKUP, Reach::Internet),
    (20, &NTP, Reach::Internet),
    (20, &SSDP, SSDP_GROUP),
    (20, &MDNS, MDNS_GROUP),
];
static PRINTER_HABITS: [Activity; 2] = [(70, &MDNS, MDNS_GROUP), (30, &ARP, Reach::Router)];
static THING: [Activity; 3] =
    [(60, &TELEMETRY, Reach::Internet), (25, &NTP, Reach::Internet), (15, &ARP, Reach::Router)];
static CONSOLE: [Activity; 3] =
    [(40, &GAME, Reach::Internet), (40, &BROWSE, Reach::Internet), (20, &SSDP, SSDP_GROUP)];
static CAMERA: [Activity; 4] = [
    (70, &TELEMETRY, Reach::Internet),
    (20, &BACKUP, Reach::Internet),
    (6, &ARP_SCAN, Reach::Unused),
    (4, &PROBE, Reach::Unused),
];

#[rustfmt::skip]
static DEVICES: [Device; 12] = [
    // Two computers, a work laptop, three phones, a television.
    Device { mac: [0xd4, 0x5d, 0x64, 0x2a, 0x91, 0x0c], last_octet: 20, has_ipv6: true, weight: 22, habits: &COMPUTER },
    Device { mac: [0x3c, 0x06, 0x30, 0x1f, 0x77, 0xe2], last_octet: 21, has_ipv6: true, weight: 16, habits: &COMPUTER },
    Device { mac: [0x8c, 0x8c, 0xaa, 0x50, 0x0b, 0x3d], last_octet: 22, has_ipv6: false, weight: 12, habits: &COMPUTER },
    Device { mac: [0xf0, 0x18, 0x98, 0x63, 0x2c, 0x41], last_octet: 30, has_ipv6: true, weight: 14, habits: &PHONE },
    Device { mac: [0xa4, 0x50, 0x46, 0x99, 0x10, 0x7f], last_octet: 31, has_ipv6: true, weight: 10, habits: &PHONE },
    Device { mac: [0x5a, 0x1e, 0x9b, 0xc4, 0x3d, 0x08], last_octet: 32, has_ipv6: true, weight: 6, habits: &PHONE },
    Device { mac: [0x64, 0x1c, 0xb0, 0x7e, 0x55, 0x9a], last_octet: 40, has_ipv6: false, weight: 7, habits: &TELEVISION },
    // The NAS, the printer, a thermostat, a game console, a camera of little trust.
    Device { mac: [0x00, 0x11, 0x32, 0xb8, 0x60, 0x15], last_octet: 5, has_ipv6: true, weight: 3, habits: &STORAGE },
    Device { mac: [0x30, 0x05, 0x5c, 0x81, 0x47, 0x63], last_octet: 6, has_ipv6: false, weight: 2, habits: &PRINTER_HABITS },
    Device { mac: [0x24, 0x0a, 0xc4, 0x0d, 0xe1, 0x22], last_octet: 50, has_ipv6: false, weight: 8, habits: &THING },
    Device { mac: [0x70, 0x9e, 0x29, 0x4b, 0x36, 0xd0], last_octet: 41, has_ipv6: false, weight: 3, habits: &CONSOLE },
    Device { mac: [0x9c, 0x8e, 0xcd, 0x33, 0x20, 0x5b], last_octet: 57, has_ipv6: false, weight: 4, habits: &CAMERA },
];

impl Device {
    fn v4(&self) -> Host {
        Host { mac: self.mac, address: Ipv4Addr::new(192, 168, 1, self.last_octet).into() }
    }

    /// Its address in 2001:db8:1::/64, made from the MAC (RFC 4291 appendix A).
    fn v6(&self) -> Option<Host> {
        let [a, b, c, d, e, f] = self.mac.map(u16::from);
        let address =
            Ipv6Addr::new(0x2001, 0xdb8, 1, 0, (a ^ 2) << 8 | b, c << 8 | 0xff, 0xfe00 | d, e << 8 | f);
        self.has_ipv6.then_some(Host { mac: self.mac, address: IpAddr::V6(address) })
    }
}

/// What is due next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// The flow in this slot sends.
    Flow(usize),
    /// Somebody starts something.
    Activity,
}

struct Home {
    rng: Rng,
    services: Zipf,
    start_micros: u64,
    end_micros: u64,
    packets_left: u64,
    /// The radio's slot, and its packets, which are none of the others.
    radio: Option<usize>,
    radio_packets_left: u64,
    /// The packets that are not planned for.
    reserve: u64,
    /// For each minute the traffic that should come from its beginning to the end of the day, in
    /// parts of no unit; one more entry, 0, for the end.
    share_left: Vec<f64>,
    queue: BinaryHeap<Reverse<(u64, Due)>>,
    flows: Vec<Option<Flow>>,
}

/// The packets of the day that ends at `options.end`.
pub fn home(options: &Options) -> Packets {
    let end_micros = options.end * 1_000_000;
    let start_micros = end_micros.saturating_sub(MINUTES * MINUTE_MICROS);
    let mut share_left = vec![0.0; MINUTES as usize + 1];
    for minute in (0..MINUTES as usize).rev() {
        let hour = (start_micros / MINUTE_MICROS + minute as u64) / 60 % 24;
        let lively = minute as u64 >= MINUTES - LIVELY_MINUTES;
        let share = if lively { HOURS[20] } else { HOURS[hour as usize] };
        share_left[minute] = share_left[minute + 1] + share;
    }
    let seconds = (options.packets / RADIO_PART / RADIO_PACKETS_PER_SECOND).min(RADIO_SECONDS_MAX);
    let radio_packets = seconds * RADIO_PACKETS_PER_SECOND;
    let mut home = Home {
        rng: Rng::new(options.seed),
        services: Zipf::new(SERVICES, 0.9),
        start_micros,
        end_micros,
        packets_left: options.packets - radio_packets,
        radio: None,
        radio_packets_left: radio_packets,
        reserve: (options.packets as f64 / RESERVE_PART) as u64,
        share_left,
        queue: BinaryHeap::from([Reverse((start_micros, Due::Activity))]),
        flows: vec![None; FLOWS_MAX],
    };
    if seconds > 0 {
        let at = end_micros.saturating_sub(seconds * 1_000_000).max(start_micros);
        let server = world::remote_v4(SERVICES as usize / 2);
        home.radio = home.start_flow(at, &RADIO, DEVICES[LISTENER].v4(), server);
    }
    Box::new(std::iter::from_fn(move || home.next_packet()))
}

impl Home {
    fn next_packet(&mut self) -> Option<Packet> {
        while let Some(Reverse((now, due))) = self.queue.pop() {
            if now >= self.end_micros {
                return None;
            }
            match due {
                Due::Activity => self.start_activity(now),
                Due::Flow(slot) => {
                    let is_radio = self.radio == Some(slot);
                    let left = if is_radio { &mut self.radio_packets_left } else { &mut self.packets_left };
                    let flow = self.flows[slot].as_mut().filter(|_| *left > 0);
                    let Some((packet, gap)) = flow.and_then(|flow| flow.next(now, &mut self.rng)) else {
                        self.flows[slot] = None;
                        continue;
                    };
                    *left -= 1;
                    self.queue.push(Reverse((now + gap, Due::Flow(slot))));
                    return Some(packet);
                }
            }
        }
        None
    }

    /// Lets a device do something, and plans the next time so that the packets last for the day.
    fn start_activity(&mut self, now: u64) {
        let minute = ((now - self.start_micros) / MINUTE_MICROS) as usize;
        let share_of_minute = self.share_left[minute] - self.share_left[minute + 1];
        let planned = self.packets_left.saturating_sub(self.reserve) as f64;
        let packets = planned * share_of_minute / self.share_left[minute];
        // Whatever the day has spent, the last minutes stay alive: that is what the reserve is for.
        let usual = self.reserve as f64 * RESERVE_PART * share_of_minute / self.share_left[0];
        let lively = minute as u64 >= MINUTES - LIVELY_MINUTES;
        let least = usual * if lively { 0.7 } else { 0.1 };
        let activities = packets.max(least) / PACKETS_PER_ACTIVITY + 1e-6;
        let gap = self.rng.exponential(MINUTE_MICROS as f64 / activities);
        // A gap that leaves the minute is drawn again there, at that minute's pace.
        let minute_end = self.start_micros + (minute as u64 + 1) * MINUTE_MICROS;
        let next = (now + gap).min(minute_end);
        self.queue.push(Reverse((next, Due::Activity)));
        if now + gap >= minute_end {
            return;
        }

        let device = &DEVICES[self.rng.pick(DEVICES.iter().map(|device| device.weight))];
        let habit = self.rng.pick(device.habits.iter().map(|(share, ..)| *share));
        let (_, profile, reach) = device.habits[habit];
        let (client, server) = match reach {
            Reach::Router => (device.v4(), ROUTER),
            Reach::Multicast(address) => (device.v4(), group(address)),
            Reach::Device(other) => (device.v4(), DEVICES[other].v4()),
            Reach::Unused => (device.v4(), unused()),
            Reach::Internet => {
                self.start_flow(next, &DNS, device.v4(), ROUTER);
                let rank = self.services.sample(&mut self.rng);
                match (device.v6(), world::remote_v6(rank)) {
                    (Some(client), Some(server)) => (client, server),
                    _ => (device.v4(), world::remote_v4(rank)),
                }
            }
        };
        const NAME_LOOKUP_MICROS: u64 = 40_000;
        self.start_flow(next + NAME_LOOKUP_MICROS, profile, client, server);
    }

    /// Plans a flow, if there is a slot for it.
    fn start_flow(
        &mut self,
        at: u64,
        profile: &'static Profile,
        client: Host,
        server: Host,
    ) -> Option<usize> {
        let slot = self.flows.iter().position(Option::is_none)?;
        self.flows[slot] = Some(Flow::new(profile, client, server, &mut self.rng));
        self.queue.push(Reverse((at, Due::Flow(slot))));
        Some(slot)
    }
}

/// The address that nobody has, with the MAC of a device that is long gone.
fn unused() -> Host {
    Host { mac: [0x00, 0x1d, 0x0f, 0x66, 0x01, 0x99], address: SCANNED_UNUSED_ADDRESS.into() }
}

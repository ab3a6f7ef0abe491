//! The realistic mix: many flows at a time, each sending in trains, ranks by Zipf.

use super::flow::{Carrier, Flow, Profile, QUERY, TCP};
use super::world::{self, LAN_HOSTS, REMOTE_HOSTS, ROUTER};
use super::{Clock, Host, Options, Packets, group};
use crate::rng::{Rng, Zipf};

/// Packets per second: a million of them span four minutes.
pub const RATE: u32 = 4_000;

/// Flows at a time.
const FLOWS: usize = 192;

/// A train goes on after each of its packets with this chance: 6 packets on average.
const TRAIN_PERCENT: u32 = 83;

static HTTPS: Profile = Profile { response: (2, 900), ..TCP };
static HTTP: Profile = Profile { server_port: 80, exchanges: (1, 4), ..TCP };
static UPLOAD: Profile = Profile { request: (20, 600), response: (1, 1), exchanges: (1, 3), ..TCP };
static SSH: Profile =
    Profile { server_port: 22, exchanges: (10, 200), response: (1, 3), short: (36, 250), ..TCP };
static QUIC: Profile = Profile {
    carrier: Carrier::Udp,
    full: 1_242,
    request: (1, 3),
    response: (2, 900),
    acknowledge_every: 5,
    ..TCP
};
static DNS: Profile = QUERY;
static NTP: Profile = Profile { server_port: 123, same_port: true, short: (48, 48), ..QUERY };
static MDNS: Profile = Profile { server_port: 5353, same_port: true, response: (0, 0), ..QUERY };
static PING: Profile = Profile { carrier: Carrier::Echo, exchanges: (1, 20), short: (56, 56), ..QUERY };
static ARP: Profile = Profile { carrier: Carrier::Arp, ..QUERY };
static FILES: Profile = Profile { server_port: 445, exchanges: (2, 60), response: (1, 300), ..TCP };
static PRINT: Profile = Profile { server_port: 9100, request: (10, 800), response: (1, 1), ..TCP };

/// Where a flow goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Remote,
    Router,
    Lan,
    Group,
}

/// Of a hundred flows so many are of this profile. By packets HTTPS and QUIC are nearly everything.
static SHARES: [(u32, &Profile, Reach); 13] = [
    (36, &HTTPS, Reach::Remote),
    (14, &QUIC, Reach::Remote),
    (16, &DNS, Reach::Remote),
    (12, &DNS, Reach::Router),
    (4, &HTTP, Reach::Remote),
    (2, &UPLOAD, Reach::Remote),
    (1, &SSH, Reach::Remote),
    (4, &NTP, Reach::Remote),
    (3, &MDNS, Reach::Group),
    (3, &PING, Reach::Remote),
    (2, &ARP, Reach::Lan),
    (2, &FILES, Reach::Lan),
    (1, &PRINT, Reach::Lan),
];

struct Mix {
    rng: Rng,
    clock: Clock,
    lan: Zipf,
    remote: Zipf,
    flows: Vec<Flow>,
    /// The flow whose train passes.
    current: usize,
}

/// The packets of the mix.
pub fn mix(options: &Options) -> Packets {
    let mut mix = Mix {
        rng: Rng::new(options.seed),
        clock: Clock::new(options, RATE),
        lan: Zipf::new(LAN_HOSTS as u32, 0.7),
        remote: Zipf::new(REMOTE_HOSTS as u32, 1.0),
        flows: Vec::with_capacity(FLOWS),
        current: 0,
    };
    for _ in 0..FLOWS {
        let flow = mix.start_flow();
        mix.flows.push(flow);
    }
    let packets = std::iter::from_fn(move || Some(mix.next_packet()));
    Box::new(packets.take(usize::try_from(options.packets).unwrap_or(usize::MAX)))
}

impl Mix {
    fn next_packet(&mut self) -> super::Packet {
        let now = self.clock.tick(&mut self.rng);
        if !self.rng.percent(TRAIN_PERCENT) {
            self.current = self.rng.below(FLOWS as u32) as usize;
        }
        loop {
            if let Some((packet, _)) = self.flows[self.current].next(now, &mut self.rng) {
                return packet;
            }
            self.flows[self.current] = self.start_flow();
        }
    }

    fn start_flow(&mut self) -> Flow {
        let rng = &mut self.rng;
        let (_, profile, reach) = SHARES[rng.pick(SHARES.iter().map(|(share, ..)| *share))];
        let client = self.lan.sample(rng);
        let v4 = world::lan_v4(client);
        let (client, server) = match reach {
            Reach::Router => (v4, ROUTER),
            Reach::Group => (v4, group([224, 0, 0, 251].into())),
            Reach::Lan => {
                (v4, world::lan_v4((client + 1 + rng.below(LAN_HOSTS as u32 - 1) as usize) % LAN_HOSTS))
            }
            Reach::Remote => remote_ends(client, self.remote.sample(rng), rng),
        };
        Flow::new(profile, client, server, rng)
    }
}

/// Two hosts with IPv6 prefer it, as they do (RFC 6724), but some remote services have none.
fn remote_ends(client: usize, rank: usize, rng: &mut Rng) -> (Host, Host) {
    match (world::lan_v6(client), world::remote_v6(rank)) {
        (Some(client), Some(server)) if rng.percent(80) => (client, server),
        _ => (world::lan_v4(client), world::remote_v4(rank)),
    }
}

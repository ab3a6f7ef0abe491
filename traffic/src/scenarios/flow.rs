//! One conversation after another: a flow knows its two ends and its profile, and says what comes next.

use super::{Body, Host, Packet, TcpOptions};
use crate::frame::flag;
use crate::rng::Rng;

/// How a flow is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Tcp,
    Udp,
    Echo,
    Arp,
    /// Bare SYNs that nobody answers.
    Probe,
}

/// How an application talks: a number of exchanges, each a request and its response.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    pub carrier: Carrier,
    pub server_port: u16,
    /// The client sends from the server's port (NTP, mDNS) and not from one of its own.
    pub same_port: bool,
    /// At least and at most so many exchanges; heavy-tailed between.
    pub exchanges: (u32, u32),
    /// Packets of a request: at least, at most; heavy-tailed.
    pub request: (u32, u32),
    /// Packets of a response: at least, at most; heavy-tailed. A most of 0: no response.
    pub response: (u32, u32),
    /// Payload bytes of a packet that is the only one or the last: from, to.
    pub short: (u32, u32),
    /// Payload bytes of the packets before it.
    pub full: u32,
    /// The receiver acknowledges every so many data packets; 0 is never.
    pub acknowledge_every: u8,
    /// Between two packets of an exchange, in microseconds.
    pub gap_micros: u32,
    /// Between two exchanges, in microseconds.
    pub pause_micros: u32,
}

/// The profile from which the others differ.
pub const TCP: Profile = Profile {
    carrier: Carrier::Tcp,
    server_port: 443,
    same_port: false,
    exchanges: (1, 12),
    request: (1, 2),
    response: (1, 400),
    short: (40, 1_300),
    full: 1_428,
    acknowledge_every: 2,
    gap_micros: 2_000,
    pause_micros: 1_500_000,
};

/// A request and a response of one short datagram each.
pub const QUERY: Profile = Profile {
    carrier: Carrier::Udp,
    server_port: 53,
    exchanges: (1, 1),
    request: (1, 1),
    response: (1, 1),
    short: (30, 180),
    acknowledge_every: 0,
    gap_micros: 15_000,
    ..TCP
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening(u8),
    Exchanging,
    Closing(u8),
    Over,
}

/// A flow between a client and a server.
#[derive(Clone, Debug)]
pub struct Flow {
    profile: &'static Profile,
    client: Host,
    server: Host,
    client_port: u16,
    stage: Stage,
    exchanges_left: u32,
    request_left: u32,
    response_left: u32,
    /// Data packets that their receiver has not acknowledged yet.
    unacknowledged: u8,
    /// True if the server sent the last data.
    server_spoke: bool,
    /// The next sequence number of client and server.
    sequence: [u32; 2],
    count: u16,
}

impl Flow {
    pub fn new(profile: &'static Profile, client: Host, server: Host, rng: &mut Rng) -> Self {
        let stage = if profile.carrier == Carrier::Tcp { Stage::Opening(0) } else { Stage::Exchanging };
        Self {
            profile,
            client,
            server,
            client_port: if profile.same_port { profile.server_port } else { rng.dynamic_port() },
            stage,
            exchanges_left: rng.heavy_tailed(profile.exchanges.0, profile.exchanges.1),
            request_left: 0,
            response_left: 0,
            unacknowledged: 0,
            server_spoke: false,
            sequence: [rng.next_u32(), rng.next_u32()],
            count: 0,
        }
    }

    /// The next packet at this time, and how many microseconds later the one after it is due; `None`
    /// when the flow is over.
    pub fn next(&mut self, time_micros: u64, rng: &mut Rng) -> Option<(Packet, u64)> {
        let gap = u64::from(rng.below(2 * self.profile.gap_micros + 1));
        match self.stage {
            Stage::Opening(step) => {
                self.stage = if step == 2 { Stage::Exchanging } else { Stage::Opening(step + 1) };
                let flags = [flag::SYN, flag::SYN | flag::ACK, flag::ACK][usize::from(step)];
                Some((self.packet(time_micros, step == 1, flags, 0), gap))
            }
            Stage::Closing(step) => {
                self.stage = if step == 2 { Stage::Over } else { Stage::Closing(step + 1) };
                let flags = [flag::FIN | flag::ACK, flag::FIN | flag::ACK, flag::ACK][usize::from(step)];
                Some((self.packet(time_micros, step == 1, flags, 0), gap))
            }
            Stage::Exchanging => self.exchange(time_micros, gap, rng),
            Stage::Over => None,
        }
    }

    fn exchange(&mut self, time_micros: u64, gap: u64, rng: &mut Rng) -> Option<(Packet, u64)> {
        let profile = self.profile;
        if profile.acknowledge_every != 0 && self.unacknowledged >= profile.acknowledge_every {
            self.unacknowledged = 0;
            // QUIC acknowledges in packets of its own, TCP in bare segments.
            let length = if profile.carrier == Carrier::Tcp { 0 } else { 30 };
            return Some((self.packet(time_micros, !self.server_spoke, flag::ACK, length), gap));
        }
        if self.request_left == 0 && self.response_left == 0 {
            if self.exchanges_left == 0 {
                self.stage = if profile.carrier == Carrier::Tcp { Stage::Closing(0) } else { Stage::Over };
                return self.next(time_micros, rng);
            }
            self.exchanges_left -= 1;
            self.request_left = rng.heavy_tailed(profile.request.0, profile.request.1);
            if profile.response.1 > 0 {
                self.response_left = rng.heavy_tailed(profile.response.0, profile.response.1);
            }
        }
        let from_server = self.request_left == 0;
        let left = if from_server { &mut self.response_left } else { &mut self.request_left };
        *left -= 1;
        let last = *left == 0;
        let length = if last { rng.between(profile.short.0, profile.short.1) } else { profile.full };
        let over = last && (from_server || self.response_left == 0);
        let pause = if over { u64::from(rng.below(2 * profile.pause_micros + 1)) } else { gap };
        self.server_spoke = from_server;
        self.unacknowledged = self.unacknowledged.wrapping_add(1);
        let flags = if last { flag::PSH | flag::ACK } else { flag::ACK };
        Some((self.packet(time_micros, from_server, flags, length as u16), pause))
    }

    fn packet(&mut self, time_micros: u64, from_server: bool, flags: u8, payload_length: u16) -> Packet {
        let (mut source, mut destination) = (self.client, self.server);
        let (mut source_port, mut destination_port) = (self.client_port, self.profile.server_port);
        if from_server {
            std::mem::swap(&mut source, &mut destination);
            std::mem::swap(&mut source_port, &mut destination_port);
        }
        let body = match self.profile.carrier {
            Carrier::Udp => Body::Udp { source_port, destination_port },
            Carrier::Arp => Body::Arp { reply: from_server },
            Carrier::Echo => {
                self.count = self.count.wrapping_add(u16::from(!from_server));
                Body::Echo { reply: from_server, sequence: self.count }
            }
            Carrier::Probe => self.segment(source_port, destination_port, from_server, flag::SYN, 0),
            Carrier::Tcp => self.segment(source_port, destination_port, from_server, flags, payload_length),
        };
        let payload_length = match self.profile.carrier {
            Carrier::Arp | Carrier::Probe => 0,
            _ => payload_length,
        };
        Packet { time_micros, source, destination, body, payload_length }
    }

    fn segment(
        &mut self,
        source_port: u16,
        destination_port: u16,
        from_server: bool,
        flags: u8,
        length: u16,
    ) -> Body {
        let [mine, theirs] = [usize::from(from_server), usize::from(!from_server)];
        let sequence = self.sequence[mine];
        let acknowledgment = if flags & flag::ACK != 0 { self.sequence[theirs] } else { 0 };
        // SYN and FIN take a sequence number each.
        let taken = u32::from(length) + u32::from(flags & (flag::SYN | flag::FIN) != 0);
        self.sequence[mine] = sequence.wrapping_add(taken);
        let options = if flags & flag::SYN != 0 { TcpOptions::Syn } else { TcpOptions::Timestamps };
        Body::Tcp { source_port, destination_port, flags, sequence, acknowledgment, options }
    }
}

//! Which tool made a packet, told from its headers.
//!
//! Tools that scan fast keep no state for their probes: they put into a SYN what they need to know its answer
//! by, and that shows. The marks are those that the tools' own sources define, and that "Spoki" (Hiesgen and
//! others, 2022) and earlier work describe. Each says how often an innocent packet bears it by chance.

use smoltcp::wire::{Ipv4Packet, TcpPacket};

use crate::limits::MARK_SECONDS;
use crate::packet::{Packet, protocol};

/// A tool that scans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The malware Mirai and what was made of it.
    Mirai,
    /// Masscan.
    Masscan,
    /// ZMap up to 4.0.
    Zmap,
    /// ZMap from 4.1 on, or something that looks like it.
    ZmapLike,
    /// Nmap.
    Nmap,
    /// Unicornscan.
    Unicornscan,
}

impl Tool {
    /// True if its mark alone makes a scanner: nothing but a scan looks like that, and hardly ever by chance.
    /// Nmap is a tool for other things as well, and its mark is not as sure.
    pub const fn is_proof(self) -> bool {
        !matches!(self, Self::Nmap | Self::ZmapLike)
    }

    /// True if an innocent system may look like that always, and not by chance: a hint, which is shown, and which
    /// any other mark outweighs.
    pub const fn is_hint(self) -> bool {
        matches!(self, Self::ZmapLike)
    }

    /// The name that the report and the log use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mirai => "mirai",
            Self::Masscan => "masscan",
            Self::Zmap => "zmap",
            Self::ZmapLike => "zmap-like",
            Self::Nmap => "nmap",
            Self::Unicornscan => "unicornscan",
        }
    }
}

/// What of a TCP probe over IPv4 tells tools apart. All numbers are in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    destination: u32,
    source_port: u16,
    destination_port: u16,
    sequence: u32,
    window: u16,
    flags: u8,
    /// The IP header's identification.
    id: u16,
    hops_left: u8,
    /// Routers may cut the packet into pieces: its "don't fragment" is not set.
    may_fragment: bool,
    options: Options,
}

/// What TCP options a probe has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Options {
    None,
    /// A maximum segment size of 1460, which is Ethernet's, and no other.
    OnlySegmentSize,
    /// That, and others behind it.
    SegmentSizeFirst,
    Others,
}

impl Options {
    fn of(options: &[u8]) -> Self {
        match options {
            [] => Self::None,
            [2, 4, 0x05, 0xb4] => Self::OnlySegmentSize,
            [2, 4, 0x05, 0xb4, ..] => Self::SegmentSizeFirst,
            _ => Self::Others,
        }
    }
}

impl Probe {
    /// Reads a TCP packet over IPv4 whose headers were captured whole.
    pub fn read(packet: &Packet, bytes: &[u8]) -> Option<Self> {
        if packet.protocol != protocol::TCP || !packet.source.is_v4() || packet.later_fragment {
            return None;
        }
        let ip = Ipv4Packet::new_unchecked(bytes.get(packet.network_offset.into()..)?.first_chunk::<20>()?);
        let segment = bytes.get(packet.transport_offset.into()..)?;
        let tcp = TcpPacket::new_unchecked(segment.first_chunk::<20>()?);
        let options = segment.get(20..tcp.header_len().into())?;
        Some(Self {
            destination: packet.destination.as_v4()?,
            source_port: packet.source_port,
            destination_port: packet.destination_port,
            sequence: tcp.seq_number().0 as u32,
            window: tcp.window_len(),
            flags: packet.tcp_flags,
            id: ip.ident(),
            hops_left: ip.hop_limit(),
            may_fragment: !ip.dont_frag(),
            options: Options::of(options),
        })
    }

    fn is_syn(&self) -> bool {
        self.flags == Packet::TCP_SYN
    }

    /// True if the packet says more of its maker than chance would: worth remembering, even if it is not for a
    /// dark address.
    pub fn is_marked(&self) -> bool {
        self.is_mirai() || self.is_masscan() || self.is_zmap()
    }

    /// The tool that this probe alone shows.
    fn tool(&self) -> Option<Tool> {
        match () {
            () if self.is_mirai() => Some(Tool::Mirai),
            () if self.is_nmap_stealth() => Some(Tool::Nmap),
            () if self.is_like_zmap() => Some(Tool::ZmapLike),
            () => None,
        }
    }

    /// The tool of which this SYN and the one before it are proof. A SYN that is sent again, because nobody
    /// answered, bears its mark again, and is no second one.
    fn tool_of_pair(&self, last: &Self) -> Option<Tool> {
        match () {
            () if (self.destination, self.ports()) == (last.destination, last.ports()) => None,
            () if self.is_masscan() && last.is_masscan() => Some(Tool::Masscan),
            () if self.is_zmap() && last.is_zmap() => Some(Tool::Zmap),
            () if self.is_unicornscan_pair(last) => Some(Tool::Unicornscan),
            () if self.is_nmap_pair(last) => Some(Tool::Nmap),
            () => None,
        }
    }

    /// Mirai's scanner asks every address with its own number in the sequence (scanner.c). One SYN in 2^32
    /// has that by chance.
    fn is_mirai(&self) -> bool {
        self.is_syn() && self.sequence == self.destination
    }

    /// Masscan's identification is the destination, its port and the sequence, folded together. One SYN in
    /// 2^16 has that by chance.
    fn is_masscan(&self) -> bool {
        let folded = self.destination ^ u32::from(self.destination_port) ^ self.sequence;
        self.is_syn() && self.id == folded as u16
    }

    /// ZMap up to 4.0 had one identification for all, and the largest window. One SYN in 2^16 has that by
    /// chance, if its system has the window.
    fn is_zmap(&self) -> bool {
        self.is_syn() && self.id == 54321 && self.window == u16::MAX
    }

    /// From 4.1 on its options are those of a system, but where those set "don't fragment", it does not. A firewall
    /// that clears it (pf's `no-df`) makes every system with that window look so: BSD, macOS and Windows.
    fn is_like_zmap(&self) -> bool {
        self.is_syn()
            && self.window == u16::MAX
            && self.may_fragment
            && matches!(self.options, Options::OnlySegmentSize | Options::SegmentSizeFirst)
    }

    /// Nmap's SYN has a small window, one option, and a random number of hops left, below 60.
    fn is_nmap_syn(&self) -> bool {
        self.is_syn()
            && self.window == 1024
            && self.options == Options::OnlySegmentSize
            && self.hops_left < 60
    }

    /// Its NULL, FIN and "Xmas" probes have flags that no system sends alone.
    fn is_nmap_stealth(&self) -> bool {
        matches!(self.flags, 0x00 | 0x01 | 0x29) && self.window == 1024 && self.options == Options::None
    }

    /// Two SYNs of one run of Nmap have sequences whose difference has equal halves, or none: one pair in
    /// 2^16.
    fn is_nmap_pair(&self, other: &Self) -> bool {
        let difference = self.sequence ^ other.sequence;
        self.is_nmap_syn() && other.is_nmap_syn() && difference >> 16 == difference & 0xffff
    }

    /// Unicornscan hides the ports in the sequence: one pair of SYNs in 2^32.
    fn is_unicornscan_pair(&self, other: &Self) -> bool {
        self.is_syn()
            && self.ports() != other.ports()
            && self.sequence ^ other.sequence == self.ports() ^ other.ports()
    }

    /// The source port above the destination port.
    fn ports(&self) -> u32 {
        u32::from(self.source_port) << 16 | u32::from(self.destination_port)
    }
}

/// What a source's probes tell so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    /// The last SYN, and the second in which it came.
    last: Option<(Probe, u32)>,
    tool: Option<Tool>,
}

impl Marks {
    /// Adds a probe that came in this second. Of the tools that it and those before it show, the surest counts, the
    /// first of equals.
    ///
    /// Where one probe is no proof, two in a row are, if the second comes within [`MARK_SECONDS`]: of a busy
    /// host that opens 50,000 connections a day, one has the mark of Masscan every other day.
    pub fn add(&mut self, probe: &Probe, second: u32) {
        let is_near = |&(_, at): &(Probe, u32)| second.abs_diff(at) <= MARK_SECONDS;
        let last = self.last.filter(is_near).map(|(last, _)| last);
        let shown = [probe.tool(), last.and_then(|last| probe.tool_of_pair(&last)), self.tool];
        self.tool = shown.into_iter().flatten().max_by_key(|tool| (tool.is_proof(), !tool.is_hint()));
        if probe.is_syn() {
            self.last = Some((*probe, second));
        }
    }

    /// Forgets the tool, since the next probes are somebody else's.
    pub fn forget_tool(&mut self) {
        self.tool = None;
    }

    /// The tool, once there is a hint of one.
    pub fn tool(&self) -> Option<Tool> {
        self.tool
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Decoded, Frame, LinkType, decode};

    /// A SYN to 10.9.0.1:23 as a tool would make it.
    #[derive(Clone, Copy)]
    struct Syn {
        sequence: u32,
        window: u16,
        id: u16,
        hops: u8,
        flags: u8,
        source_port: u16,
        destination_port: u16,
        options: &'static [u8],
        may_fragment: bool,
    }

    const DESTINATION: u32 = 0x0a09_0001;
    const PLAIN: Syn = Syn {
        sequence: 0x1234_5678,
        window: 64_240,
        id: 7,
        hops: 64,
        flags: 2,
        source_port: 40_000,
        destination_port: 23,
        options: &[2, 4, 5, 0xb4, 4, 2, 1, 1],
        may_fragment: false,
    };
    const SEGMENT_SIZE: &[u8] = &[2, 4, 5, 0xb4];

    fn bytes(syn: Syn) -> std::vec::Vec<u8> {
        let mut packet = std::vec![0x45, 0, 0, 40 + syn.options.len() as u8];
        packet.extend(syn.id.to_be_bytes());
        let flags = if syn.may_fragment { 0 } else { 0x40 };
        packet.extend([flags, 0, syn.hops, 6, 0, 0, 192, 168, 1, 57]);
        packet.extend(DESTINATION.to_be_bytes());
        packet.extend(syn.source_port.to_be_bytes());
        packet.extend(syn.destination_port.to_be_bytes());
        packet.extend(syn.sequence.to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50 + (syn.options.len() as u8) * 4, syn.flags]);
        packet.extend(syn.window.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(syn.options);
        packet
    }

    fn probe(syn: Syn) -> Probe {
        let bytes = bytes(syn);
        let frame = Frame { link: LinkType::Raw, bytes: &bytes, wire_length: bytes.len() as u32 };
        let Decoded::Packet(packet) = decode(&frame) else { panic!("no packet") };
        for length in 0..bytes.len() {
            assert!(Probe::read(&packet, &bytes[..length]).is_none(), "cut after {length}");
        }
        Probe::read(&packet, &bytes).unwrap()
    }

    /// The tool after each of these.
    fn tools<const N: usize>(syns: [Syn; N]) -> [Option<Tool>; N] {
        let mut marks = Marks::default();
        syns.map(|syn| {
            marks.add(&probe(syn), 7);
            marks.tool()
        })
    }

    #[test]
    fn each_tool_shows_when_it_is_certain() {
        assert_eq!(tools([PLAIN, PLAIN, Syn { sequence: 99, source_port: 9, ..PLAIN }]), [None; 3]);
        let mirai = Syn { sequence: DESTINATION, ..PLAIN };
        assert_eq!(tools([mirai, PLAIN]), [Some(Tool::Mirai); 2]);
        let masscan = |sequence: u32| Syn {
            sequence,
            id: (DESTINATION ^ 23 ^ sequence) as u16,
            window: 1024,
            options: &[],
            ..PLAIN
        };
        let next = Syn { source_port: 40_001, ..masscan(0xdead_beef) };
        assert_eq!(tools([masscan(77), next]), [None, Some(Tool::Masscan)]);
        assert_eq!(tools([masscan(77), masscan(77)]), [None; 2], "a SYN that was sent again");
        assert_eq!(tools([masscan(77), PLAIN, PLAIN]), [None; 3], "once by chance");
        let zmap = Syn { id: 54321, window: 65_535, ..PLAIN };
        let next = Syn { source_port: 40_001, ..zmap };
        assert_eq!(tools([zmap, next]), [None, Some(Tool::Zmap)]);
        assert!(probe(mirai).is_marked() && probe(masscan(1)).is_marked() && !probe(PLAIN).is_marked());
    }

    #[test]
    fn a_hint_is_no_mark_and_gives_way_to_one() {
        // The options of ZMap's default, which are those of Windows.
        const WINDOWS: &[u8] = &[2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2];
        let hint = Syn { window: 65_535, may_fragment: true, options: WINDOWS, ..PLAIN };
        let other = Syn { source_port: 40_001, ..hint };
        assert_eq!(tools([hint, other, PLAIN]), [Some(Tool::ZmapLike); 3]);
        let mirai = Syn { sequence: DESTINATION, ..hint };
        assert_eq!(tools([hint, mirai, other]), [Some(Tool::ZmapLike), Some(Tool::Mirai), Some(Tool::Mirai)]);
        // Nor does a mark that is no proof hide one that is.
        let stealth = Syn { flags: 0x29, window: 1024, options: &[], ..PLAIN };
        assert_eq!(
            tools([stealth, mirai, stealth]),
            [Some(Tool::Nmap), Some(Tool::Mirai), Some(Tool::Mirai)]
        );
        for innocent in [
            Syn { may_fragment: false, ..hint },
            Syn { window: 64_240, ..hint },
            Syn { options: &[], ..hint },
        ] {
            assert_eq!(tools([innocent, Syn { source_port: 9, ..innocent }]), [None; 2]);
        }
        assert!(!probe(hint).is_marked() && !Tool::ZmapLike.is_proof());
    }

    #[test]
    fn two_marks_that_are_far_apart_are_chance() {
        let mut marks = Marks::default();
        let zmap = |source_port| probe(Syn { id: 54321, window: 65_535, source_port, ..PLAIN });
        for second in [10, 10 + MARK_SECONDS + 1, 500] {
            marks.add(&zmap(second as u16), second);
            assert_eq!(marks.tool(), None);
        }
        marks.add(&zmap(501), 501);
        assert_eq!(marks.tool(), Some(Tool::Zmap));
    }

    #[test]
    fn pairs_tell_nmap_and_unicornscan() {
        let nmap = |sequence| Syn { sequence, window: 1024, hops: 41, options: SEGMENT_SIZE, ..PLAIN };
        let other_port = |syn| Syn { destination_port: 80, ..syn };
        for difference in [0, 0x0abc_0abc] {
            let second = other_port(nmap(0x1111_2222 ^ difference));
            assert_eq!(tools([nmap(0x1111_2222), second]), [None, Some(Tool::Nmap)]);
        }
        assert_eq!(tools([nmap(5), other_port(nmap(6))]), [None; 2]);
        assert_eq!(tools([nmap(5), nmap(5)]), [None; 2], "a SYN that was sent again");
        for flags in [0x00, 0x01, 0x29] {
            let stealth = Syn { flags, window: 1024, options: &[], ..PLAIN };
            assert_eq!(tools([stealth]), [Some(Tool::Nmap)]);
        }
        let unicornscan = |source_port: u16, destination_port: u16| Syn {
            sequence: 0x5555_aaaa ^ (u32::from(source_port) << 16 | u32::from(destination_port)),
            source_port,
            destination_port,
            ..PLAIN
        };
        assert_eq!(tools([unicornscan(1, 23), unicornscan(7, 2323)]), [None, Some(Tool::Unicornscan)]);
    }
}

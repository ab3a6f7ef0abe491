//! One libpcap handle: opened, filtered, drained.

use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};

use pcap::{Active, Linktype};

use super::Options;
use super::coverage::Seen;
use super::devices::{DeviceKind, DeviceSet, Wrapping};
use crate::limits::CAPTURE_BLOCK_MILLIS;
use crate::network::{Networks, Prefix};
use crate::packet::{Frame, LinkType, Mac};
use crate::time::Timestamp;

// The pcap crate reads libpcap's packet header in place, with the libc crate's idea of a `timeval`. On
// 32-bit musl that idea is wrong by default, and every captured length is read from the wrong place.
const _: () = assert!(size_of::<pcap::PacketHeader>() == size_of::<libc::timeval>() + 8);
#[cfg(target_env = "musl")]
const _: () = assert!(
    size_of::<libc::timeval>() == 16,
    "build with RUST_LIBC_UNSTABLE_MUSL_V1_2_3=1: libpcap was built with a 64-bit time_t"
);

/// The header of a "cooked" capture, version 2 (libpcap, LINKTYPE_LINUX_SLL2), in bytes.
const SLL2_BYTES: usize = 20;
/// The header of a "cooked" capture, version 1, in bytes.
const SLL_BYTES: u32 = 16;
const ETHERNET_BYTES: u32 = 14;
/// What a frame may be longer than its device's MTU: an Ethernet header and two VLAN tags.
const LINK_BYTES_MAX: u32 = 22;
/// The least that a TCP segment's headers take in its device's MTU: IPv4 and TCP without options.
const SEGMENT_HEADER_BYTES: u32 = 40;

/// A frame that was read, or a second copy of one.
pub(super) enum Read<'a> {
    Frame(Frame<'a>),
    Copy,
}

/// A live capture on a set of devices.
pub(super) struct Handle {
    capture: pcap::Capture<Active>,
    link: LinkType,
    /// Bytes of the capture's own header ...
    cooked_bytes: u32,
    /// ... and of the link header that the wire had in its place.
    wire_bytes: u32,
    /// The largest MTU of the devices.
    mtu: u32,
    bridge: Option<Bridge>,
    /// The filter in the kernel, once there is one.
    expression: Option<String>,
    seen: Seen,
    /// libpcap's count at the last look.
    dropped: u32,
}

impl Handle {
    /// Opens what a set of devices is read with: its one device, or libpcap's `any` for the ports of a
    /// bridge, which gives the direction and the sender of each frame through one ring.
    ///
    /// A bridge needs no promiscuous mode: its ports take in all that it forwards.
    pub fn open(set: &DeviceSet, networks: &Networks, options: &Options) -> Result<Self, String> {
        let (capture, link) = activate(set, options).map_err(|error| error.to_string())?;
        let ethernet = set.bridge || set.devices.iter().any(|device| device.kind == DeviceKind::Ethernet);
        let (cooked_bytes, wire_bytes) = match link {
            LinkType::LinuxSll2 => (SLL2_BYTES as u32, if ethernet { ETHERNET_BYTES } else { 0 }),
            LinkType::LinuxSll => (SLL_BYTES, if ethernet { ETHERNET_BYTES } else { 0 }),
            _ => (0, 0),
        };
        let mut handle = Self {
            capture,
            link,
            cooked_bytes,
            wire_bytes,
            mtu: u32::MAX,
            bridge: None,
            expression: None,
            seen: Seen::default(),
            dropped: 0,
        };
        handle.follow(set, networks, options)?;
        Ok(handle)
    }

    /// Lets exactly the frames of these devices through from now on.
    pub fn follow(&mut self, set: &DeviceSet, networks: &Networks, options: &Options) -> Result<(), String> {
        let broadcasts = if set.bridge { directed_broadcasts(networks) } else { Vec::new() };
        let user = options.filter.as_deref();
        let expression = expression(set, &broadcasts, user)?;
        // While libpcap changes the filter, it lets nothing through.
        if self.expression.as_ref() != Some(&expression) {
            self.capture.filter(&expression, true).map_err(|error| match user {
                Some(user) => format!("--filter '{user}': {error}"),
                None => error.to_string(),
            })?;
            self.expression = Some(expression);
        }
        self.mtu = set.devices.iter().map(|device| device.mtu).max().unwrap_or(0);
        self.bridge = set.bridge.then(|| Bridge {
            index: set.interface.index,
            own_macs: set.own_macs.clone(),
            broadcasts,
        });
        Ok(())
    }

    /// How the frames begin.
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// Hands over at most `count` of the frames that wait in the ring, each with its time. Returns how
    /// many there were; never waits.
    pub fn drain<F>(&mut self, count: usize, mut take: F) -> Result<usize, pcap::Error>
    where
        F: FnMut(Read<'_>, Timestamp),
    {
        let Self { capture, link, cooked_bytes, wire_bytes, mtu, bridge, seen, .. } = self;
        capture.dispatch(Some(count), |packet| {
            let header = packet.header;
            let sighting = match bridge {
                Some(bridge) => bridge.judge(packet.data),
                None => Sighting { copy: false, at_port: true },
            };
            if sighting.at_port {
                let bytes = header.len.saturating_sub(*cooked_bytes) + *wire_bytes;
                seen.packets += 1;
                seen.bytes += u64::from(bytes);
                // Longer frames were merged by the kernel, see [`Seen::merged_frames`].
                if bytes > mtu.saturating_add(LINK_BYTES_MAX) {
                    seen.merged_frames += 1;
                    seen.bytes += u64::from(lost_headers(bytes, *mtu));
                }
            }
            let now = timestamp(header.ts);
            take(
                match sighting.copy {
                    true => Read::Copy,
                    false => Read::Frame(Frame { link: *link, bytes: packet.data, wire_length: header.len }),
                },
                now,
            );
        })
    }

    /// What was drained since the last call.
    pub fn take_seen(&mut self) -> Seen {
        std::mem::take(&mut self.seen)
    }

    /// Frames that the kernel dropped for want of room in the ring since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        let Ok(statistics) = self.capture.stats() else { return 0 };
        // libpcap adds up in 32 bits, which wrap.
        let new = statistics.dropped.wrapping_sub(self.dropped);
        self.dropped = statistics.dropped;
        u64::from(new)
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.capture.as_fd()
    }
}

/// Bytes of the headers that segments lost when they were merged into a frame of this length, if each was as
/// long as it could be. Shorter ones lost more. Only coverage takes this estimate, because the kernel
/// counts what was on the wire; the books have what was captured.
fn lost_headers(frame: u32, mtu: u32) -> u32 {
    let payload = frame.saturating_sub(ETHERNET_BYTES + SEGMENT_HEADER_BYTES);
    let segments = payload.div_ceil(mtu.saturating_sub(SEGMENT_HEADER_BYTES).max(1));
    segments.saturating_sub(1).saturating_mul(ETHERNET_BYTES + SEGMENT_HEADER_BYTES)
}

fn activate(set: &DeviceSet, options: &Options) -> Result<(pcap::Capture<Active>, LinkType), pcap::Error> {
    let device = match set.devices.first() {
        Some(device) if !set.bridge => device.name.as_str(),
        _ => "any",
    };
    let mut capture = pcap::Capture::from_device(device)?
        .snaplen(i32::try_from(options.snaplen).unwrap_or(i32::MAX))
        .buffer_size(i32::try_from(options.ring_size).unwrap_or(i32::MAX))
        .timeout(CAPTURE_BLOCK_MILLIS)
        .promisc(options.promiscuous && !set.bridge)
        .open()?
        .setnonblock()?;
    if set.bridge {
        capture.set_datalink(Linktype::LINUX_SLL2)?;
    }
    let link = LinkType::from_dlt(capture.get_datalink().0).ok_or(pcap::Error::InvalidLinktype)?;
    Ok((capture, link))
}

/// The two fields are 32 bits wide on some targets.
#[allow(clippy::useless_conversion)]
fn timestamp(time: libc::timeval) -> Timestamp {
    Timestamp::from_timeval(time.tv_sec.into(), time.tv_usec.into())
}

/// Checks a user's filter expression, on the link type that a capture on Ethernet has.
pub(super) fn check_filter(user: &str) -> Result<(), pcap::Error> {
    pcap::Capture::dead(Linktype::ETHERNET)?.compile(user, true).map(drop)
}

/// What a bridge must know to count each of its frames once.
struct Bridge {
    index: u32,
    own_macs: Vec<Mac>,
    broadcasts: Vec<Ipv4Addr>,
}

struct Sighting {
    /// The same frame counts elsewhere.
    copy: bool,
    /// The frame was seen at a port, not at the bridge device.
    at_port: bool,
}

impl Bridge {
    /// Judges one appearance of a frame, of which a bridge shows several.
    ///
    /// A forwarded frame counts where it came in. One that the router sends itself goes out under an
    /// address of its own. It counts at the port if it has one receiver, because under flow offloading
    /// the bridge device may never see it; a frame to many leaves by several ports and counts at the
    /// bridge device, which it passes once.
    fn judge(&self, sll2: &[u8]) -> Sighting {
        const OUTGOING: u8 = 4;
        let Some((header, payload)) = sll2.split_first_chunk::<SLL2_BYTES>() else {
            return Sighting { copy: false, at_port: true };
        };
        let [p0, p1, _, _, i0, i1, i2, i3, _, _, kind, _, a, b, c, d, e, f, _, _] = *header;
        let at_port = u32::from_be_bytes([i0, i1, i2, i3]) != self.index;
        let copy = kind == OUTGOING
            && (!self.own_macs.contains(&Mac([a, b, c, d, e, f]))
                || at_port == self.is_to_many(u16::from_be_bytes([p0, p1]), payload));
        Sighting { copy, at_port }
    }

    /// True unless the frame is an IP packet with one receiver. The IP address tells, since the capture
    /// has no destination address of the link.
    fn is_to_many(&self, ethertype: u16, payload: &[u8]) -> bool {
        match (ethertype, payload) {
            (0x0800, [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, ..]) => {
                let receiver = Ipv4Addr::new(*a, *b, *c, *d);
                receiver.is_multicast() || receiver.is_broadcast() || self.broadcasts.contains(&receiver)
            }
            (0x86dd, payload) => payload.get(24).is_none_or(|first| *first == 0xff),
            _ => true,
        }
    }
}

/// The kernel's filter for a set of devices. At the bridge device it lets no more through than the
/// frames that [`Bridge::is_to_many`] is true for.
fn expression(set: &DeviceSet, broadcasts: &[Ipv4Addr], user: Option<&str>) -> Result<String, String> {
    let mut parts = Vec::new();
    if set.bridge {
        let ports: String =
            set.devices.iter().map(|device| format!("ifindex {} or ", device.index)).collect();
        let broadcasts: String = broadcasts.iter().map(|address| format!(" or dst host {address}")).collect();
        parts.push(format!(
            "({ports}(ifindex {} and outbound and (ip multicast or ip6 multicast or not (ip or ip6) \
             or dst host 255.255.255.255{broadcasts})))",
            set.interface.index
        ));
    }
    for wrapping in &set.inside {
        parts.push(match wrapping {
            Wrapping::Vlan(id) => format!("vlan {id}"),
            // `pppoes` makes the rest of the expression look inside the session. Behind `vlan` libpcap
            // makes code of it that reads an unset variable, which the kernel refuses.
            Wrapping::Pppoe if set.inside.len() == 1 => "pppoes".to_owned(),
            Wrapping::Pppoe if user.is_none() => "ether proto 0x8864".to_owned(),
            Wrapping::Pppoe => return Err("--filter cannot look into PPPoE on a VLAN".to_owned()),
        });
    }
    parts.extend(user.map(|user| format!("({user})")));
    Ok(parts.join(" and "))
}

/// The addresses that stand for everybody in the local IPv4 networks.
fn directed_broadcasts(networks: &Networks) -> Vec<Ipv4Addr> {
    let broadcast = |prefix: &Prefix| {
        let hosts = u32::MAX.checked_shr(prefix.length().into()).filter(|hosts| *hosts > 1)?;
        Some(Ipv4Addr::from_bits(prefix.first().as_v4()? | hosts))
    };
    networks.prefixes().iter().filter_map(broadcast).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::capture::devices::Device;

    const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const CLIENT: [u8; 6] = [2, 0, 0, 0, 0, 9];
    const BRIDGE: u32 = 7;
    const PORT: u32 = 3;
    const INCOMING: u8 = 3;
    const OUTGOING: u8 = 4;

    fn device(name: &str, index: u32) -> Device {
        let kind = DeviceKind::Ethernet;
        Device { name: name.to_owned(), index, mac: Mac(ROUTER), mtu: 1500, up: true, kind }
    }

    fn set(bridge: bool, inside: &[Wrapping]) -> DeviceSet {
        DeviceSet {
            interface: device("br-lan", BRIDGE),
            bridge,
            devices: (0..32).map(|n| device("lan", PORT + n)).collect(),
            counted: Vec::new(),
            left_out: 0,
            inside: inside.to_vec(),
            own_macs: vec![Mac(ROUTER)],
        }
    }

    fn frame(index: u32, kind: u8, source: [u8; 6], ethertype: u16, receiver: &[u8]) -> Vec<u8> {
        let mut frame = ethertype.to_be_bytes().to_vec();
        frame.extend([0, 0]);
        frame.extend(index.to_be_bytes());
        frame.extend([0, 1, kind, 6]);
        frame.extend(source);
        frame.extend([0, 0]);
        frame.extend([0; 24].iter().take(if ethertype == 0x800 { 16 } else { 24 }));
        frame.extend(receiver);
        frame
    }

    #[test]
    fn each_frame_of_a_bridge_counts_at_one_place() {
        let broadcasts = vec![Ipv4Addr::new(192, 168, 1, 255)];
        let bridge = Bridge { index: BRIDGE, own_macs: vec![Mac(ROUTER)], broadcasts };
        let counts = |index, kind, source, ethertype, receiver: &[u8]| {
            !bridge.judge(&frame(index, kind, source, ethertype, receiver)).copy
        };
        assert!(counts(PORT, INCOMING, CLIENT, 0x800, &[192, 168, 1, 255]));
        assert!(!counts(PORT, OUTGOING, CLIENT, 0x800, &[192, 168, 1, 5]), "forwarded");
        assert!(counts(PORT, OUTGOING, ROUTER, 0x800, &[192, 168, 1, 5]));
        let to_many: [(u16, &[u8]); 6] = [
            (0x800, &[192, 168, 1, 255]),
            (0x800, &[255, 255, 255, 255]),
            (0x800, &[224, 0, 0, 251]),
            (0x86dd, &[0xff, 2]),
            (0x86dd, &[]),
            (0x806, &[]),
        ];
        for (ethertype, receiver) in to_many {
            assert!(!counts(PORT, OUTGOING, ROUTER, ethertype, receiver), "{receiver:?} at a port");
            assert!(counts(BRIDGE, OUTGOING, ROUTER, ethertype, receiver), "{receiver:?} at the bridge");
        }
        assert!(!counts(BRIDGE, OUTGOING, ROUTER, 0x86dd, &[0xfe, 0x80]));
        for length in 0..50 {
            let whole = frame(PORT, OUTGOING, ROUTER, 0x800, &[1, 2, 3, 4]);
            bridge.judge(whole.get(..length).unwrap_or(&whole));
        }
    }

    #[test]
    fn merged_segments_lost_their_headers() {
        let merged = |segments: u32| 54 + segments * 1460;
        assert_eq!(lost_headers(merged(1), 1500), 0);
        assert_eq!(lost_headers(merged(1) + 1, 1500), 54);
        assert_eq!(lost_headers(merged(31), 1500), 30 * 54);
        for frame in [0, 54, 1514, u32::MAX] {
            for mtu in [0, 40, 41, 1500, u32::MAX] {
                lost_headers(frame, mtu);
            }
        }
    }

    #[test]
    fn expressions_compile() {
        let compile = |link, set: &DeviceSet, user| {
            let broadcasts = [Ipv4Addr::new(192, 168, 1, 255)];
            let expression = expression(set, &broadcasts, user)?;
            let dead = pcap::Capture::dead(link).map_err(|error| error.to_string())?;
            let program =
                dead.compile(&expression, true).map_err(|error| format!("{expression}: {error}"))?;
            Ok::<usize, String>(program.get_instructions().len())
        };
        let full = compile(Linktype::LINUX_SLL2, &set(true, &[]), Some("tcp port 80 or udp")).unwrap();
        assert!(full < 200, "{full} instructions, of which the kernel takes 4,096");
        let (vlan, pppoe) = (Wrapping::Vlan(7), Wrapping::Pppoe);
        for inside in [vec![], vec![vlan], vec![pppoe], vec![vlan, vlan]] {
            compile(Linktype::ETHERNET, &set(false, &inside), Some("ip or ip6")).unwrap();
        }
        compile(Linktype::ETHERNET, &set(false, &[vlan, pppoe]), None).unwrap();
        compile(Linktype::ETHERNET, &set(false, &[vlan, pppoe]), Some("ip")).unwrap_err();
        check_filter("ip) or (ip").expect_err("a filter cannot break out of its parentheses");
    }
}

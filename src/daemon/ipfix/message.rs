//! IPFIX messages (RFC 7011, 3): a header, a set of two templates, and sets of flow records.
//!
//! Every message has its templates with it, though a collector would remember them for a while: they are a
//! tenth of a full message, and a collector that was started a moment ago understands the first one it gets.

use crate::limits::IPFIX_MESSAGE_BYTES;
use crate::network::{Direction, Role};
use crate::packet::Mac;
use crate::table::Flow;

/// The message header's bytes and version (RFC 7011, 3.1).
const HEADER_BYTES: usize = 16;
const VERSION: u16 = 10;

/// The set that holds templates (3.3.2), and a set's header in bytes.
const TEMPLATE_SET: u16 = 2;
const SET_HEADER_BYTES: usize = 4;

/// The templates of records between IPv4 and between IPv6 addresses, which their sets are numbered by.
const TEMPLATE_V4: u16 = 256;
const TEMPLATE_V6: u16 = 257;

/// IANA's numbers of a record's addresses (sourceIPv4Address, destinationIPv4Address; the same for IPv6), and
/// their bytes.
const ADDRESSES_V4: [(u16, u16); 2] = [(8, 4), (12, 4)];
const ADDRESSES_V6: [(u16, u16); 2] = [(27, 16), (28, 16)];

/// The fields behind the addresses. Numbers are as short as they can be (6.2).
const FIELDS: [(u16, u16); 11] = [
    (7, 2),   // sourceTransportPort
    (11, 2),  // destinationTransportPort
    (4, 1),   // protocolIdentifier
    (61, 1),  // flowDirection
    (1, 8),   // octetDeltaCount
    (2, 4),   // packetDeltaCount
    (152, 8), // flowStartMilliseconds
    (153, 8), // flowEndMilliseconds
    (10, 4),  // ingressInterface
    (14, 4),  // egressInterface
    (56, 6),  // sourceMacAddress
];

/// A message of one observation domain in the making.
pub(super) struct Message {
    bytes: Vec<u8>,
    /// Which interface it is about, from 1.
    domain: u32,
    /// The records in it.
    pub(super) records: u32,
    /// Where the set that is being filled begins, and its number.
    set: Option<(usize, u16)>,
    with_macs: bool,
}

impl Message {
    /// A message without records. All memory is allocated here.
    pub(super) fn new(with_macs: bool) -> Self {
        let bytes = Vec::with_capacity(IPFIX_MESSAGE_BYTES);
        Self { bytes, domain: 0, records: 0, set: None, with_macs }
    }

    /// Begins anew, for this domain.
    pub(super) fn begin(&mut self, domain: u32) {
        self.bytes.clear();
        self.bytes.resize(HEADER_BYTES, 0);
        (self.domain, self.records, self.set) = (domain, 0, None);
        let begin = self.begin_set(TEMPLATE_SET);
        for (template, addresses) in [(TEMPLATE_V4, ADDRESSES_V4), (TEMPLATE_V6, ADDRESSES_V6)] {
            self.put(&template.to_be_bytes());
            self.put(&((addresses.len() + self.fields().len()) as u16).to_be_bytes());
            for (element, length) in addresses.iter().chain(self.fields()) {
                self.put(&element.to_be_bytes());
                self.put(&length.to_be_bytes());
            }
        }
        self.end_set(begin);
    }

    /// Adds what each end of a flow sent. False if there is no room for it, nor for a part of it.
    pub(super) fn add(&mut self, flow: &Flow, role: Role) -> bool {
        let is_v4 = flow.ends()[0].is_v4() && flow.ends()[1].is_v4();
        let (template, addresses) =
            if is_v4 { (TEMPLATE_V4, ADDRESSES_V4) } else { (TEMPLATE_V6, ADDRESSES_V6) };
        let length: usize = addresses.iter().chain(self.fields()).map(|field| usize::from(field.1)).sum();
        let needed = SET_HEADER_BYTES + flow.ways() as usize * length;
        if self.bytes.len() + needed > IPFIX_MESSAGE_BYTES {
            return false;
        }
        match self.set {
            Some((_, number)) if number == template => {}
            _ => {
                self.close();
                self.set = Some((self.begin_set(template), template));
            }
        }
        for end in [0, 1] {
            if flow.sent()[end].packets > 0 {
                self.put_record(flow, end, is_v4, role);
            }
        }
        true
    }

    /// The whole message. `time` is the present in seconds since 1970; `sequence` is the number of records that
    /// were sent of this domain before it, modulo 2^32.
    pub(super) fn finish(&mut self, time: u32, sequence: u32) -> &[u8] {
        self.close();
        let length = self.bytes.len() as u16;
        let [time, sequence, domain] = [time, sequence, self.domain].map(u32::to_be_bytes);
        let head = [VERSION, length].map(u16::to_be_bytes).concat();
        let header = [&head[..], &time, &sequence, &domain].concat();
        self.bytes[..HEADER_BYTES].copy_from_slice(&header);
        &self.bytes
    }

    #[inline(never)]
    fn put_record(&mut self, flow: &Flow, end: usize, is_v4: bool, role: Role) {
        let ends = flow.ends();
        for address in [ends[end], ends[1 - end]] {
            let bytes = address.bits().to_be_bytes();
            self.put(if is_v4 { &bytes[12..] } else { &bytes });
        }
        let ports = flow.ports().unwrap_or_default();
        self.put(&ports[end].to_be_bytes());
        self.put(&ports[1 - end].to_be_bytes());
        let is_ingress = is_ingress(flow.directions[end], role);
        self.put(&[flow.protocol(), u8::from(!is_ingress)]);
        let sent = flow.sent()[end];
        self.put(&sent.bytes.to_be_bytes());
        self.put(&(sent.packets as u32).to_be_bytes());
        for seconds in [flow.first, flow.last] {
            self.put(&(u64::from(seconds) * 1000).to_be_bytes());
        }
        // 0 is no interface's number.
        let interfaces = if is_ingress { [self.domain, 0] } else { [0, self.domain] };
        self.put(&interfaces[0].to_be_bytes());
        self.put(&interfaces[1].to_be_bytes());
        if self.with_macs {
            let Mac(mac) = flow.macs[end];
            self.put(&mac);
        }
        self.records += 1;
    }

    /// The fields behind the addresses: the last one is the MAC address.
    fn fields(&self) -> &'static [(u16, u16)] {
        if self.with_macs { &FIELDS } else { &FIELDS[..FIELDS.len() - 1] }
    }

    fn begin_set(&mut self, number: u16) -> usize {
        let begin = self.bytes.len();
        self.put(&number.to_be_bytes());
        self.put(&[0; 2]);
        begin
    }

    fn end_set(&mut self, begin: usize) {
        let length = (self.bytes.len() - begin) as u16;
        self.bytes[begin + 2..begin + SET_HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
    }

    fn close(&mut self) {
        if let Some((begin, _)) = self.set.take() {
            self.end_set(begin);
        }
    }

    // There are many callers, and none of them is in a hurry.
    #[inline(never)]
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

/// True if the packets came in by the interface: from the hosts of a LAN, or from elsewhere on a WAN. What stays
/// on one side of it is held to have come in.
fn is_ingress(direction: Direction, role: Role) -> bool {
    match direction {
        Direction::Outbound => role == Role::Lan,
        Direction::Inbound => role == Role::Wan,
        Direction::Internal | Direction::Transit => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Address, Link, Packet};

    fn flow(source: Address, destination: Address) -> Flow {
        let packet = Packet {
            source,
            destination,
            bytes: 0x0102,
            source_port: 0xc000,
            destination_port: 443,
            protocol: 6,
            has_ports: true,
            link: Link { source_mac: Mac([2, 0, 0, 0, 0, 9]), outgoing: false },
            ..Packet::default()
        };
        Flow::of(&packet, Direction::Outbound, 1_700_000_000)
    }

    fn v4() -> Flow {
        flow(Address::v4(0xc0a8_0105), Address::v4(0x0909_0909))
    }

    fn v6() -> Flow {
        let address = |last| Address::v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        flow(address(5), address(1))
    }

    #[test]
    fn a_message_is_laid_out_as_the_rfc_says() {
        let mut message = Message::new(true);
        message.begin(3);
        assert!(message.add(&v4(), Role::Lan));
        let bytes = message.finish(0x6553_f100, 0xffff_fffe).to_vec();
        // Header: version, length, export time, sequence number, observation domain.
        let mut wanted = vec![0, 10, 0, 192, 0x65, 0x53, 0xf1, 0, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 3];
        // Template set: number, length; template: number, fields; field: element, length.
        wanted.extend([0, 2, 0, 116]);
        for (template, addresses) in [(0, [8, 4, 12, 4]), (1, [27, 16, 28, 16])] {
            wanted.extend([1, template, 0, 13]);
            let [source, source_bytes, destination, destination_bytes] = addresses;
            wanted.extend([0, source, 0, source_bytes, 0, destination, 0, destination_bytes]);
            wanted.extend([0, 7, 0, 2, 0, 11, 0, 2, 0, 4, 0, 1, 0, 61, 0, 1, 0, 1, 0, 8, 0, 2, 0, 4]);
            wanted.extend([0, 152, 0, 8, 0, 153, 0, 8, 0, 10, 0, 4, 0, 14, 0, 4, 0, 56, 0, 6]);
        }
        // Data set.
        wanted.extend([1, 0, 0, 60, 192, 168, 1, 5, 9, 9, 9, 9, 0xc0, 0, 1, 187, 6, 0]);
        wanted.extend([0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1]);
        let millis = 1_700_000_000_000_u64.to_be_bytes();
        wanted.extend([millis, millis].concat());
        wanted.extend([0, 0, 0, 3, 0, 0, 0, 0, 2, 0, 0, 0, 0, 9]);
        assert_eq!(bytes, wanted);
    }

    #[test]
    fn sets_change_with_the_family_and_messages_stay_short() {
        let mut message = Message::new(false);
        message.begin(1);
        let mut added = 0;
        while message.add(&if added % 3 == 0 { v6() } else { v4() }, Role::Wan) {
            added += 1;
        }
        assert_eq!(message.records, added);
        let bytes = message.finish(0, 0);
        assert!(bytes.len() <= IPFIX_MESSAGE_BYTES && bytes.len() > IPFIX_MESSAGE_BYTES - 80);
        assert_eq!(usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), bytes.len());
        // Walk over the sets.
        let (mut at, mut sets) = (HEADER_BYTES, Vec::new());
        while let Some(&[a, b, c, d]) = bytes.get(at..at + 4) {
            sets.push(u16::from_be_bytes([a, b]));
            at += usize::from(u16::from_be_bytes([c, d]));
        }
        assert_eq!(at, bytes.len());
        assert_eq!(sets[..4], [TEMPLATE_SET, TEMPLATE_V6, TEMPLATE_V4, TEMPLATE_V6]);
        message.begin(1);
        assert_eq!(message.records, 0);
    }

    #[test]
    fn what_comes_in_depends_on_the_interfaces_role() {
        assert!(is_ingress(Direction::Outbound, Role::Lan) && !is_ingress(Direction::Inbound, Role::Lan));
        assert!(is_ingress(Direction::Inbound, Role::Wan) && !is_ingress(Direction::Outbound, Role::Wan));
        assert!(is_ingress(Direction::Internal, Role::Lan) && is_ingress(Direction::Transit, Role::Wan));
    }
}

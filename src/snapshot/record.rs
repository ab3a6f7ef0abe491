//! The records of a snapshot. They belong to the format, not to the ledger: what the ledger keeps may
//! change its shape, what is on somebody's flash may not.
//!
//! The numbers of the variants are part of the format, so new ones go to the end. The same records make
//! the lines of an export, where the names are part of the format as well.

use core::net::IpAddr;

use heapless::{String, Vec};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ledger::{self, Counters, Period, Traffic};
use crate::limits::{HISTORY_DAYS, INTERFACE_NAME_MAX};
use crate::network::Role;
use crate::packet::Mac;

/// One record. A header comes first, then what was warned of; an interface comes before its own discards, protocols, bars, hosts,
/// ports, accounts, peers and what hosts did today, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
// A record lives on the stack for a moment; a box would allocate.
#[allow(clippy::large_enum_variant)]
pub enum Record {
    /// About the file.
    Header(Header),
    /// An interface, whose rows follow.
    Interface(Interface),
    /// Frames discarded for one reason.
    Discarded(Discarded),
    /// The traffic of one IP protocol.
    Protocol(Protocol),
    /// One bar of the history. A ring's bars come oldest first.
    Bar(Bar),
    /// One host. Those on probation come first, and within a segment the least recently used.
    Host(Host),
    /// The traffic of one port, or of one of a host's IP protocols.
    Port(Port),
    /// The account of a device or a local network.
    Account(Account),
    /// What two hosts sent each other.
    Peers(Peers),
    /// What one host has done on the present day.
    Today(Today),
    /// What was warned of in the present month.
    Warning(Warning),
}

/// How many kinds of record this version knows; records with higher numbers are skipped.
pub(super) const KINDS: u8 = 11;

/// About the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The format's version, for exports; a snapshot says it before its first record as well.
    pub format: u16,
    /// The program's version, for people.
    pub program: String<32>,
    /// When the file was made.
    pub saved: Time,
    /// When counting began.
    pub started: Time,
    /// The day, in days since 1970, that `written` is about.
    pub day: u32,
    /// Bytes of snapshots written on that day, this file not included.
    pub written: u64,
}

/// Everything of an interface that has exactly one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    /// The name by which the books are found again.
    pub name: String<INTERFACE_NAME_MAX>,
    /// The side of the router; for people, the present configuration decides.
    pub role: Role,
    /// The first frame's time, if there was any.
    pub first: Option<Time>,
    /// The latest frame's time.
    pub last: Time,
    /// Frames delivered by the capture.
    pub captured: u64,
    /// Frames without IP.
    pub non_ip: Counters,
    /// IP packets accounted.
    pub total: ByDirection,
    /// TCP packets without ports.
    pub tcp_portless: ByDirection,
    /// UDP packets without ports.
    pub udp_portless: ByDirection,
    /// How many hosts had to make room.
    pub hosts_evicted: u64,
    /// What they had sent and received.
    pub evicted: Traffic,
    /// How many port rows had to make room.
    pub ports_evicted: u64,
}

/// Frames discarded for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discarded {
    /// The reason's name in the report.
    pub reason: String<32>,
    /// How many.
    pub packets: u64,
}

/// The traffic of one IP protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Its number (IANA).
    pub number: u8,
    /// Its traffic.
    pub traffic: ByDirection,
}

/// One bar of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// The ring it is in.
    pub period: Period,
    /// The number of the ring's newest period, counted in periods of local time since 1970 (months:
    /// since year 0).
    pub newest: i64,
    /// Its traffic.
    pub traffic: ledger::Bar,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// A number that is this host's alone among those of the interface; its ports refer to it.
    pub row: u16,
    /// The host's address.
    pub address: IpAddr,
    /// The link-layer address it sends from, if known.
    pub mac: Option<MacAddress>,
    /// True if it was in a local network.
    pub local: bool,
    /// How it was guarded against eviction.
    pub segment: Segment,
    /// TCP traffic.
    pub tcp: Traffic,
    /// UDP traffic.
    pub udp: Traffic,
    /// ICMP traffic.
    pub icmp: Traffic,
    /// The traffic of all other protocols. Each has a port record of its own, of kind `protocol`.
    pub other: Traffic,
    /// When its first packet came, in seconds since 1970.
    pub first_seen: u32,
    /// When its latest packet came, in seconds since 1970.
    pub last_seen: u32,
}

/// The traffic of one port, or of one of a host's IP protocols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// The row of the host it belongs to; none for the interface's own.
    pub row: Option<u16>,
    /// What is meant.
    pub kind: PortKind,
    /// The port's number, or the protocol's.
    pub port: u16,
    /// To the owner.
    pub inbound: Counters,
    /// From the owner.
    pub outbound: Counters,
    /// TCP connection attempts.
    pub syns: u32,
}

/// The account of a device or a local network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// What it is the account of.
    pub owner: Owner,
    /// The device's link-layer address.
    pub mac: Option<MacAddress>,
    /// The network's first address.
    pub network: Option<IpAddr>,
    /// The length of the network's prefix in bits.
    pub length: u8,
    /// When its first packet came, in seconds since 1970.
    pub first_seen: u32,
    /// When its latest packet came, in seconds since 1970.
    pub last_seen: u32,
    /// IPv4 traffic.
    pub ipv4: Traffic,
    /// IPv6 traffic.
    pub ipv6: Traffic,
    /// The second of local time since 1970 in whose hour, day and month the first bars are.
    pub until: i64,
    /// Bytes received and sent in each hour, the newest first. Zeros at the end are left out, as in the others.
    pub hours: AccountBars,
    /// Bytes received and sent in each day.
    pub days: AccountBars,
    /// Bytes received and sent in each month.
    pub months: AccountBars,
}

/// Bytes received and sent by period.
pub type AccountBars = Vec<[u64; 2], ACCOUNT_BARS_MAX>;

/// The longest ring's bars.
pub const ACCOUNT_BARS_MAX: usize = HISTORY_DAYS;

/// What an account record is about; see [`ledger::Owner`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Devices that made room.
    Others,
    /// Hosts whose device is not known.
    Unknown,
    /// The machine itself.
    Router,
    /// A local network.
    Network,
    /// A device.
    Device,
}

/// What two hosts sent each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// The row of the host with the smaller address.
    pub first: u16,
    /// The row of the other.
    pub second: u16,
    /// What the first sent to the second.
    pub first_sent: Counters,
    /// What the second sent to the first.
    pub second_sent: Counters,
}

/// What one host has done on the present day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Today {
    /// The host's row.
    pub row: u16,
    /// The day, in days of local time since 1970.
    pub day: u32,
    /// Bytes that it received.
    pub received: u64,
    /// Bytes that it sent.
    pub sent: u64,
}

/// What was warned of in the present month: how far somebody has used up a quota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// The interface's name, or the device's link-layer address, which has colons.
    pub target: String<INTERFACE_NAME_MAX>,
    /// The quota in bytes.
    pub bytes: u64,
    /// The percentage of it that was warned of.
    pub percent: u8,
}

/// A point in time since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Seconds (UTC).
    pub seconds: u64,
    /// Microseconds within the second.
    pub micros: u32,
}

/// Traffic by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByDirection {
    /// To local addresses from elsewhere.
    pub inbound: Counters,
    /// From local addresses to elsewhere.
    pub outbound: Counters,
    /// Between local addresses.
    pub internal: Counters,
    /// Between addresses elsewhere.
    pub transit: Counters,
}

/// How a host is guarded; see [`crate::table::Segment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// The first to go.
    Probation,
    /// Goes by way of probation.
    Protected,
    /// Out of reach of strangers.
    Pinned,
}

/// What a port record is about; see [`crate::table::PortKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortKind {
    /// TCP, the owner's own port.
    TcpLocal,
    /// TCP, the port at the other end.
    TcpRemote,
    /// UDP, the owner's own port.
    UdpLocal,
    /// UDP, the port at the other end.
    UdpRemote,
    /// An IP protocol of a host, other than TCP, UDP and ICMP.
    Protocol,
}

/// A link-layer address: six bytes in a snapshot, `02:00:00:00:00:01` in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacAddress(pub Mac);

impl Serialize for MacAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&self.0)
        } else {
            self.0.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for MacAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::<17>::deserialize(deserializer)?;
            Mac::parse(&text).map(Self).ok_or_else(|| de::Error::custom("no link-layer address"))
        } else {
            Ok(Self(Mac(<[u8; 6]>::deserialize(deserializer)?)))
        }
    }
}

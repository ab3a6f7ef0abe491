//! What the records of [`crate::snapshot`] look like to a program: their fields' names and types, in the
//! order in which they stand in a snapshot.
//!
//! Serde's derive says the same in code, once for every pair of a record and a format; as a table it
//! takes a twentieth of that. The tests hold the two against each other.

use Shape::{Address, Bars, Bool, Byte, Mac, Name, Optional, Signed, Struct, Text, Unsigned};

use crate::limits::INTERFACE_NAME_MAX;
use crate::snapshot::ACCOUNT_BARS_MAX;

/// What a value is, in a snapshot and as JSON.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// `true` or `false`.
    Bool,
    /// A number below 256, which postcard writes as it is.
    Byte,
    /// A number that is not larger than this one.
    Unsigned(u64),
    /// A number of 64 bits with a sign.
    Signed,
    /// A text of so many bytes at most.
    Text(usize),
    /// An IP address; text in JSON.
    Address,
    /// A link-layer address; text in JSON.
    Mac,
    /// One of these names; its index in a snapshot.
    Name(&'static [&'static str]),
    /// A value or `null`.
    Optional(&'static Shape),
    /// Bytes received and sent by period, so many periods at most; pairs of numbers in JSON.
    Bars(usize),
    /// All of these fields.
    Struct(&'static [Field]),
}

/// A field's name and what it holds.
pub(super) type Field = (&'static str, Shape);

/// How many fields the largest struct has.
pub(super) const FIELDS_MAX: usize = 12;

/// The records by their numbers.
pub(super) const RECORDS: [Field; 11] = [
    ("header", HEADER),
    ("interface", INTERFACE),
    ("discarded", Struct(&[("reason", Text(32)), ("packets", U64)])),
    ("protocol", Struct(&[("number", Byte), ("traffic", BY_DIRECTION)])),
    ("bar", BAR),
    ("host", HOST),
    ("port", PORT),
    ("account", ACCOUNT),
    ("peers", PEERS),
    ("today", Struct(&[("row", U16), ("day", U32), ("received", U64), ("sent", U64)])),
    ("warning", Struct(&[("target", Text(INTERFACE_NAME_MAX)), ("bytes", U64), ("percent", Byte)])),
];

const HEADER: Shape = Struct(&[
    ("format", U16),
    ("program", Text(32)),
    ("saved", TIME),
    ("started", TIME),
    ("day", U32),
    ("written", U64),
]);

const INTERFACE: Shape = Struct(&[
    ("name", Text(INTERFACE_NAME_MAX)),
    ("role", Name(&["lan", "wan"])),
    ("first", Optional(&TIME)),
    ("last", TIME),
    ("captured", U64),
    ("non_ip", COUNTERS),
    ("total", BY_DIRECTION),
    ("tcp_portless", BY_DIRECTION),
    ("udp_portless", BY_DIRECTION),
    ("hosts_evicted", U64),
    ("evicted", TRAFFIC),
    ("ports_evicted", U64),
]);

const BAR: Shape = Struct(&[
    ("period", Name(&["second", "minute", "hour", "day", "month"])),
    ("newest", Signed),
    ("traffic", Struct(&[("inbound", COUNTERS), ("outbound", COUNTERS), ("other", COUNTERS)])),
]);

const HOST: Shape = Struct(&[
    ("row", U16),
    ("address", Address),
    ("mac", Optional(&Mac)),
    ("local", Bool),
    ("segment", Name(&["probation", "protected", "pinned"])),
    ("tcp", TRAFFIC),
    ("udp", TRAFFIC),
    ("icmp", TRAFFIC),
    ("other", TRAFFIC),
    ("first_seen", U32),
    ("last_seen", U32),
]);

const PORT: Shape = Struct(&[
    ("row", Optional(&U16)),
    ("kind", Name(&["tcp_local", "tcp_remote", "udp_local", "udp_remote", "protocol"])),
    ("port", U16),
    ("inbound", COUNTERS),
    ("outbound", COUNTERS),
    ("syns", U32),
]);

const ACCOUNT: Shape = Struct(&[
    ("owner", Name(&["others", "unknown", "router", "network", "device"])),
    ("mac", Optional(&Mac)),
    ("network", Optional(&Address)),
    ("length", Byte),
    ("first_seen", U32),
    ("last_seen", U32),
    ("ipv4", TRAFFIC),
    ("ipv6", TRAFFIC),
    ("until", Signed),
    ("hours", Bars(ACCOUNT_BARS_MAX)),
    ("days", Bars(ACCOUNT_BARS_MAX)),
    ("months", Bars(ACCOUNT_BARS_MAX)),
]);

const PEERS: Shape =
    Struct(&[("first", U16), ("second", U16), ("first_sent", COUNTERS), ("second_sent", COUNTERS)]);

const U16: Shape = Unsigned(u16::MAX as u64);
const U32: Shape = Unsigned(u32::MAX as u64);
const U64: Shape = Unsigned(u64::MAX);

const TIME: Shape = Struct(&[("seconds", U64), ("micros", U32)]);
const COUNTERS: Shape = Struct(&[("packets", U64), ("bytes", U64)]);
const TRAFFIC: Shape = Struct(&[("sent", COUNTERS), ("received", COUNTERS)]);
const BY_DIRECTION: Shape =
    Struct(&[("inbound", COUNTERS), ("outbound", COUNTERS), ("internal", COUNTERS), ("transit", COUNTERS)]);

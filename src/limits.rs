//! Every bound in one place: its value, why, and what it costs in bytes.

/// Local networks of one interface. A router has a handful; each costs 32 bytes.
pub const LOCAL_PREFIXES_MAX: usize = 32;

/// VLAN tags and MPLS labels walked before a frame is discarded as too deep. Providers stack two or
/// three; the walk is what costs.
pub const ENCAPSULATIONS_MAX: usize = 8;

/// IPv6 extension headers walked before the packet is booked without ports. RFC 8200 lists seven.
pub const EXTENSION_HEADERS_MAX: usize = 8;

/// Hosts of one interface unless told otherwise; each costs `HOST_BYTES`.
pub const HOSTS_DEFAULT: u16 = 1_024;

/// The most hosts that one interface can have: slots are 16-bit and one value means "none".
pub const HOSTS_MAX: u16 = u16::MAX;

/// A host on probation is promoted at this many packets ...
pub const PROMOTION_PACKETS: u64 = 3;

/// ... and this many bytes: a spoofed flood sends one packet per source, a conversation soon has both.
pub const PROMOTION_BYTES: u64 = 2_048;

/// How many of the oldest guarded rows are looked at for the smallest: enough that a large host is
/// spared, few enough that the look is short.
pub const DEMOTION_CANDIDATES: usize = 16;

/// Port rows of one interface and all its hosts together, unless told otherwise; 48 bytes each.
pub const PORT_ROWS_DEFAULT: u32 = 8_192;

/// The most port rows of one interface: 3 MiB.
pub const PORT_ROWS_MAX: u32 = 65_536;

/// Sets of port rows looked at each second for rows of hosts that are gone: all of the default table
/// within half a minute.
pub const PORT_SETS_SWEPT: usize = 64;

/// Flows in the cache in front of a ledger: 96 bytes each. Larger caches hit hardly more often on
/// measured traffic and fall out of a small processor's own cache.
pub const FLOWS: usize = 1_024;

/// After this many lookups the flow cache is judged by its hits ...
pub const FLOW_TRIAL_LOOKUPS: u32 = 4_096;

/// ... and steps aside if there were fewer than one in eight, ...
pub const FLOW_HITS_WANTED: u32 = FLOW_TRIAL_LOOKUPS / 8;

/// ... for this many packets.
pub const FLOW_BYPASS_LOOKUPS: u32 = 16 * FLOW_TRIAL_LOOKUPS;

/// History kept of every interface: bars per ring.
pub const HISTORY_SECONDS: usize = 60;
/// Bars of one minute.
pub const HISTORY_MINUTES: usize = 60;
/// Bars of one hour.
pub const HISTORY_HOURS: usize = 24;
/// Bars of one day.
pub const HISTORY_DAYS: usize = 31;
/// Bars of one month.
pub const HISTORY_MONTHS: usize = 24;
/// Room for bars in every ring: the longest one's; 48 bytes each.
pub const HISTORY_BARS_MAX: usize = 60;

/// Packets this many seconds older than the newest are booked on the newest second: captures from
/// several queues deliver out of order, and that is no clock jump.
pub const REORDER_SECONDS: i64 = 5;

/// Interfaces watched at once. Each has a ledger and a capture ring of its own.
pub const INTERFACES_MAX: usize = 8;

/// Bytes of an interface's name: Linux allows 15, a capture file's name may be longer.
pub const INTERFACE_NAME_MAX: usize = 64;

/// The machine's own link-layer addresses on one interface: a bridge and its ports.
pub const OWN_MACS_MAX: usize = 32;
/// Options of a Neighbor Discovery message walked in search of a link-layer address. Hosts send it
/// first, a nonce (RFC 3971) or two behind it.
pub const NEIGHBOR_OPTIONS_MAX: usize = 8;

/// The longest record of a snapshot in bytes, its length included; the longest of ours is an interface's.
pub const SNAPSHOT_RECORD_BYTES: usize = 512;

/// A snapshot's bytes for each host at most, when every number is as long as numbers get; a usual one
/// takes 60.
pub const SNAPSHOT_HOST_BYTES: usize = 208;

/// A snapshot's bytes for each port row at most; a usual one takes 20.
pub const SNAPSHOT_PORT_BYTES: usize = 56;

/// A snapshot's bytes for what every interface has: its own record, the discards, 256 protocols of 86
/// bytes and the bars of its history of 74 each.
pub const SNAPSHOT_INTERFACE_BYTES: usize = SNAPSHOT_RECORD_BYTES
    + 16 * 48
    + 256 * 86
    + 74 * (HISTORY_SECONDS + HISTORY_MINUTES + HISTORY_HOURS + HISTORY_DAYS + HISTORY_MONTHS);

/// A snapshot's bytes for the file itself: its header and its end.
pub const SNAPSHOT_FILE_BYTES: usize = 256;

/// The most that an interface with these tables takes in a snapshot: 700 KB with the default ones.
/// That much is set aside at start; pages of it that no snapshot ever reached cost no memory.
pub const fn snapshot_interface_bytes(hosts: usize, port_rows: usize) -> usize {
    SNAPSHOT_INTERFACE_BYTES + hosts * SNAPSHOT_HOST_BYTES + port_rows * SNAPSHOT_PORT_BYTES
}

/// No counter of a snapshot is larger: an exabyte, 10 Gbit/s for 29 years. Larger ones are forged, and
/// sums of them could overflow.
pub const SNAPSHOT_COUNTER_MAX: u64 = 1 << 60;

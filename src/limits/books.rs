//! Those of the books: what is decoded, what is local, the tables, the history and quotas.

use core::time::Duration;

use super::daemon::CAPTURE_BATCH;

// Decode.

/// VLAN tags and MPLS labels walked before a frame is discarded as too deep. Providers stack two or
/// three; the walk is what costs.
pub const ENCAPSULATIONS_MAX: usize = 8;

/// IPv6 extension headers walked before the packet is booked without ports. RFC 8200 lists seven.
pub const EXTENSION_HEADERS_MAX: usize = 8;

/// Options of a Neighbor Discovery message walked in search of a link-layer address. Hosts send it
/// first, a nonce (RFC 3971) or two behind it.
pub const NEIGHBOR_OPTIONS_MAX: usize = 8;

// Place.

/// Local networks of one interface. A router has a handful; each costs 32 bytes.
pub const LOCAL_PREFIXES_MAX: usize = 32;

// Keep.

/// Host rows of one interface, unless --hosts-max says otherwise: a home network and its correspondents.
pub const HOSTS_DEFAULT: u16 = 1_024;

/// The most hosts that one interface can have: slots are 16-bit and one value means "none".
pub const HOSTS_MAX: u16 = u16::MAX;

/// A host on probation is promoted at this many packets ...
pub const PROMOTION_PACKETS: u64 = 3;

/// ... and this many bytes: a spoofed flood sends one packet per source, a conversation soon has both.
pub const PROMOTION_BYTES: u64 = 2_048;

/// One of so many rows that are not pinned stays free for hosts on probation, at least one. Measured on
/// five mixes of a million packets under a flood, each with three seeds of the hash: with this share and
/// the candidates below, 99.1 of the largest 100 hosts are true to one percent on average (97 to 100),
/// with one in 5 and 16 candidates 97.6 (95 to 100).
pub const PROBATION_SHARE: u16 = 40;

/// How many of the oldest guarded rows are looked at for the smallest: enough that a host which is large
/// is spared, few enough that the look is short. It costs 5 instructions per packet of the mix more than
/// with 16; with 128, which cost 10, 99.4 of the hosts above would be true.
pub const DEMOTION_CANDIDATES: usize = 64;

/// Port rows of one interface and all its hosts together, unless --ports-max says otherwise; 48 bytes each.
/// The IP protocols of hosts other than TCP, UDP and ICMP are among them: few hosts have any.
pub const PORTS_DEFAULT: u16 = 8_192;

/// What a host costs at most: its row, address and links, and what it does lately.
pub const HOST_BYTES: usize = 216;

/// What a hash bucket of the host table costs; there are as many as hosts, rounded up to a power of two.
pub const HOST_BUCKET_BYTES: usize = 2;

/// Devices of one LAN, unless --devices-max says otherwise. Each costs 1,104 bytes, and each host 4 more.
pub const DEVICES_DEFAULT: u16 = 128;

/// The most devices of one LAN: they are searched one by one for a link-layer address that was not there before.
pub const DEVICES_MAX: u16 = 1_024;

/// A device that was silent for so many seconds makes room first, whatever traffic it had: 31 days.
pub const DEVICE_STALE_SECONDS: u32 = 31 * 86_400;

/// Local networks of one LAN that have an account, those that have been there before included: a home has one of
/// IPv4 and two of IPv6, of which a provider changes one now and then.
pub const NETWORK_ACCOUNTS: usize = 8;

/// What the account of a device or network costs at most: 79 bars of 12 bytes, and its sums.
pub const ACCOUNT_BYTES: usize = 1_104;

/// What a host costs in a ledger with devices, beside its row.
pub const HOST_ACCOUNT_BYTES: usize = 4;

/// What a port row costs at most.
pub const PORT_ROW_BYTES: usize = 48;

/// What a row of two hosts that talk to each other costs at most. There are as many as hosts, rounded up to a power
/// of two: most hosts elsewhere talk to one host here.
pub const PEER_ROW_BYTES: usize = 48;

/// What a flow in the cache costs at most.
pub const FLOW_BYTES: usize = 96;

/// What a ledger costs at most beside its tables: history, protocols, totals. With the default tables it
/// is 28 KiB + 1,024 hosts x (218 + 48) + 8,192 port rows x 48 + 1,024 flows x 96 = 774 KiB.
pub const LEDGER_BYTES: usize = 28 * 1024;

/// Sets of port rows looked at each second for rows of hosts that are gone: all of the default table
/// within half a minute.
pub const PORT_SETS_SWEPT: usize = 64;

/// Sets of peers, likewise: all of the default table within a quarter of a minute.
pub const PEER_SETS_SWEPT: usize = 16;

/// Flows in the cache in front of a ledger: 96 bytes each. Larger caches hit hardly more often on
/// measured traffic and fall out of a small processor's own cache.
pub const FLOWS: usize = 1_024;

/// After this many misses the flow cache is judged by its hits ...
pub const FLOW_TRIAL_MISSES: u32 = 3_584;

/// ... and steps aside if they were fewer than one lookup in eight, ...
pub const FLOW_HITS_WANTED: u64 = FLOW_TRIAL_MISSES as u64 / 7;

/// ... for this many packets.
pub const FLOW_BYPASS_PACKETS: u32 = 65_536;

/// A flow that goes on has a record for the collector once in so many seconds, and one that has ended
/// within them. Of a cache with 1,024 places 18 are looked at each second.
pub const FLOW_RECORD_SECONDS: u64 = 60;

/// Flows of an interface that wait for the end of a batch of frames to be taken for the collector, 96 bytes
/// each: 64 that are due, and those below. What finds no room is counted.
pub const FLOW_RECORDS: usize = 64 + FLOW_RECORDS_KEPT_FREE;

/// So many of these places are for flows that leave the cache. Each frame of a batch may need two: for the flow that
/// makes room for its own and, if it goes to a dark address, for its own, which must not become a known one.
pub const FLOW_RECORDS_KEPT_FREE: usize = 2 * CAPTURE_BATCH;

/// What an interface's records for a collector cost, if there is one: 86 KiB.
pub const FLOW_RECORDS_BYTES: usize = FLOWS * 32 + FLOW_RECORDS * FLOW_BYTES;

// Account.

/// Interfaces watched at once. Each has a ledger and a capture ring of its own.
pub const INTERFACES_MAX: usize = 8;

/// Bytes of an interface's name: Linux allows 15, a capture file's name may be longer.
pub const INTERFACE_NAME_MAX: usize = 64;

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

/// Bars of all rings of an interface; 48 bytes each.
pub const HISTORY_BARS: usize =
    HISTORY_SECONDS + HISTORY_MINUTES + HISTORY_HOURS + HISTORY_DAYS + HISTORY_MONTHS;

/// Seconds in which rows count for a rate, and the time after which all flows are booked for that: short enough
/// to tell who uses the line now, long enough that the thousand flows are looked at rarely.
pub const RATE_SECONDS: u64 = 5;

/// Packets this many seconds older than the newest are booked on the newest second: captures from
/// several queues deliver out of order, and that is no clock jump.
pub const REORDER_SECONDS: i64 = 5;

// Quotas.

/// Quotas that --quota may set, 24 bytes each: more devices and networks than anybody in a home keeps an eye on.
pub const QUOTAS_MAX: usize = 32;

/// The smallest quota in bytes: one that a few packets use up says nothing.
pub const QUOTA_BYTES_MIN: u64 = 1_000;

/// The largest, because a device's bars end at 256 TiB.
pub const QUOTA_BYTES_MAX: u64 = 100_000_000_000_000;

/// Between two looks at the quotas. The sums of devices are brought up to date in the same pace while packets come.
pub const QUOTA_INTERVAL: Duration = Duration::from_secs(RATE_SECONDS);

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

/// Bytes of a host's name: as long as a domain name can be (RFC 1035, without the last dot).
pub const HOST_NAME_MAX: usize = 253;

/// Rows of one page of hosts, at most: 160 bytes each.
pub const HOSTS_SHOWN_MAX: usize = 256;

/// Ports listed of one transport and side on the page of ports: 96 bytes each.
pub const PORTS_SHOWN_MAX: usize = 100;

/// Ports listed of one transport and side of a host.
pub const HOST_PORTS_SHOWN_MAX: usize = 50;

/// Hosts and services in each list of the overview.
pub const TOP_SHOWN: usize = 10;

//! Every bound in one place: its value, why, and what it costs in bytes.

/// Local networks of one interface. A router has a handful; each costs 32 bytes.
pub const LOCAL_PREFIXES_MAX: usize = 32;

/// VLAN tags and MPLS labels walked before a frame is discarded as too deep. Providers stack two or
/// three; the walk is what costs.
pub const ENCAPSULATIONS_MAX: usize = 8;

/// IPv6 extension headers walked before the packet is booked without ports. RFC 8200 lists seven.
pub const EXTENSION_HEADERS_MAX: usize = 8;

/// Dark prefixes. Each is tested against every packet's destination (two comparisons); 32 bytes each.
pub const DARK_PREFIXES_MAX: usize = 32;

/// Sources of packets to dark addresses, allocated if there is a dark prefix: 1,024 x 208 = 208 KiB. In a
/// full table the smallest source goes.
pub const DARK_SOURCES_MAX: usize = 1024;

/// What one of them costs, at most.
pub const DARK_SOURCE_BYTES: usize = 208;

/// Distinct dark addresses remembered per source, 4 bytes each; the count stops there. Four are enough for
/// a verdict (Jung et al. 2004).
pub const DARK_TARGETS_MAX: usize = 8;

/// Seconds in which one source raises at most one event of its kind, so that a scan is a few lines in the
/// log and not one per packet.
pub const DARK_WINDOW_SECONDS: u64 = 60;

/// Recent events kept for the page and the report, 112 bytes each. The oldest goes.
pub const DARK_EVENTS_MAX: usize = 64;

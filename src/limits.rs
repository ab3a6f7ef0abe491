//! Every bound in one place: its value, why, and what it costs in bytes.

/// Local networks of one interface. A router has a handful; each costs 32 bytes.
pub const LOCAL_PREFIXES_MAX: usize = 32;

/// VLAN tags and MPLS labels walked before a frame is discarded as too deep. Providers stack two or
/// three; the walk is what costs.
pub const ENCAPSULATIONS_MAX: usize = 8;

/// IPv6 extension headers walked before the packet is booked without ports. RFC 8200 lists seven.
pub const EXTENSION_HEADERS_MAX: usize = 8;

/// Options of a Neighbor Discovery message walked in search of a link-layer address. Hosts send it
/// first, a nonce (RFC 3971) or two behind it.
pub const NEIGHBOR_OPTIONS_MAX: usize = 8;

//! Every bound in one place: its value, why, and what it costs in bytes.

/// Local networks of one interface. A router has a handful; each costs 32 bytes.
pub const LOCAL_PREFIXES_MAX: usize = 32;

/// VLAN tags and MPLS labels walked before a frame is discarded as too deep. Providers stack two or
/// three; the walk is what costs.
pub const ENCAPSULATIONS_MAX: usize = 8;

/// IPv6 extension headers walked before the packet is booked without ports. RFC 8200 lists seven.
pub const EXTENSION_HEADERS_MAX: usize = 8;

/// Interfaces watched at once. Each has a ledger and a capture ring of its own, which is what costs.
pub const INTERFACES_MAX: usize = 8;

/// Bytes captured of each frame, unless --snaplen says otherwise: Ethernet, two VLAN tags, PPPoE, an
/// IPv6 header with two extensions and the TCP header fit, and so does an ARP or neighbour message.
pub const SNAPLEN_DEFAULT: u32 = 192;

/// Capture ring of an interface in bytes, unless --ring-size says otherwise. All of it is resident.
/// libpcap makes blocks of 256 KiB of it: four of them hold 40 ms of 100,000 frames per second.
pub const RING_DEFAULT: u32 = 1 << 20;

/// Milliseconds after which the kernel hands over a block of the ring that is not full. It bounds how
/// old the numbers of a quiet link are, and with them its wake-ups: one per interface and second.
pub const CAPTURE_BLOCK_MILLIS: i32 = 1000;

/// Frames taken from one ring before the other descriptors get their turn.
pub const CAPTURE_BATCH: usize = 256;

/// Devices behind one interface: the ports of a bridge, its Wi-Fi networks included. The kernel walks
/// the list for every frame; its limit for a filter is 4,096 instructions, two per device.
pub const CAPTURE_DEVICES_MAX: usize = 32;

/// VLAN and PPPoE devices walked down from an interface to the one that carries it. Two are common.
pub const DEVICE_LAYERS_MAX: usize = 4;

/// Wake-ups in a row without a frame before a capture handle is taken for broken and opened anew.
pub const CAPTURE_EMPTY_WAKEUPS_MAX: u32 = 64;

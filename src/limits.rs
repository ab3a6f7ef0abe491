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

/// Addresses that the web server listens on: 4 bytes of descriptor and a slot of the poll each.
pub const LISTEN_MAX: usize = 8;

/// Names beyond our own addresses under which a browser may ask for a page; up to 253 bytes each.
pub const HOST_NAMES_MAX: usize = 16;

/// Prefixes that the user declares dark. They are matched one by one for each packet.
pub const DARK_PREFIXES_MAX: usize = 32;

/// Host rows of an interface, unless --hosts-max says otherwise: a home network and its correspondents.
pub const HOSTS_DEFAULT: u16 = 1024;

/// Port rows of an interface, unless --ports-max says otherwise: a few for each host.
pub const PORTS_DEFAULT: u16 = 8192;

/// Bytes captured of each frame, unless --snaplen says otherwise: Ethernet, two VLAN tags, PPPoE, an
/// IPv6 header with two extensions and the TCP header fit, and so does an ARP or neighbour message.
pub const SNAPLEN_DEFAULT: u32 = 192;

/// The smallest --snaplen: Ethernet, one VLAN tag, IPv4 without options and the ports.
pub const SNAPLEN_MIN: u32 = 64;

/// The largest --snaplen, which is libpcap's own limit for a frame.
pub const SNAPLEN_MAX: u32 = 262_144;

/// Capture ring of a device in bytes, unless --ring-size says otherwise. 256 KiB lost packets at full
/// rate, 2 MiB lost none.
pub const RING_DEFAULT: u32 = 2 << 20;

/// The smallest --ring-size in bytes: libpcap's block size for our snapshot length.
pub const RING_MIN: u32 = 64 << 10;

/// The largest --ring-size in bytes; a ring is kernel memory that cannot be swapped.
pub const RING_MAX: u32 = 256 << 20;

/// Bytes of a --config file. All options with long values take less than a tenth.
pub const CONFIG_FILE_BYTES_MAX: usize = 64 << 10;

/// Option uses from one source, the command line or a file. With every list full there are about 150.
pub const OPTION_USES_MAX: usize = 256;

/// Bytes of a filter expression, a path, or any other value of an option.
pub const OPTION_VALUE_BYTES_MAX: usize = 4096;

/// Bytes of one log line. Longer ones are cut; syslog daemons cut at 1,024 to 8,192 themselves.
pub const LOG_LINE_BYTES_MAX: usize = 1024;

/// Bytes read of /etc/passwd and /etc/TZ, a megabyte of thousands of users at the most.
pub const SYSTEM_FILE_BYTES_MAX: u64 = 1 << 20;

//! Every bound in one place: its value, why, and what it costs in bytes.

use core::time::Duration;

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

/// Recent events kept for the page and the report, 104 bytes each. The oldest goes.
pub const DARK_EVENTS_MAX: usize = 64;

/// Messages that wait for the syslog receiver, 112 bytes each: 112 KiB. A full queue loses the newest and
/// counts it.
pub const ALARM_QUEUE_MAX: usize = 1024;

/// A syslog message, in bytes: every receiver takes 1,024 (RFC 5424 recommends 2,048), and it fits a
/// datagram on any link.
pub const ALARM_MESSAGE_BYTES: usize = 1024;

/// The time between two STATS messages.
pub const ALARM_STATS_INTERVAL: Duration = Duration::from_secs(300);

/// How long the end of the program may wait for the syslog receiver.
pub const ALARM_STOP_PATIENCE: Duration = Duration::from_millis(500);

/// Addresses of a receiver's name that are tried.
pub const RECEIVER_ADDRESSES_MAX: usize = 4;

/// How long a receiver may take to accept a connection or a message.
pub const RECEIVER_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause after a first failure; it doubles with each further one.
pub const RECEIVER_BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// The longest pause between two attempts.
pub const RECEIVER_BACKOFF_LAST: Duration = Duration::from_secs(30);

/// A host's name, in bytes. A longer one is not shown at all, because a cut name is another name.
pub const NAME_BYTES_MAX: usize = 63;

/// Bytes read of a lease or hosts file; what follows is not read.
pub const NAMES_FILE_BYTES_MAX: usize = 256 * 1024;

/// DHCP leases kept, 112 bytes each. dnsmasq's own limit is 1,000.
pub const LEASES_MAX: usize = 1024;

/// Names kept of hosts files, 88 bytes each. Lists of blocked names reach millions, but for one address.
pub const HOSTS_FILE_NAMES_MAX: usize = 1024;

/// Answers of reverse DNS kept, 112 bytes each: 112 KiB.
pub const REVERSE_CACHE_MAX: usize = 1024;

/// Addresses that wait for reverse DNS. When the list is full, the address is asked for at a later view.
pub const REVERSE_REQUESTS_MAX: usize = 64;

/// How long a name from reverse DNS is believed.
pub const REVERSE_KNOWN_FOR: Duration = Duration::from_secs(3600);

/// How long an address stays without a name before the resolver is asked again.
pub const REVERSE_UNKNOWN_FOR: Duration = Duration::from_secs(600);

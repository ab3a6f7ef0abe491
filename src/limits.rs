//! Every bound in one place: its value, why, and what it costs in bytes.

use core::time::Duration;

/// Local networks of one interface. A router has a handful; each costs 32 bytes.
pub const LOCAL_PREFIXES_MAX: usize = 32;

/// VLAN tags and MPLS labels walked before a frame is discarded as too deep. Providers stack two or
/// three; the walk is what costs.
pub const ENCAPSULATIONS_MAX: usize = 8;

/// IPv6 extension headers walked before the packet is booked without ports. RFC 8200 lists seven.
pub const EXTENSION_HEADERS_MAX: usize = 8;

/// Web: connections open at once, each with its own head buffer. A browser opens six; a household
/// with every device on the page still fits. Costs 48 x 2.2 KiB = 104 KiB.
pub const WEB_CONNECTIONS_MAX: usize = 48;

/// Web: connections of one address, so that one client cannot take all of them: two browsers' worth.
pub const WEB_CONNECTIONS_PER_ADDRESS_MAX: usize = 12;

/// Web: a request head, which is all that a request may have. A browser's is 400 to 900 bytes,
/// cookies of other programs on the same router included.
pub const WEB_HEAD_BYTES_MAX: usize = 2048;

/// Web: header lines in a request head. A browser sends about 15; 32 bytes each, on the stack.
pub const WEB_HEADERS_MAX: usize = 32;

/// Web: the body of a response. The largest page is a few hundred rows of about 300 bytes.
pub const WEB_BODY_BYTES_MAX: usize = 128 * 1024;

/// Web: the head of a response, which holds nothing of foreign length and stays below 700 bytes.
pub const WEB_RESPONSE_HEAD_BYTES_MAX: usize = 1024;

/// Web: responses in memory: one being made, the others on their way to a client that reads slower
/// than the socket's buffer takes. Costs 4 x 129 KiB = 516 KiB, resident only once used.
pub const WEB_PAGES_MAX: usize = 4;

/// Web: addresses to listen on. A router has a handful; each costs one descriptor.
pub const WEB_LISTENERS_MAX: usize = 8;

/// Web: names under which the page may be asked for, besides addresses and localhost.
pub const WEB_HOST_NAMES_MAX: usize = 16;

/// Web: requests answered on one connection before it is closed, so that none lives for ever.
pub const WEB_REQUESTS_PER_CONNECTION_MAX: u32 = 1000;

/// Web: connections that the kernel queues for accept, per listener. When this queue is full a client
/// tries again only after a second; ten attackers on two processors overflowed 128 now and then, 256 never.
pub const WEB_BACKLOG: i32 = 256;

/// Web: the kernel's send buffer of a connection in bytes (it doubles it): most pages fit whole.
pub const WEB_SEND_BUFFER_BYTES: usize = 32 * 1024;

/// Web: the kernel's receive buffer of a connection in bytes (it doubles it): two heads.
pub const WEB_RECEIVE_BUFFER_BYTES: usize = 4 * 1024;

/// Web: connections accepted from one listener before the open ones get their turn.
pub const WEB_ACCEPTS_PER_TURN: usize = 32;

/// Web: bytes read and thrown away after the last response, so that closing does not reset the
/// connection before the client has read it (RFC 9112, section 9.6).
pub const WEB_LINGER_BYTES_MAX: usize = 64 * 1024;

/// Web: how long that goes on, and with it the time to read what is in the kernel's send buffer.
pub const WEB_LINGER_TIME: Duration = Duration::from_secs(4);

/// Web: time for a whole request head, from its first byte or from accept.
pub const WEB_HEAD_TIME: Duration = Duration::from_secs(5);

/// Web: time that a connection may idle between two requests. The page asks anew every few seconds.
pub const WEB_IDLE_TIME: Duration = Duration::from_secs(15);

/// Web: time in which a client must take at least one byte of its response.
pub const WEB_STALL_TIME: Duration = Duration::from_secs(4);

/// Web: how long a response may stay in memory though others wait for its page: several round trips
/// on Wi-Fi, and short enough that all connections have had their turn within a second.
pub const WEB_PAGE_TIME: Duration = Duration::from_millis(50);

/// Web: time for a whole response: 6.5 KB/s for the largest.
pub const WEB_RESPONSE_TIME: Duration = Duration::from_secs(20);

/// Web: pause after accept failed for want of descriptors or memory.
pub const WEB_ACCEPT_PAUSE: Duration = Duration::from_millis(200);

const _: () = assert!(WEB_CONNECTIONS_PER_ADDRESS_MAX < WEB_CONNECTIONS_MAX);
const _: () = assert!(WEB_PAGES_MAX >= 2);

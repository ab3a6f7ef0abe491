//! Those of the program around the books: options and files, capture, service, and what is told to others.

use core::time::Duration;

// Options and files.

/// Bytes of a --config file. All options with long values take less than a tenth.
pub const CONFIG_FILE_BYTES_MAX: usize = 64 << 10;

/// Option uses from one source, the command line or a file. With every list full there are about 300.
pub const OPTION_USES_MAX: usize = 384;

/// Bytes of a filter expression, a path, or any other value of an option.
pub const OPTION_VALUE_BYTES_MAX: usize = 4096;

/// Bytes of one log line. Longer ones are cut; syslog daemons cut at 1,024 to 8,192 themselves.
pub const LOG_LINE_BYTES_MAX: usize = 1024;

/// Bytes read of /etc/passwd and /etc/TZ, a megabyte of thousands of users at the most.
pub const SYSTEM_FILE_BYTES_MAX: u64 = 1 << 20;

// Capture.

/// Bytes captured of each frame, unless --snaplen says otherwise: Ethernet, two VLAN tags, PPPoE, an
/// IPv6 header with two extensions and the TCP header fit, and so does an ARP or neighbour message.
pub const SNAPLEN_DEFAULT: u32 = 192;

/// The smallest --snaplen: Ethernet, one VLAN tag, IPv4 without options and the ports.
pub const SNAPLEN_MIN: u32 = 64;

/// The largest --snaplen, which is libpcap's own limit for a frame.
pub const SNAPLEN_MAX: u32 = 262_144;

/// Capture ring of an interface in bytes, unless --ring-size says otherwise. All of it is resident.
/// libpcap makes blocks of 256 KiB of it: four of them hold 40 ms of 100,000 frames per second.
pub const RING_DEFAULT: u32 = 1 << 20;

/// The smallest --ring-size in bytes: libpcap's block size for our snapshot length.
pub const RING_MIN: u32 = 64 << 10;

/// The largest --ring-size in bytes; a ring is kernel memory that cannot be swapped.
pub const RING_MAX: u32 = 256 << 20;

/// Milliseconds after which the kernel hands over a block of the ring that is not full. It bounds how old the
/// numbers of a quiet link are, and how long an alert waits there: it is to be told within a second. There are
/// at most two wake-ups per interface and second.
pub const CAPTURE_BLOCK_MILLIS: i32 = 500;

/// Frames taken from one ring before the other descriptors get their turn.
pub const CAPTURE_BATCH: usize = 256;

/// Devices behind one interface: the ports of a bridge, its Wi-Fi networks included. The kernel walks
/// the list for every frame; its limit for a filter is 4,096 instructions, two per device.
pub const CAPTURE_DEVICES_MAX: usize = 32;

/// VLAN and PPPoE devices walked down from an interface to the one that carries it. Two are common.
pub const DEVICE_LAYERS_MAX: usize = 4;

/// Wake-ups in a row without a frame before a capture handle is taken for broken and opened anew.
pub const CAPTURE_EMPTY_WAKEUPS_MAX: u32 = 64;

/// Packets of a file between two looks at the terminal's progress line.
pub const READ_BATCH: usize = 16_384;

/// The time between two progress lines.
pub const READ_PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

// Service.

/// Stack of a thread, which is virtual memory until it is used. The deepest calls, rendering a page and
/// libpcap's filter compiler, stay below 64 KiB.
pub const THREAD_STACK_BYTES: usize = 256 * 1024;

/// Stack of a thread that asks the C library for names, which may want more: as much as others have by default.
pub const RESOLVER_STACK_BYTES: usize = 2 * 1024 * 1024;

/// The main thread's pause between two looks at the names' files and at the darknet's open windows.
pub const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(60);

/// How long the end of the program waits for its threads; a signal ends it within a second.
pub const STOP_PATIENCE: Duration = Duration::from_millis(300);

// Alarm.

/// Messages that wait for the syslog receiver, or for its word that they came, 120 bytes each: 120 KiB. A
/// full queue loses the newest and counts it, but an alert takes the place of the newest that is none.
pub const ALARM_QUEUE_MAX: usize = 1024;

/// A syslog message, in bytes. It fits a datagram in a WireGuard tunnel, whose 1,420 bytes hold 48 of headers.
/// JSON may take that much; the other formats stay below 1,024, which is all that RFC 3164 (4.1) promises.
pub const ALARM_MESSAGE_BYTES: usize = 1372;

/// A message and what frames it on a byte stream: its length and a space, or a newline.
pub const ALARM_FRAME_BYTES: usize = ALARM_MESSAGE_BYTES + 5;

/// This machine's name in a message. Linux has no longer one (uname(2)).
pub const HOST_NAME_BYTES_MAX: usize = 64;

/// Seconds between two reports of what sources sent to the dark.
pub const SUMMARY_SECONDS: u64 = 3600;

/// The time between two STATS messages.
pub const ALARM_STATS_INTERVAL: Duration = Duration::from_secs(300);

/// How long the end of the program may wait for the syslog receiver.
pub const ALARM_STOP_PATIENCE: Duration = Duration::from_millis(500);

/// Addresses of a receiver's name that are tried.
pub const RECEIVER_ADDRESSES_MAX: usize = 4;

/// How long a receiver may take to accept a connection.
pub const RECEIVER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a receiver may leave data on a connection unacknowledged: one that is slow gets time, and for
/// one that is gone the kernel would try 15 minutes.
pub const RECEIVER_STALL: Duration = Duration::from_secs(60);

/// What the kernel holds for a receiver that is slow, in bytes; it doubles this. The rest waits in the
/// queue, where an alert goes before a hit.
pub const RECEIVER_BUFFER_BYTES: usize = 8 * 1024;

/// The pause after a first failure; it doubles with each further one.
pub const RECEIVER_BACKOFF_FIRST: Duration = Duration::from_millis(500);

/// The longest pause between two attempts.
pub const RECEIVER_BACKOFF_LAST: Duration = Duration::from_secs(30);

// IPFIX.

/// Flows that wait for the sender of records, 104 bytes each: 104 KiB. A full queue loses the newest and counts
/// what it loses.
pub const IPFIX_QUEUE_MAX: usize = 1024;

/// Records are gathered for so long before they are sent, so that messages fill up. With the queue this bounds
/// what a flood of flows can make of us: 4,096 flows a second.
pub const IPFIX_INTERVAL: Duration = Duration::from_millis(250);

/// An IPFIX message, in bytes: it fits the same tunnel as a syslog message. RFC 7011 (10.3.3) has 512 where the
/// path is unknown; a collector is near.
pub const IPFIX_MESSAGE_BYTES: usize = ALARM_MESSAGE_BYTES;

/// How long a capture file waits for room in the queue before it loses records.
pub const IPFIX_ROOM_PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of the program may wait for the collector.
pub const IPFIX_STOP_PATIENCE: Duration = Duration::from_millis(500);

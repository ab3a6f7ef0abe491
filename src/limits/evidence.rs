//! Those of packets kept as evidence, and of names.

use core::time::Duration;

use super::books::{INTERFACE_NAME_MAX, INTERFACES_MAX};

// Evidence.

/// Bytes of evidence on disk, unless --evidence-bytes says otherwise: 5,000 packets at the default --snaplen.
pub const EVIDENCE_BYTES_DEFAULT: u64 = 1 << 20;

/// The least --evidence-bytes: each of the ring's parts has room for a few of the longest packets.
pub const EVIDENCE_BYTES_MIN: u64 = 64 << 10;

/// The largest --evidence-bytes.
pub const EVIDENCE_BYTES_MAX: u64 = 1 << 30;

/// Seconds for which evidence is kept, unless --evidence-age says otherwise: a week.
pub const EVIDENCE_AGE_DEFAULT: u64 = 7 * 86_400;

/// The ring's bytes are those of so many segments: what a full ring loses at once is one of them.
pub const EVIDENCE_SHARE: u64 = 8;

/// Segments on disk at most, 48 bytes each. A ring that starts anew often has more than its share of them.
pub const EVIDENCE_SEGMENTS_MAX: usize = 64;

/// Captured bytes kept of one frame: all of an ordinary one. With --snaplen above this, the rest is cut.
pub const EVIDENCE_FRAME_BYTES_MAX: usize = 1_600;

/// Bytes of the words about a packet.
pub const EVIDENCE_COMMENT_BYTES_MAX: usize = 256;

/// Bytes of a block of a segment: the longest frame, the words about it, and what is around them.
pub const EVIDENCE_BLOCK_BYTES_MAX: usize = EVIDENCE_FRAME_BYTES_MAX + EVIDENCE_COMMENT_BYTES_MAX + 192;

/// Interfaces and their link types that the packets of one segment can have come from.
pub const EVIDENCE_INTERFACES_MAX: usize = 2 * INTERFACES_MAX;

/// Packets on their way to the disk: as many bytes, twice, since one half fills while the other is written.
/// When it is full, a packet is not kept and is counted.
pub const EVIDENCE_BUFFER_BYTES: usize = 32 << 10;

/// Packets are collected for this long before they are written, unless the buffer is half full.
pub const EVIDENCE_WRITE_INTERVAL: Duration = Duration::from_secs(1);

/// The time between two looks for packets that are too old.
pub const EVIDENCE_SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How long the end of the program may wait for evidence to be written.
pub const EVIDENCE_STOP_PATIENCE: Duration = Duration::from_millis(500);

/// Sources with an alert whose first and last packets stay in memory: 3.5 KiB each, 56 KiB in all. In a full list
/// the one that has been silent for longest makes room.
pub const EVIDENCE_SOURCES_MAX: usize = 16;

/// Packets kept of each of them from its beginning, and as many from its end.
pub const EVIDENCE_ENDS_MAX: usize = 4;

/// Bytes of such a packet with the words about it; longer ones are cut.
pub const EVIDENCE_END_BYTES: usize = 384;

/// What is read of a segment at once for a download.
pub const EVIDENCE_READ_BYTES: usize = 16 << 10;

/// The longest row that an export makes of a packet: each captured byte is two digits, each byte of a name or of
/// the words two if it is a quotation mark, and the rest is half of this.
pub const EVIDENCE_ROW_BYTES: usize =
    2 * (EVIDENCE_FRAME_BYTES_MAX + EVIDENCE_COMMENT_BYTES_MAX + INTERFACE_NAME_MAX) + 1_024;

// Names.

/// A host's name, in bytes. A longer one is not shown at all, because a cut name is another name.
pub const NAME_BYTES_MAX: usize = 63;

/// Neighbors read of the kernel's table, 16 bytes each for a moment. Its own default limit is the same.
pub const NEIGHBORS_MAX: usize = 1024;

/// Bytes of one datagram of that table; the kernel makes none longer for a reader with such a buffer.
pub const NETLINK_MESSAGE_BYTES_MAX: usize = 32 * 1024;

/// Bytes read of a lease or hosts file; what follows is not read.
pub const NAMES_FILE_BYTES_MAX: usize = 256 * 1024;

/// Lease files, ethers files, and hosts files or directories of them, that the options may name: two for each interface that
/// can be watched.
pub const NAMES_PATHS_MAX: usize = 16;

/// Files read of a directory of hosts files: one for each network that a router serves, and a few more.
pub const NAMES_FILES_MAX: usize = 16;

/// Entries of such a directory that are looked at, in the order in which the system has them.
pub const NAMES_DIRECTORY_ENTRIES_MAX: usize = 256;

/// DHCP leases kept, 112 bytes each. dnsmasq's own limit is 1,000.
pub const LEASES_MAX: usize = 1024;

/// Changes of leases remembered, so that who had an address can be told later: 128 bytes each, 8 KiB at most. A home
/// sees some ten in a day.
pub const LEASE_CHANGES_MAX: usize = 64;

/// Names kept of hosts files, 88 bytes each. Lists of blocked names reach millions, but for one address.
pub const HOSTS_FILE_NAMES_MAX: usize = 1024;

/// Names kept of ethers files, 80 bytes each.
pub const ETHERS_NAMES_MAX: usize = 512;

/// Names of devices that people gave or that are kept after the lease, 88 bytes each: 44 KiB at most, and as much
/// for a moment as the file with them takes. A home has some fifty; telephones with a new address each day fill
/// the rest within a year.
pub const DEVICE_NAMES_MAX: usize = 512;

/// Bytes of that file; a line is a name and 24 bytes.
pub const DEVICE_NAMES_FILE_BYTES_MAX: u64 = (DEVICE_NAMES_MAX * (NAME_BYTES_MAX + 24)) as u64;

/// Names that --name may give: all devices of a home.
pub const NAME_OPTIONS_MAX: usize = 128;

/// Bytes of the table of vendors, which is on disk. It has half a megabyte, and grows by 5 % a year.
pub const VENDORS_FILE_BYTES_MAX: u64 = 4 << 20;

/// Bytes of one of its blocks, which is read as a whole: 64 records of up to 10.
pub const VENDOR_BLOCK_BYTES_MAX: usize = 640;

/// Answers of reverse DNS kept, 112 bytes each: 112 KiB.
pub const REVERSE_CACHE_MAX: usize = 1024;

/// Addresses that wait for reverse DNS. When the list is full, the address is asked for at a later view.
pub const REVERSE_REQUESTS_MAX: usize = 64;

/// How long a name from reverse DNS is believed.
pub const REVERSE_KNOWN_FOR: Duration = Duration::from_secs(3600);

/// How long an address stays without a name before the resolver is asked again.
pub const REVERSE_UNKNOWN_FOR: Duration = Duration::from_secs(600);

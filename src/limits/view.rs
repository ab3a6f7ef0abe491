//! Those of what goes out of the books: snapshots and pages.

use core::time::Duration;

use super::books::{
    DEVICES_MAX, HISTORY_DAYS, HISTORY_HOURS, HISTORY_MINUTES, HISTORY_MONTHS, HISTORY_SECONDS,
    INTERFACES_MAX, NETWORK_ACCOUNTS, QUOTAS_MAX,
};

// Remember.

/// Port rows of one interface in a snapshot: as many as the largest --ports-max makes room for.
pub const SNAPSHOT_PORTS_MAX: u32 = 1 << 16;

/// The longest record of a snapshot in bytes; the longest of ours is an account's.
pub const SNAPSHOT_RECORD_BYTES: usize = 1_280;

/// Accounts of one interface in a snapshot: as many as the largest --devices-max makes room for, those of networks,
/// of this machine, of unknown devices and of those that made room.
pub const SNAPSHOT_ACCOUNTS_MAX: usize = DEVICES_MAX as usize + NETWORK_ACCOUNTS + 3;

/// A snapshot's bytes for each account at most; one that has seen all of its 79 periods takes 700.
pub const SNAPSHOT_ACCOUNT_BYTES: usize = 1_240;

/// A snapshot's bytes for each host at most, when every number is as long as numbers get; a usual one
/// takes 60.
pub const SNAPSHOT_HOST_BYTES: usize = 208;

/// A snapshot's bytes for what each of them has done today at most; usually 12.
pub const SNAPSHOT_TODAY_BYTES: usize = 32;

/// A snapshot's bytes for each port row at most; a usual one takes 20.
pub const SNAPSHOT_PORT_BYTES: usize = 56;

/// A snapshot's bytes for each row of peers at most; a usual one takes 20.
pub const SNAPSHOT_PEERS_BYTES: usize = 50;

/// Rows of peers of one interface in a snapshot: as many as the largest --hosts-max makes room for.
pub const SNAPSHOT_PEERS_MAX: u32 = 1 << 16;

/// A snapshot's bytes for what every interface has: its own record of 512, the discards, 256 protocols of 86
/// bytes and the bars of its history of 74 each.
pub const SNAPSHOT_INTERFACE_BYTES: usize = 512
    + 16 * 48
    + 256 * 86
    + 74 * (HISTORY_SECONDS + HISTORY_MINUTES + HISTORY_HOURS + HISTORY_DAYS + HISTORY_MONTHS);

/// A snapshot's bytes for what was warned of a quota at most.
pub const SNAPSHOT_WARNING_BYTES: usize = 96;

/// A snapshot's bytes for the file itself: its header, its end, and what was warned of.
pub const SNAPSHOT_FILE_BYTES: usize = 256 + QUOTAS_MAX * SNAPSHOT_WARNING_BYTES;

/// The most that an interface with these tables takes in a snapshot: 950 KB with the default ones.
/// That much is set aside at start; pages of it that no snapshot ever reached cost no memory.
pub const fn snapshot_interface_bytes(
    hosts: usize,
    port_rows: usize,
    accounts: usize,
    peers: usize,
) -> usize {
    SNAPSHOT_INTERFACE_BYTES
        + hosts * (SNAPSHOT_HOST_BYTES + SNAPSHOT_TODAY_BYTES)
        + port_rows * SNAPSHOT_PORT_BYTES
        + accounts * SNAPSHOT_ACCOUNT_BYTES
        + peers * SNAPSHOT_PEERS_BYTES
}

/// No counter of a snapshot is larger: an exabyte, 10 Gbit/s for 29 years. Larger ones are forged, and
/// sums of them could overflow.
pub const SNAPSHOT_COUNTER_MAX: u64 = 1 << 60;

/// Bytes of a snapshot's file, which is in memory while it is restored. Measured, the default tables take
/// 170 KB for each interface; the largest ones of all interfaces, about 50 MB.
pub const SNAPSHOT_FILE_BYTES_MAX: u64 = 64 << 20;

/// Between two snapshots that were asked for by a signal: more signals than that ask for the same one.
pub const SNAPSHOT_REQUEST_SPACING: Duration = Duration::from_secs(1);

/// Bytes of an export's line; the longest of ours takes half of it.
pub const EXPORT_LINE_BYTES_MAX: usize = 4096;

/// Bytes of an export: as JSON, the same books take nine times as much.
pub const EXPORT_BYTES_MAX: u64 = 10 * SNAPSHOT_FILE_BYTES_MAX;

/// Lines that a daylog takes at once: all days of all interfaces' histories.
pub const DAYLOG_LINES_MAX: usize = INTERFACES_MAX * HISTORY_DAYS;
// Show.

/// Bytes of --notice: two sentences. It is on two pages and in the log, whose lines hold 1,024.
pub const NOTICE_BYTES_MAX: usize = 400;

/// Rows of one page of hosts that is a response in one piece, at most: 208 bytes each.
pub const HOSTS_SHOWN_MAX: usize = 100;

/// Rows of a page of all hosts, which is made in parts as a download is: as many as the tables of a large router have.
/// While it is under way it takes 352 bytes for each host of the table, `WEB_DOWNLOADS_MAX` times at most, and once more
/// for a moment before the next reader is refused.
pub const HOSTS_LISTED_MAX: usize = 4_096;

/// Bytes of a part in which a row of such a page fits, and what comes after the rows. With the longest of everything
/// that is 2,900.
pub const HOST_ROW_BYTES: usize = 4_096;

/// Devices on one page, at most.
pub const DEVICES_SHOWN_MAX: usize = 80;

/// Addresses of a device in the list of devices.
pub const DEVICE_ADDRESSES_SHOWN: usize = 3;

/// Addresses of a device on its own page: with privacy extensions (RFC 8981), a new one for each day of a week and
/// network.
pub const DEVICE_ADDRESSES_LISTED: usize = 32;

/// A device is online for so many seconds after its last packet: five minutes.
pub const ONLINE_SECONDS: u64 = 300;
/// Bytes of what is searched for among hosts: a MAC address's, or the part of a name that tells it from others.
pub const SEARCH_BYTES_MAX: usize = 32;

/// Ports of one transport and side that a page shows at once; the others are in a table that is opened. As many as a
/// screen has lines.
pub const PORTS_IN_SIGHT: usize = 16;

/// Ports listed of one transport and side on the page of ports: 96 bytes each.
pub const PORTS_SHOWN_MAX: usize = 80;

/// Ports listed of one transport and side, and IP protocols, where all interfaces stand side by side: with eight
/// interfaces a row takes up to 2 KB of a page. 48 bytes for each and each interface.
pub const SIDE_BY_SIDE_ROWS: usize = 12;

/// Ports listed of one transport and side of a host, and its IP protocols.
pub const HOST_PORTS_SHOWN_MAX: usize = 50;

/// Peers listed of a host.
pub const HOST_PEERS_SHOWN_MAX: usize = 20;

/// Sources listed on the page of the darknet.
pub const DARK_SOURCES_SHOWN: usize = 50;

/// Ports of the background radiation on that page.
pub const RADIATION_SHOWN: usize = 30;

/// Hosts, services and events in each list of the overview.
pub const TOP_SHOWN: usize = 10;

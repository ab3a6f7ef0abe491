//! Every bound in one place: its value, why, and what it costs in bytes. In the order of the modules.

use core::time::Duration;

// Decode.

/// VLAN tags and MPLS labels walked before a frame is discarded as too deep. Providers stack two or
/// three; the walk is what costs.
pub const ENCAPSULATIONS_MAX: usize = 8;

/// IPv6 extension headers walked before the packet is booked without ports. RFC 8200 lists seven.
pub const EXTENSION_HEADERS_MAX: usize = 8;

/// Options of a Neighbor Discovery message walked in search of a link-layer address. Hosts send it
/// first, a nonce (RFC 3971) or two behind it.
pub const NEIGHBOR_OPTIONS_MAX: usize = 8;

// Place.

/// Local networks of one interface. A router has a handful; each costs 32 bytes.
pub const LOCAL_PREFIXES_MAX: usize = 32;

// Keep.

/// Host rows of one interface, unless --hosts-max says otherwise: a home network and its correspondents.
pub const HOSTS_DEFAULT: u16 = 1_024;

/// The most hosts that one interface can have: slots are 16-bit and one value means "none".
pub const HOSTS_MAX: u16 = u16::MAX;

/// A host on probation is promoted at this many packets ...
pub const PROMOTION_PACKETS: u64 = 3;

/// ... and this many bytes: a spoofed flood sends one packet per source, a conversation soon has both.
pub const PROMOTION_BYTES: u64 = 2_048;

/// One of so many rows that are not pinned stays free for hosts on probation, at least one. Measured on
/// five mixes of a million packets under a flood, each with three seeds of the hash: with this share and
/// the candidates below, 99.1 of the largest 100 hosts are true to one percent on average (97 to 100),
/// with one in 5 and 16 candidates 97.6 (95 to 100).
pub const PROBATION_SHARE: u16 = 40;

/// How many of the oldest guarded rows are looked at for the smallest: enough that a host which is large
/// is spared, few enough that the look is short. It costs 5 instructions per packet of the mix more than
/// with 16; with 128, which cost 10, 99.4 of the hosts above would be true.
pub const DEMOTION_CANDIDATES: usize = 64;

/// Port rows of one interface and all its hosts together, unless --ports-max says otherwise; 48 bytes each.
/// The IP protocols of hosts other than TCP, UDP and ICMP are among them: few hosts have any.
pub const PORTS_DEFAULT: u16 = 8_192;

/// What a host costs at most: its row, address and links, and what it does lately.
pub const HOST_BYTES: usize = 216;

/// What a hash bucket of the host table costs; there are as many as hosts, rounded up to a power of two.
pub const HOST_BUCKET_BYTES: usize = 2;

/// Devices of one LAN, unless --devices-max says otherwise. Each costs 1,104 bytes, and each host 4 more.
pub const DEVICES_DEFAULT: u16 = 128;

/// The most devices of one LAN: they are searched one by one for a link-layer address that was not there before.
pub const DEVICES_MAX: u16 = 1_024;

/// A device that was silent for so many seconds makes room first, whatever traffic it had: 31 days.
pub const DEVICE_STALE_SECONDS: u32 = 31 * 86_400;

/// Local networks of one LAN that have an account, those that have been there before included: a home has one of
/// IPv4 and two of IPv6, of which a provider changes one now and then.
pub const NETWORK_ACCOUNTS: usize = 8;

/// What the account of a device or network costs at most: 79 bars of 12 bytes, and its sums.
pub const ACCOUNT_BYTES: usize = 1_104;

/// What a host costs in a ledger with devices, beside its row.
pub const HOST_ACCOUNT_BYTES: usize = 4;

/// What a port row costs at most.
pub const PORT_ROW_BYTES: usize = 48;

/// What a row of two hosts that talk to each other costs at most. There are as many as hosts, rounded up to a power
/// of two: most hosts elsewhere talk to one host here.
pub const PEER_ROW_BYTES: usize = 48;

/// What a flow in the cache costs at most.
pub const FLOW_BYTES: usize = 96;

/// What a ledger costs at most beside its tables: history, protocols, totals. With the default tables it
/// is 28 KiB + 1,024 hosts x (218 + 48) + 8,192 port rows x 48 + 1,024 flows x 96 = 774 KiB.
pub const LEDGER_BYTES: usize = 28 * 1024;

/// Sets of port rows looked at each second for rows of hosts that are gone: all of the default table
/// within half a minute.
pub const PORT_SETS_SWEPT: usize = 64;

/// Sets of peers, likewise: all of the default table within a quarter of a minute.
pub const PEER_SETS_SWEPT: usize = 16;

/// Flows in the cache in front of a ledger: 96 bytes each. Larger caches hit hardly more often on
/// measured traffic and fall out of a small processor's own cache.
pub const FLOWS: usize = 1_024;

/// After this many misses the flow cache is judged by its hits ...
pub const FLOW_TRIAL_MISSES: u32 = 3_584;

/// ... and steps aside if they were fewer than one lookup in eight, ...
pub const FLOW_HITS_WANTED: u64 = FLOW_TRIAL_MISSES as u64 / 7;

/// ... for this many packets.
pub const FLOW_BYPASS_PACKETS: u32 = 65_536;

/// A flow that goes on has a record for the collector once in so many seconds, and one that has ended
/// within them. Of a cache with 1,024 places 18 are looked at each second.
pub const FLOW_RECORD_SECONDS: u64 = 60;

/// Flows of an interface that wait for the end of a batch of frames to be taken for the collector, 96 bytes
/// each: 64 that are due, and those below. What finds no room is counted.
pub const FLOW_RECORDS: usize = 64 + FLOW_RECORDS_KEPT_FREE;

/// So many of these places are for flows that leave the cache. Each frame of a batch may need two: for the flow that
/// makes room for its own and, if it goes to a dark address, for its own, which must not become a known one.
pub const FLOW_RECORDS_KEPT_FREE: usize = 2 * CAPTURE_BATCH;

/// What an interface's records for a collector cost, if there is one: 86 KiB.
pub const FLOW_RECORDS_BYTES: usize = FLOWS * 32 + FLOW_RECORDS * FLOW_BYTES;

// Account.

/// Interfaces watched at once. Each has a ledger and a capture ring of its own.
pub const INTERFACES_MAX: usize = 8;

/// Bytes of an interface's name: Linux allows 15, a capture file's name may be longer.
pub const INTERFACE_NAME_MAX: usize = 64;

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

/// Bars of all rings of an interface; 48 bytes each.
pub const HISTORY_BARS: usize =
    HISTORY_SECONDS + HISTORY_MINUTES + HISTORY_HOURS + HISTORY_DAYS + HISTORY_MONTHS;

/// Seconds in which rows count for a rate, and the time after which all flows are booked for that: short enough
/// to tell who uses the line now, long enough that the thousand flows are looked at rarely.
pub const RATE_SECONDS: u64 = 5;

/// Packets this many seconds older than the newest are booked on the newest second: captures from
/// several queues deliver out of order, and that is no clock jump.
pub const REORDER_SECONDS: i64 = 5;

// Suspect.

/// Prefixes that the user declares dark. They are matched one by one for each packet.
pub const DARK_PREFIXES_MAX: usize = 32;

/// What a source of packets to dark addresses costs, at most. In a full table the smallest stranger goes.
pub const DARK_SOURCE_BYTES: usize = 560;

/// Hosts of the tables for which there is room for one such source: most hosts never touch the dark.
pub const HOSTS_PER_DARK_SOURCE: usize = 4;

/// Distinct dark addresses remembered per source, 24 bytes each; the count stops there.
pub const DARK_TARGETS_MAX: usize = 8;

/// Distinct dark addresses that make a source a scanner: those that the sequential test of Jung et al. (2004)
/// asks for to err once in 100,000, (0.05 / 0.95)^4. As addresses in use are not weighed against them, that holds
/// for a host that has fewer than one such accident in eight days; see docs/darknet.md.
pub const DARK_EVIDENCE: usize = 4;

/// They count if they come within this many seconds, however slowly.
pub const DARK_EVIDENCE_SECONDS: u32 = 24 * 3600;

/// What is no older than this counts against whichever device has the source's address, in seconds: an hour, by which
/// one that changes its link-layer address for each probe has to slow down to three an hour. Devices that get the same
/// address by DHCP one after the other are further apart.
pub const SHARED_EVIDENCE_SECONDS: u32 = 3600;

/// Two probes with the mark of a tool are proof of it if the second comes within this many seconds: tools that
/// have such marks are fast, and in a day an innocent host has some by chance.
pub const MARK_SECONDS: u32 = 1;

/// A scanner that has left the dark alone for this many seconds is cleared.
pub const DARK_CLEAR_SECONDS: u64 = 3600;

/// Seconds in which one source raises at most one hit, so that what it does is a few lines in the log and
/// not one per packet: at addresses that the user declared dark ...
pub const DARK_WINDOW_SECONDS: u64 = 60;

/// ... and at those that are dark for want of a sign, where a device that has left is missed all day.
pub const UNUSED_WINDOW_SECONDS: u64 = 3600;

/// An address is lit for this many seconds after a sign of whoever has it, ...
pub const LIT_SECONDS: u32 = 3600;

/// ... and dark after these: devices sleep, leave and come back.
pub const GRACE_SECONDS: u32 = 24 * 3600;

/// A network is watched for so many seconds before any of its addresses is held to be dark: most of what
/// is there says something meanwhile.
pub const LEARNING_SECONDS: u32 = 600;

/// Networks, ports and devices that the user leaves out of the darknet. They are matched one by one, for what
/// has touched the dark already.
pub const DARK_EXCLUSIONS_MAX: usize = 32;

/// Networks that the Internet does not carry and of which something was heard, 20 bytes each: second routers,
/// providers, tunnels.
pub const BOGON_NETWORKS_USED_MAX: usize = 32;

/// A notice is given of who turned to so many of such networks that are not in use here, ...
pub const BOGON_NETWORKS: usize = 2;

/// ... within so many seconds, once a day.
pub const BOGON_SECONDS: u32 = 3600;

/// Seconds for which an answer is waited before a network is held to be not in use.
pub const BOGON_ANSWER_SECONDS: u32 = 3;

/// Pairs of a source and a port whose unanswered SYNs are counted, 100 bytes each.
pub const FAN_OUT_ROWS: usize = 32;

/// So many addresses at one port ...
pub const FAN_OUT_ADDRESSES: u32 = 200;

/// ... within so many seconds are a scan: a program that tries old peers one by one asks 120 a minute at most
/// (Bitcoin Core's interval is half a second).
pub const FAN_OUT_SECONDS: u32 = 60;

/// ... if not one in so many answers ...
pub const FAN_OUT_UNANSWERED: u32 = 16;

/// ... though they had so many seconds to do so.
pub const FAN_OUT_ANSWER_SECONDS: u32 = 3;

/// Addresses that the router asks for itself, 12 bytes each. A place is free again after [`CONFIRM_AGAIN_SECONDS`]:
/// no more than these are asked for in that time, and what is more is counted.
pub const CONFIRM_ROWS: usize = 64;

/// Questions for one address, since one may be lost ...
pub const CONFIRM_QUESTIONS: u8 = 2;

/// ... and so many milliseconds between them. The shell looks once a second, by a clock that may be slewed meanwhile.
pub const CONFIRM_PAUSE_MILLIS: u32 = 900;

/// Seconds for which an answer is waited: as LaBrea does.
pub const CONFIRM_ANSWER_SECONDS: u32 = 3;

/// Seconds until an address may be asked for again.
pub const CONFIRM_AGAIN_SECONDS: u32 = 600;

/// Questions within one second: Wi-Fi sends what is for everybody at its slowest rate.
pub const CONFIRM_QUESTIONS_PER_SECOND: u32 = 8;

/// Ports at which packets that nobody asked for are counted by day, 40 bytes each.
pub const RADIATION_ROWS: usize = 128;

/// Destination ports remembered per source: with more of them than a scan of addresses has (Amann's simple
/// scan detector for Zeek asks for 5 at most), the count stops.
pub const DARK_PORTS_MAX: usize = 6;
/// Addresses of a LAN that are asked for while it is learned, and so out of habit: a controller asks for
/// everything that the house has.
pub const HABITS_MAX: u32 = 64;

/// Who sent so many packets to one address and port, and none elsewhere, repeats itself: Linux tries a connection
/// with seven SYNs, and an address with three ARP requests.
pub const DARK_REPEATED: u64 = 10;

/// Bits by which a summary counts distinct things, 16 bytes for each source and kind of thing.
pub const DISTINCT_BITS: usize = 128;

/// Sources of which a summary tells; the others are a sum.
pub const DARK_SUMMARY_ROWS: usize = 20;

/// Link-layer addresses of our own on a LAN. The ports of a bridge mostly share one.
pub const OWN_MACS_MAX: usize = 16;

/// Addresses whose signs are remembered for each source: two for each host, since some have several.
pub const SIGNS_PER_SOURCE: usize = 2 * HOSTS_PER_DARK_SOURCE;

/// What one of them costs.
pub const SIGN_BYTES: usize = 24;

/// Rules of the user's. For each packet to a dark address they are asked one by one.
pub const RULES_MAX: usize = 256;

/// Bytes of the file of rules: rules of the usual length, all of them, with their comments. What is made of it
/// takes about as much.
pub const RULES_FILE_BYTES_MAX: usize = 128 << 10;

/// Bytes of one rule, with the lines that continue it.
pub const RULE_BYTES_MAX: usize = 4096;

/// Bytes of a rule's name, so that its event fits a syslog message.
pub const RULE_NAME_BYTES_MAX: usize = 96;

/// Addresses, ports and options of a rule that cost time, of each kind.
pub const RULE_ITEMS_MAX: usize = 32;

/// Bytes of a payload that rules look into, if as many were captured. It bounds the time for one packet.
pub const RULE_PAYLOAD_BYTES: usize = 1500;

/// Addresses for which matches of rules with a threshold are counted, 32 bytes each. The one whose time began first
/// makes room; its next match begins anew.
pub const RULE_TRACKERS: usize = 256;

/// Recent events kept for the page and the report, 112 bytes each. The oldest goes.
pub const DARK_EVENTS_MAX: usize = 64;

// Quotas.

/// Quotas that --quota may set, 24 bytes each: more devices and networks than anybody in a home keeps an eye on.
pub const QUOTAS_MAX: usize = 32;

/// The smallest quota in bytes: one that a few packets use up says nothing.
pub const QUOTA_BYTES_MIN: u64 = 1_000;

/// The largest, because a device's bars end at 256 TiB.
pub const QUOTA_BYTES_MAX: u64 = 100_000_000_000_000;

/// Between two looks at the quotas. The sums of devices are brought up to date in the same pace while packets come.
pub const QUOTA_INTERVAL: Duration = Duration::from_secs(RATE_SECONDS);

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

// Web.

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

/// Web: the style sheet of `--css`, which is kept in memory. It fits a response.
pub const WEB_STYLE_BYTES_MAX: usize = 64 * 1024;
/// Web: a shorter body is sent as it is: compressed it would hardly need a packet less.
pub const WEB_GZIP_BYTES_MIN: usize = 1024;

/// Web: the head of a response, which holds nothing of foreign length and stays below 700 bytes.
pub const WEB_RESPONSE_HEAD_BYTES_MAX: usize = 1024;

/// Web: responses in memory: one being made, the others on their way to a client that reads slower
/// than the socket's buffer takes. Costs 4 x 129 KiB = 516 KiB, resident only once used.
pub const WEB_PAGES_MAX: usize = 4;

/// Web: downloads under way. Each has a page of its own beside those above: 2 x 17 KiB.
pub const WEB_DOWNLOADS_MAX: usize = 2;

/// Web: a part of a download, which is made when the one before it was sent. For each the times below hold.
pub const WEB_PART_BYTES: usize = 16 * 1024;

/// Web: how long a part of a download may take while another client wants the place: whoever reads less than some
/// 10 KB/s gives way.
pub const WEB_PART_TIME: Duration = Duration::from_secs(2);

/// Web: when to ask again for a download while others are under way.
pub const WEB_RETRY_SECONDS: u32 = 10;

/// Web: addresses to listen on. One for each interface that can be watched and loopback, and as many again
/// where an interface has several; each costs one descriptor.
pub const WEB_LISTENERS_MAX: usize = 16;

/// Web: an address that cannot be listened on yet is tried again after this long.
pub const WEB_LISTEN_PAUSE: Duration = Duration::from_secs(5);

/// Web: names under which the page may be asked for, besides addresses and localhost.
pub const WEB_HOST_NAMES_MAX: usize = 16;

/// Web: requests answered on one connection before it is closed, so that none lives for ever.
pub const WEB_REQUESTS_PER_CONNECTION_MAX: u32 = 1000;

/// Web: connections that the kernel queues for accept, per listener. A client that finds this queue full
/// tries again only after a second. The attacks of the tests open 3,500 a second, all of them together,
/// so the gate may be away for 70 ms.
pub const WEB_BACKLOG: i32 = 256;

/// Web: the kernel's send buffer of a connection in bytes (it doubles it): most pages fit whole.
pub const WEB_SEND_BUFFER_BYTES: usize = 32 * 1024;

/// Web: the kernel's receive buffer of a connection in bytes (it doubles it): two heads.
pub const WEB_RECEIVE_BUFFER_BYTES: usize = 4 * 1024;

/// Web: connections accepted from one listener before a page is made and the open ones get their turn.
/// To accept so many takes about as long as to make a page, in a build without optimisation.
pub const WEB_ACCEPTS_PER_TURN: usize = 128;

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
/// on Wi-Fi, and short enough that all addresses have had their turn within a second.
pub const WEB_PAGE_TIME: Duration = Duration::from_millis(50);

/// Web: time for a whole response: 6.5 KB/s for the largest.
pub const WEB_RESPONSE_TIME: Duration = Duration::from_secs(20);

/// Web: a form, in bytes. The longest are a password and a device's name, of which each byte may take three.
/// It comes into what the head of its request has left of the buffer: browsers' heads take half of it.
pub const WEB_FORM_BYTES_MAX: usize = 512;

/// Web: what is around a file in a form that uploads it, in bytes: a line, a name and where it ends, twice.
pub const WEB_UPLOAD_FRAME_BYTES: u64 = 2048;

/// Web: time for a whole upload: a megabyte at 9 KB/s. There is one at a time.
pub const WEB_UPLOAD_TIME: Duration = Duration::from_secs(120);

/// Web: pause after accept failed for want of descriptors or memory.
pub const WEB_ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Web: how long `--check-health` waits for the connection, and for each part of the response. It is the
/// time after which the program itself gives up a client.
pub const HEALTH_PATIENCE: Duration = Duration::from_secs(5);

// Administration.

/// Bytes of a password at least; the check is slow, but a list of the usual ones is short.
pub const PASSWORD_BYTES_MIN: usize = 8;

/// Bytes of a password at most, so that it fits a form.
pub const PASSWORD_BYTES_MAX: usize = 128;

const _: () = assert!(3 * PASSWORD_BYTES_MAX + 64 < WEB_FORM_BYTES_MAX);

/// Bytes read of the password's file.
pub const PASSWORD_FILE_BYTES_MAX: u64 = 256;

/// Iterations of the password's hash, unless its line says otherwise: half a second on a MIPS 24Kc of 580 MHz
/// (docs/admin.md says how that was estimated).
pub const PASSWORD_ITERATIONS: u32 = 40_000;

/// The fewest that are taken: another program's line with fewer is hardly slower than none.
pub const PASSWORD_ITERATIONS_MIN: u32 = 1_000;

/// The most that are taken: on a small router a check must be over before its connection's time is.
pub const PASSWORD_ITERATIONS_MAX: u32 = 500_000;

/// Iterations in one turn of the web server's loop: about 6 ms on that router, less than a page takes.
pub const PASSWORD_SLICE: u32 = 512;

/// A check whose client has gone makes room for another after this long.
pub const PASSWORD_CHECK_IDLE: Duration = Duration::from_secs(1);

/// How long the answer to a wrong password is held back.
pub const LOGIN_DELAY: Duration = Duration::from_secs(1);

/// The time in which wrong passwords are counted, from the first.
pub const LOGIN_WINDOW: Duration = Duration::from_secs(60);

/// Wrong passwords of one address in that time, or of one IPv6 network of 64 bits.
pub const LOGIN_FAILURES_PER_ADDRESS_MAX: u32 = 5;

/// Wrong passwords of all addresses in that time.
pub const LOGIN_FAILURES_MAX: u32 = 20;

/// How many of them are kept for addresses that have given the right password: what one address may try. So
/// whoever guesses from several addresses does not lock out the owner.
pub const LOGIN_FAILURES_RESERVED: u32 = LOGIN_FAILURES_PER_ADDRESS_MAX;

/// How many such addresses are known, 17 bytes each: those of as many sessions. The latest take the places of others.
pub const LOGIN_ADDRESSES_MAX: usize = SESSIONS_MAX;

/// Sessions at once, about 400 bytes each. For one more, the one that was idle for longest ends.
pub const SESSIONS_MAX: usize = 8;

/// How long a session lasts without a request.
pub const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);

/// How long a session lasts at all.
pub const SESSION_AGE: Duration = Duration::from_secs(12 * 3600);

const _: () = assert!(WEB_CONNECTIONS_PER_ADDRESS_MAX < WEB_CONNECTIONS_MAX);

const _: () = assert!(WEB_PAGES_MAX >= 2);

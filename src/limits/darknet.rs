//! Those of the darknet.

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

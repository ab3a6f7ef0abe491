//! The rows of the option table.

use Kind::{Flag, List, Value};

/// Which option; its row in [`GROUPS`] says everything else about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each name is the option's long name")]
pub enum Key {
    Interface,
    Filter,
    NoPromisc,
    NamedOnly,
    Local,
    Wait,
    Snaplen,
    RingSize,
    Hexdump,
    Read,
    Json,
    Serve,
    ExportPackets,
    Port,
    Bind,
    HostName,
    Base,
    LocalOnly,
    NoMacs,
    NoLastseen,
    Notice,
    Css,
    Language,
    PasswordFile,
    HashPassword,
    NoDns,
    Name,
    Leases,
    Ethers,
    Vendors,
    HostsFile,
    HostsMax,
    DevicesMax,
    PortsMax,
    HighestPort,
    Quota,
    Dir,
    SnapshotInterval,
    FlashBudget,
    Import,
    Export,
    Daylog,
    Dark,
    NoDarknet,
    DarkConfirm,
    Learning,
    DarkExcept,
    Rules,
    SyslogTo,
    SyslogFormat,
    SyslogFraming,
    IpfixTo,
    Evidence,
    EvidenceBytes,
    EvidenceAge,
    Config,
    Detach,
    User,
    Chroot,
    Pidfile,
    Syslog,
    Verbose,
    CheckHealth,
    Help,
    Version,
    NoDaemon,
    Pppoe,
    HostsKeep,
    PortsKeep,
    Spy,
}

/// What follows an option. The text is the placeholder in `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: the option is on or off.
    Flag,
    /// One value; of several uses the last counts.
    Value(&'static str),
    /// One value for each use; all uses count, in order.
    List(&'static str),
}

/// One option.
#[derive(Debug)]
pub struct Row {
    /// The name that the program uses.
    pub key: Key,
    /// The name after `--`, and at the start of a line of a file.
    pub long: &'static str,
    /// The letters that stand for it after `-`.
    pub short: &'static [char],
    /// What follows it.
    pub kind: Kind,
    /// What `--help` says about it, in lines of up to 46 characters.
    pub help: &'static str,
}

/// Options that belong together in `--help`.
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// The options, in the order of `--help`.
    pub rows: &'static [Row],
}

const fn row(key: Key, long: &'static str, short: &'static [char], kind: Kind, help: &'static str) -> Row {
    Row { key, long, short, kind, help }
}

/// Every option there is.
#[rustfmt::skip]
pub const GROUPS: &[Group] = &[
    Group { title: "What to watch", rows: &[
        row(Key::Interface, "interface", &['i'], List("IF[=ROLE]"),
            "capture on this interface; ROLE is lan or wan;\n\
             may be repeated"),
        row(Key::Local, "local", &['l'], List("NET"),
            "a local network, 192.168.1.0/24, 10.0.0.0/\n\
             255.0.0.0 or fd00::/8; may be repeated\n\
             (default: the interface's own networks)"),
        row(Key::Filter, "filter", &['f', 'e'], Value("EXPR"),
            "count only what this pcap filter lets pass"),
        row(Key::NoPromisc, "no-promisc", &['P'], Flag,
            "do not make the interface promiscuous"),
        row(Key::NamedOnly, "named-only", &[], Flag,
            "open no device but those named: read a bridge as\n\
             it stands and not at its ports, a VLAN or PPPoE\n\
             device as it stands and not at the one below"),
        row(Key::Wait, "wait", &[], Value("SECONDS"),
            "wait this long at start for interfaces, and for\n\
             addresses to serve the pages on; 0: go on\n\
             without, and wait for ever (default: no waiting)"),
        row(Key::Snaplen, "snaplen", &[], Value("BYTES"),
            "capture this much of each frame (default 192)"),
        row(Key::RingSize, "ring-size", &[], Value("SIZE"),
            "capture buffer of each interface, 64K to 256M\n\
             (default 1M)"),
    ] },
    Group { title: "Capture files", rows: &[
        row(Key::Read, "read", &['r'], Value("FILE"),
            "account a pcap file instead of an interface\n\
             and print a summary"),
        row(Key::Json, "json", &[], Flag,
            "with --read: print the whole report as JSON"),
        row(Key::Serve, "serve", &[], Flag,
            "with --read: serve the pages until Ctrl-C"),
        row(Key::ExportPackets, "export-packets", &[], Value("FORMAT"),
            "with --read: print the packets to the dark, as\n\
             csv, jsonl or sql; of evidence all packets"),
    ] },
    Group { title: "Web pages", rows: &[
        row(Key::Port, "port", &['p'], Value("PORT"),
            "serve on this port (default 667; 0: a free one)"),
        row(Key::Bind, "bind", &['b'], List("ADDRESS"),
            "serve on this address; may be repeated\n\
             (default: this machine only, 127.0.0.1 and ::1)"),
        row(Key::HostName, "host-name", &[], List("NAME"),
            "also answer requests for http://NAME/, beside\n\
             those for our addresses; may be repeated"),
        row(Key::Base, "base", &[], Value("PATH"),
            "the pages' path behind a reverse proxy"),
        row(Key::LocalOnly, "local-only", &[], Flag,
            "show only local hosts in the host list"),
        row(Key::NoMacs, "no-macs", &[], Flag,
            "do not show MAC addresses"),
        row(Key::NoLastseen, "no-lastseen", &[], Flag,
            "do not show when a host was last seen"),
        row(Key::Notice, "notice", &[], Value("TEXT"),
            "a warning for the overview, the about page and\n\
             the log, from whoever starts the program"),
        row(Key::Css, "css", &[], Value("FILE"),
            "a style sheet for the pages, after their own"),
        row(Key::Language, "language", &[], Value("LANGUAGE"),
            "the pages' language, en or de (default: what each\n\
             browser asks for)"),
        row(Key::PasswordFile, "password-file", &[], Value("FILE"),
            "let whoever knows the password of this file reset\n\
             counters, forget hosts and restore the state, on\n\
             the page /admin/ (docs/admin.md)"),
        row(Key::HashPassword, "hash-password", &[], Flag,
            "read a password from stdin, print the line for\n\
             that file and exit"),
    ] },
    Group { title: "Names", rows: &[
        row(Key::NoDns, "no-dns", &['n'], Flag,
            "do not look up names in the DNS"),
        row(Key::Name, "name", &[], List("MAC=NAME"),
            "call the device with this MAC address so; may be\n\
             repeated"),
        row(Key::Leases, "leases", &[], List("FILE"),
            "names from a dnsmasq lease file, beside\n\
             /tmp/dhcp.leases; may be repeated"),
        row(Key::Ethers, "ethers", &[], List("FILE"),
            "names from an ethers file, beside /etc/ethers;\n\
             may be repeated"),
        row(Key::HostsFile, "hosts-file", &[], List("FILE"),
            "names from a hosts file or a directory of them,\n\
             beside /etc/hosts; may be repeated"),
        row(Key::Vendors, "vendors", &[], Value("FILE"),
            "who made which device, by its MAC address\n\
             (default /usr/share/duskwatch/vendors)"),
    ] },
    Group { title: "Quotas", rows: &[
        row(Key::Quota, "quota", &[], List("TARGET=SIZE"),
            "warn when 80 % and when all of SIZE was moved\n\
             in a month, in and out together; TARGET is a\n\
             MAC address or an interface, SIZE 500M or 50G,\n\
             where 1G is 1,000,000,000 bytes, as providers\n\
             count; may be repeated"),
    ] },
    Group { title: "Memory", rows: &[
        row(Key::HostsMax, "hosts-max", &[], Value("COUNT"),
            "host rows for each interface, 1 to 65535\n\
             (default 1024)"),
        row(Key::DevicesMax, "devices-max", &[], Value("COUNT"),
            "devices of each LAN of which traffic by hours,\n\
             days and months is kept, 0 to 1024 (default 128)"),
        row(Key::PortsMax, "ports-max", &[], Value("COUNT"),
            "port rows for each interface, shared by its\n\
             hosts, 1 to 65535 (default 8192)"),
        row(Key::HighestPort, "highest-port", &[], Value("PORT"),
            "no rows for ports above this one, which hides\n\
             ephemeral ports; their traffic still counts"),
    ] },
    Group { title: "Memory that outlasts a restart", rows: &[
        row(Key::Dir, "dir", &['d'], Value("DIR"),
            "keep snapshots in this directory (default: none)"),
        row(Key::SnapshotInterval, "snapshot-interval", &[], Value("TIME"),
            "time between snapshots, 30s, 30m, 1h or 1d\n\
             (default 1h)"),
        row(Key::FlashBudget, "flash-budget", &[], Value("SIZE"),
            "write no more than this a day, 512K or 10M;\n\
             snapshots become rarer instead"),
        row(Key::Import, "import", &[], Value("FILE"),
            "start from this export"),
        row(Key::Export, "export", &[], Value("FILE"),
            "export on SIGUSR1, SIGUSR2 and at the end"),
        row(Key::Daylog, "daylog", &[], Value("FILE"),
            "append a line of totals for each day"),
    ] },
    Group { title: "The dark", rows: &[
        row(Key::Dark, "dark", &[], List("NET"),
            "nobody lives in this network: report who\n\
             touches it; may be repeated"),
        row(Key::NoDarknet, "no-darknet", &[], Flag,
            "do not learn which addresses of the LANs nobody\n\
             has, nor report who looks for them"),
        row(Key::Learning, "learning", &[], Value("SECONDS"),
            "watch a LAN for this long before an address of\n\
             it is held to be nobody's (default 600)"),
        row(Key::DarkConfirm, "dark-confirm", &[], Flag,
            "when a host looks for an address that seems to be\n\
             nobody's, ask for it as well, by ARP"),
        row(Key::DarkExcept, "dark-except", &[], List("WHAT"),
            "leave out this network (both ways), this port, or\n\
             what this MAC address sends; may be repeated"),
        row(Key::Rules, "rules", &[], Value("FILE"),
            "rules for packets to dark addresses, in a subset\n\
             of Snort's language (docs/rules.md)"),
        row(Key::SyslogTo, "syslog-to", &[], Value("URL"),
            "send alerts to udp://HOST:PORT or\n\
             tcp://HOST:PORT (port 514 if left out)"),
        row(Key::SyslogFormat, "syslog-format", &[], Value("FORMAT"),
            "rfc5424, rfc3164, cef or ecs (default rfc5424)"),
        row(Key::SyslogFraming, "syslog-framing", &[], Value("FRAMING"),
            "messages over TCP end with a newline, or begin\n\
             with their length: newline or octets\n\
             (default newline)"),
        row(Key::Evidence, "evidence", &[], Value("DIR"),
            "keep the packets to the dark in this directory,\n\
             to download from the page (default: none)"),
        row(Key::EvidenceBytes, "evidence-bytes", &[], Value("SIZE"),
            "no more of them than this, 64K to 1G (default\n\
             1M); the oldest go"),
        row(Key::EvidenceAge, "evidence-age", &[], Value("TIME"),
            "none older than this, 12h or 30d (default 7d)"),
    ] },
    Group { title: "Flow records", rows: &[
        row(Key::IpfixTo, "ipfix-to", &[], Value("URL"),
            "send a record of each flow to the IPFIX collector\n\
             udp://HOST:PORT (port 4739 if left out)"),
    ] },
    Group { title: "The program", rows: &[
        row(Key::Config, "config", &[], Value("FILE"),
            "more options from a file: long names without\n\
             -- and their values, one a line, # comments;\n\
             the command line wins"),
        row(Key::Detach, "detach", &[], Flag,
            "run in the background and log to syslog"),
        row(Key::User, "user", &[], Value("NAME"),
            "become this user once the sockets are open\n\
             (default: duskwatch, else nobody)"),
        row(Key::Chroot, "chroot", &[], Value("DIR"),
            "lock the program into this directory"),
        row(Key::Pidfile, "pidfile", &[], Value("FILE"),
            "write the process number here"),
        row(Key::Syslog, "syslog", &[], Flag,
            "log to the local syslog instead of stderr"),
        row(Key::Verbose, "verbose", &['v'], Flag,
            "log more"),
        row(Key::Hexdump, "hexdump", &[], Flag,
            "log each frame in hex; implies --verbose"),
        row(Key::CheckHealth, "check-health", &[], Flag,
            "ask the pages of the program that runs with\n\
             these options, and exit with 0 if they answer"),
        row(Key::Help, "help", &['h'], Flag,
            "print this and exit"),
        row(Key::Version, "version", &['V'], Flag,
            "print the version and exit"),
    ] },
    Group { title: "Accepted for darkstat's sake, without effect", rows: &[
        row(Key::NoDaemon, "no-daemon", &[], Flag,
            "the foreground is the default"),
        row(Key::Pppoe, "pppoe", &[], Flag,
            "PPPoE is always understood"),
        row(Key::HostsKeep, "hosts-keep", &[], Value("COUNT"),
            "a full table evicts row by row"),
        row(Key::PortsKeep, "ports-keep", &[], Value("COUNT"),
            "a full table evicts row by row"),
        row(Key::Spy, "spy", &[], Value("IF"),
            "web requests are not logged"),
    ] },
];

//! From options to the configuration: defaults, ranges, and which options exclude each other.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use super::{
    Capture, Config, Evidence, Interface, Log, Names, Output, Process, Source, Store, Tables, Wait, Web,
    values,
};
use crate::daemon::alarm::{Format, Framing, Receiver, Transport};
use crate::daemon::evidence::ring::Limits;
use crate::daemon::names::Name;
use crate::daemon::options::{Key, Options, UsageError, printable};
use crate::darknet::Rules;
use crate::limits;
use crate::packet::Mac;
use crate::quota::{Quota, Target};

/// The port of the pages, which is darkstat's.
const PORT_DEFAULT: u16 = 667;

/// Seconds between snapshots: an hour's loss is bearable after a power cut, and 24 writes a day are
/// nothing to a flash.
const INTERVAL_DEFAULT: u64 = 3600;

/// What can be made of a capture file.
const OUTPUTS: [Key; 3] = [Key::Json, Key::Serve, Key::ExportPackets];

impl Config {
    /// What the options mean, but for the files of rules and of the password. `default_interface` is only named in the error that there is nothing to
    /// capture.
    ///
    /// # Errors
    /// The first option with a value that it does not take, or two that exclude each other.
    pub fn new(options: &Options, default_interface: Option<&str>) -> Result<Self, UsageError> {
        let (syslog_to, syslog_format, syslog_framing) = syslog(options)?;
        let source = source(options, default_interface)?;
        let tables = tables(options)?;
        let config = Self {
            quotas: quotas(options, &source, tables.devices > 0)?,
            source,
            networks: list(options, Key::Local, limits::LOCAL_PREFIXES_MAX, values::prefix, PartialEq::eq)?,
            capture: capture(options)?,
            tables,
            web: web(options)?,
            password: None,
            names: names(options)?,
            store: store(options)?,
            learning: learning(options)?,
            confirm: confirm(options)?,
            dark: list(options, Key::Dark, limits::DARK_PREFIXES_MAX, values::prefix, PartialEq::eq)?,
            dark_except: list(
                options,
                Key::DarkExcept,
                limits::DARK_EXCLUSIONS_MAX,
                values::exclusion,
                PartialEq::eq,
            )?,
            rules: Rules::default(),
            syslog_to,
            syslog_format,
            syslog_framing,
            ipfix_to: single(options, Key::IpfixTo, values::ipfix_target)?,
            evidence: evidence(options)?,
            process: process(options)?,
            log: Log {
                syslog: options.has(Key::Syslog) || options.has(Key::Detach),
                verbose: options.has(Key::Verbose) || options.has(Key::Hexdump),
                waits: options.has(Key::Read) && !options.has(Key::Serve),
            },
            remarks: remarks(options),
        };
        Ok(config)
    }
}

fn source(options: &Options, default_interface: Option<&str>) -> Result<Source, UsageError> {
    let same = |one: &Interface, other: &Interface| one.name == other.name;
    let interfaces = list(options, Key::Interface, limits::INTERFACES_MAX, values::interface, same)?;
    let Some(read) = options.get(Key::Read) else {
        for key in OUTPUTS {
            if let Some(one) = options.get(key) {
                return Err(one.error("takes --read FILE as well"));
            }
        }
        return match interfaces.is_empty() {
            true => Err(nothing_to_capture(default_interface)),
            false => Ok(Source::Live(interfaces)),
        };
    };
    if let Some(one) = options.get(Key::Interface) {
        return Err(one.error("excludes --read; take one of the two"));
    }
    let mut chosen = OUTPUTS.into_iter().filter_map(|key| Some((key, options.get(key)?)));
    let output = match (chosen.next(), chosen.next()) {
        (Some((_, one)), Some((_, other))) => {
            return Err(one.error(format_args!("excludes {other}; take one of the two")));
        }
        (None, _) => Output::Summary,
        (Some((Key::Json, _)), None) => Output::Json,
        (Some((Key::Serve, _)), None) => Output::Serve,
        (Some((_, one)), None) => {
            Output::Packets(values::export_format(&one.value).map_err(|error| one.error(error))?)
        }
    };
    Ok(Source::Read { file: PathBuf::from(&read.value), output })
}

fn capture(options: &Options) -> Result<Capture, UsageError> {
    let snaplen = limits::SNAPLEN_MIN..=limits::SNAPLEN_MAX;
    Ok(Capture {
        filter: options.get(Key::Filter).map(|one| one.value.clone()),
        promiscuous: !options.has(Key::NoPromisc),
        named_only: options.has(Key::NamedOnly),
        snaplen: number(options, Key::Snaplen, snaplen)?.unwrap_or(limits::SNAPLEN_DEFAULT),
        ring_bytes: single(options, Key::RingSize, values::ring_size)?.unwrap_or(limits::RING_DEFAULT),
        wait: match number(options, Key::Wait, 0..=86_400)? {
            None => Wait::No,
            Some(0) => Wait::Forever,
            Some(seconds) => Wait::Seconds(seconds),
        },
        hexdump: options.has(Key::Hexdump),
    })
}

fn tables(options: &Options) -> Result<Tables, UsageError> {
    Ok(Tables {
        hosts: number(options, Key::HostsMax, 1..=u16::MAX)?.unwrap_or(limits::HOSTS_DEFAULT),
        ports: number(options, Key::PortsMax, 1..=u16::MAX)?.unwrap_or(limits::PORTS_DEFAULT),
        highest_port: number(options, Key::HighestPort, 0..=u16::MAX)?.unwrap_or(u16::MAX),
        devices: number(options, Key::DevicesMax, 0..=limits::DEVICES_MAX)?
            .unwrap_or(limits::DEVICES_DEFAULT),
    })
}

fn quotas(options: &Options, source: &Source, keeps_devices: bool) -> Result<Vec<Quota>, UsageError> {
    let interfaces = match source {
        Source::Live(interfaces) => interfaces.as_slice(),
        Source::Read { .. } => &[],
    };
    let parse = |text: &str| match values::quota(text, interfaces)? {
        Quota { target: Target::Device(_), .. } if !keeps_devices => Err("excludes --devices-max 0"),
        quota => Ok(quota),
    };
    let same = |one: &Quota, other: &Quota| one.target == other.target;
    list(options, Key::Quota, limits::QUOTAS_MAX, parse, same)
}

/// What the options say about the web server.
///
/// # Errors
/// The first of them with a value that it does not take.
pub fn web(options: &Options) -> Result<Web, UsageError> {
    let port = number(options, Key::Port, 0..=u16::MAX)?.unwrap_or(PORT_DEFAULT);
    let mut addresses = list(options, Key::Bind, limits::WEB_LISTENERS_MAX, values::address, PartialEq::eq)?;
    let listen_chosen = !addresses.is_empty();
    if !listen_chosen {
        addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    }
    Ok(Web {
        listen: addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect(),
        listen_chosen,
        base: single(options, Key::Base, values::base_path)?.unwrap_or_default(),
        host_names: list(
            options,
            Key::HostName,
            limits::WEB_HOST_NAMES_MAX,
            values::host_name,
            PartialEq::eq,
        )?,
        local_only: options.has(Key::LocalOnly),
        show_macs: !options.has(Key::NoMacs),
        show_last_seen: !options.has(Key::NoLastseen),
        notice: single(options, Key::Notice, values::notice)?,
        style: None,
        language: single(options, Key::Language, values::language)?,
    })
}

fn names(options: &Options) -> Result<Names, UsageError> {
    let paths = |key| {
        let any = |text: &str| Ok::<_, String>(PathBuf::from(text));
        list(options, key, limits::NAMES_PATHS_MAX, any, PartialEq::eq)
    };
    let same = |one: &(Mac, Name), other: &(Mac, Name)| one.0 == other.0;
    Ok(Names {
        dns: !options.has(Key::NoDns),
        own: list(options, Key::Name, limits::NAME_OPTIONS_MAX, values::device_name, same)?,
        leases: paths(Key::Leases)?,
        ethers: paths(Key::Ethers)?,
        hosts: paths(Key::HostsFile)?,
        vendors: path(options, Key::Vendors),
    })
}

fn learning(options: &Options) -> Result<Option<u32>, UsageError> {
    let seconds = number(options, Key::Learning, 0..=86_400)?.unwrap_or(limits::LEARNING_SECONDS);
    Ok((!options.has(Key::NoDarknet)).then_some(seconds))
}

fn confirm(options: &Options) -> Result<bool, UsageError> {
    match options.get(Key::DarkConfirm) {
        Some(one) if options.has(Key::NoDarknet) => {
            Err(one.error("excludes --no-darknet; take one of the two"))
        }
        // Nobody is there to be asked with --read.
        confirm => Ok(confirm.is_some() && !options.has(Key::Read)),
    }
}

fn syslog(options: &Options) -> Result<(Option<Receiver>, Format, Framing), UsageError> {
    let receiver = single(options, Key::SyslogTo, values::syslog_target)?;
    for key in [Key::SyslogFormat, Key::SyslogFraming] {
        if let (None, Some(one)) = (&receiver, options.get(key)) {
            return Err(one.error("takes --syslog-to URL as well"));
        }
    }
    let is_udp = receiver.as_ref().is_some_and(|receiver| receiver.transport == Transport::Udp);
    if let (true, Some(framing)) = (is_udp, options.get(Key::SyslogFraming)) {
        return Err(framing.error("is for tcp://; over udp:// each datagram is one message"));
    }
    let format = single(options, Key::SyslogFormat, str::parse)?.unwrap_or_default();
    let framing = single(options, Key::SyslogFraming, str::parse)?.unwrap_or_default();
    Ok((receiver, format, framing))
}

fn store(options: &Options) -> Result<Store, UsageError> {
    let directory = path(options, Key::Dir);
    for key in [Key::SnapshotInterval, Key::FlashBudget] {
        if let (None, Some(one)) = (&directory, options.get(key)) {
            return Err(one.error("takes --dir DIR as well"));
        }
    }
    Ok(Store {
        directory,
        interval: single(options, Key::SnapshotInterval, values::interval)?.unwrap_or(INTERVAL_DEFAULT),
        flash_budget: single(options, Key::FlashBudget, values::flash_budget)?,
        import: path(options, Key::Import),
        export: path(options, Key::Export),
        daylog: path(options, Key::Daylog),
    })
}

fn evidence(options: &Options) -> Result<Option<Evidence>, UsageError> {
    let directory = path(options, Key::Evidence);
    for key in [Key::EvidenceBytes, Key::EvidenceAge] {
        if let (None, Some(one)) = (&directory, options.get(key)) {
            return Err(one.error("takes --evidence DIR as well"));
        }
    }
    if let (Some(one), true) = (options.get(Key::Evidence), directory == path(options, Key::Dir)) {
        return Err(one.error("takes another directory than --dir"));
    }
    let bytes = single(options, Key::EvidenceBytes, values::evidence_bytes)?;
    let age = single(options, Key::EvidenceAge, values::interval)?;
    let limits = Limits {
        bytes: bytes.unwrap_or(limits::EVIDENCE_BYTES_DEFAULT),
        age: age.unwrap_or(limits::EVIDENCE_AGE_DEFAULT),
    };
    Ok(directory.map(|directory| Evidence { directory, limits }))
}

fn process(options: &Options) -> Result<Process, UsageError> {
    if let (Some(detach), true) = (options.get(Key::Detach), options.has(Key::Hexdump)) {
        return Err(detach.error("excludes --hexdump; take one of the two"));
    }
    Ok(Process {
        detach: options.has(Key::Detach),
        user: options.get(Key::User).map(|one| one.value.clone()),
        chroot: path(options, Key::Chroot),
        pidfile: path(options, Key::Pidfile),
    })
}

fn remarks(options: &Options) -> Vec<String> {
    let ours = "has no effect here: a full table evicts row by row and keeps the busiest";
    [
        (Key::HostsKeep, ours),
        (Key::PortsKeep, ours),
        (Key::Spy, "has no effect here: web requests are not logged"),
    ]
    .into_iter()
    .filter_map(|(key, why)| options.get(key).map(|one| format!("{one} {why}")))
    .collect()
}

fn nothing_to_capture(default_interface: Option<&str>) -> UsageError {
    let example = default_interface.unwrap_or("br-lan");
    UsageError(format!(
        "nothing to capture: name an interface, such as -i {}, or a capture file with -r FILE",
        printable(example)
    ))
}

fn path(options: &Options, key: Key) -> Option<PathBuf> {
    options.get(key).map(|one| PathBuf::from(&one.value))
}

fn single<T, E: Display>(
    options: &Options,
    key: Key,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, UsageError> {
    options.get(key).map(|one| parse(&one.value).map_err(|error| one.error(error))).transpose()
}

/// All values of a repeatable option, none of them the `same` as another.
fn list<T, E: Display>(
    options: &Options,
    key: Key,
    most: usize,
    parse: impl Fn(&str) -> Result<T, E>,
    same: impl Fn(&T, &T) -> bool,
) -> Result<Vec<T>, UsageError> {
    let mut values = Vec::new();
    for one in options.all(key) {
        let value = parse(&one.value).map_err(|error| one.error(error))?;
        if values.iter().any(|earlier| same(earlier, &value)) {
            return Err(one.error("is there twice; once is enough"));
        }
        if values.len() == most {
            return Err(one.error(format_args!("is one too many; takes up to {most}")));
        }
        values.push(value);
    }
    Ok(values)
}

fn number<T: FromStr + PartialOrd + Display>(
    options: &Options,
    key: Key,
    range: RangeInclusive<T>,
) -> Result<Option<T>, UsageError> {
    single(options, key, |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("takes a number from {} to {}", range.start(), range.end())),
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::daemon::options::parse_config_file;

    fn options(arguments: &[&str]) -> Result<Options, UsageError> {
        Options::from_arguments(arguments.iter().map(OsString::from))
    }

    fn config(arguments: &[&str]) -> Result<Config, String> {
        options(arguments).and_then(|options| Config::new(&options, None)).map_err(|error| error.0)
    }

    fn with_file(arguments: &[&str], text: &str) -> Result<Config, String> {
        let file = parse_config_file("duskwatch.conf", text).map_err(|error| error.0)?;
        let options = options(arguments).map_err(|error| error.0)?.or(file);
        Config::new(&options, None).map_err(|error| error.0)
    }

    fn interfaces(config: &Config) -> Vec<&str> {
        match &config.source {
            Source::Live(interfaces) => interfaces.iter().map(|interface| interface.name.as_str()).collect(),
            Source::Read { .. } => Vec::new(),
        }
    }

    #[test]
    fn defaults() {
        let config = config(&["-i", "eth0"]).unwrap();
        assert_eq!(config.source, Source::Live(vec![Interface { name: "eth0".into(), role: None }]));
        assert_eq!(config.networks, []);
        assert_eq!(config.web.listen, ["127.0.0.1:667".parse().unwrap(), "[::1]:667".parse().unwrap()]);
        assert!(!config.web.listen_chosen);
        assert!(
            config.capture.promiscuous
                && config.names.dns
                && config.web.show_macs
                && config.web.show_last_seen
        );
        assert_eq!(config.capture.wait, Wait::No);
        assert_eq!(config.store.interval, 3600);
        assert_eq!(config.store.flash_budget, None);
        assert_eq!(config.tables, Tables { hosts: 1024, ports: 8192, highest_port: 65_535, devices: 128 });
        assert_eq!(config.remarks, Vec::<String>::new());
    }

    #[test]
    fn darkstat_3_command_lines_work() {
        let line = "-i eth0 --snaplen 128 --pppoe --syslog --verbose --no-daemon --no-promisc --no-dns --no-macs \
                    --no-lastseen -p 80 -b 192.168.0.1 --base stats -l 192.168.0.0/255.255.255.0 --local-only \
                    --chroot /var/lib/empty --user nobody --daylog day.log --import d.db --export d.db \
                    --pidfile d.pid --hosts-max 2000 --hosts-keep 500 --ports-max 60 --ports-keep 30 \
                    --highest-port 1024 --wait 0";
        let mut arguments: Vec<&str> = line.split_whitespace().collect();
        arguments.extend(["-f", "not (src net 192.168.0 and dst net 192.168.0)"]);
        let config = config(&arguments).unwrap();
        assert_eq!(config.capture.snaplen, 128);
        assert_eq!(config.capture.filter.as_deref(), Some("not (src net 192.168.0 and dst net 192.168.0)"));
        assert_eq!(config.capture.wait, Wait::Forever);
        assert!(!config.capture.promiscuous && !config.names.dns);
        assert!(!config.web.show_macs && !config.web.show_last_seen && config.web.local_only);
        assert_eq!(config.web.listen, ["192.168.0.1:80".parse().unwrap()]);
        assert_eq!(config.web.base, "/stats");
        assert_eq!(config.networks, ["192.168.0.0/24".parse().unwrap()]);
        assert_eq!(config.process.user.as_deref(), Some("nobody"));
        assert_eq!(config.process.pidfile, Some("d.pid".into()));
        assert_eq!(config.store.daylog, Some("day.log".into()));
        assert_eq!(config.tables, Tables { hosts: 2000, ports: 60, highest_port: 1024, devices: 128 });
        assert_eq!(config.log, Log { syslog: true, verbose: true, waits: false });
        assert_eq!(config.remarks.len(), 2, "{:?}", config.remarks);
    }

    #[test]
    fn darkstat_2_command_lines_work() {
        let config = config(&[
            "-i",
            "ppp0",
            "-p",
            "666",
            "-b",
            "10.0.0.1",
            "-d",
            "/var/db",
            "-l",
            "10.0.0.0/8",
            "-v",
            "-n",
            "-P",
            "-e",
            "port not 22",
            "--spy",
            "eth0",
            "--detach",
        ])
        .unwrap();
        assert_eq!(config.store.directory, Some("/var/db".into()));
        assert_eq!(config.capture.filter.as_deref(), Some("port not 22"));
        assert!(config.process.detach && config.log.syslog && config.log.verbose);
        assert!(!config.names.dns && !config.capture.promiscuous);
        assert_eq!(config.remarks.len(), 1);
    }

    #[test]
    fn repeatable_options_keep_their_order() {
        let config = config(&[
            "-i",
            "br-lan=lan",
            "--interface=wan=wan",
            "-l10.0.0.0/8",
            "-l",
            "fd00::/8",
            "-b",
            "::1",
            "-b",
            "0.0.0.0",
            "--dark",
            "192.168.9.0/24",
            "--host-name",
            "Router.lan",
            "--syslog-to",
            "tcp://logs:601",
            "--syslog-format",
            "ecs",
            "--syslog-framing",
            "octets",
            "--ipfix-to",
            "udp://flows",
            "--leases",
            "/tmp/leases.home",
            "--leases",
            "/tmp/leases.guest",
            "--hosts-file",
            "/etc/names",
            "--name",
            "02:00:00:00:00:05=Anna's = laptop",
            "--ethers",
            "/etc/more-ethers",
        ])
        .unwrap();
        assert_eq!(interfaces(&config), ["br-lan", "wan"]);
        assert_eq!(config.networks, ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        assert_eq!(config.web.listen, ["[::1]:667".parse().unwrap(), "0.0.0.0:667".parse().unwrap()]);
        assert_eq!(config.web.host_names, ["router.lan"]);
        assert_eq!(config.dark, ["192.168.9.0/24".parse().unwrap()]);
        let target = Receiver { transport: Transport::Tcp, host: "logs".into(), port: 601 };
        assert_eq!(config.syslog_to, Some(target));
        assert_eq!((config.syslog_format, config.syslog_framing), (Format::Ecs, Framing::Octets));
        let collector = Receiver { transport: Transport::Udp, host: "flows".into(), port: 4739 };
        assert_eq!(config.ipfix_to, Some(collector));
        assert_eq!(config.names.leases, ["/tmp/leases.home", "/tmp/leases.guest"].map(PathBuf::from));
        assert_eq!(config.names.hosts, ["/etc/names"].map(PathBuf::from));
        assert_eq!(config.names.ethers, ["/etc/more-ethers"].map(PathBuf::from));
        let name = Name::try_from("Anna's = laptop").unwrap();
        assert_eq!(config.names.own, [(Mac([2, 0, 0, 0, 0, 5]), name)]);
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let text = "interface eth1\nport = 80\nlocal 10.0.0.0/8\nlocal 172.16.0.0/12\nno-dns\n";
        let config = with_file(&["-i", "eth0", "-p", "90"], text).unwrap();
        assert_eq!(interfaces(&config), ["eth0"]);
        assert_eq!(config.web.listen.first().map(SocketAddr::port), Some(90));
        assert_eq!(config.networks.len(), 2);
        assert!(!config.names.dns);
        let config = with_file(&["-l", "192.168.0.0/16"], text).unwrap();
        assert_eq!(interfaces(&config), ["eth1"]);
        assert_eq!(config.web.listen.first().map(SocketAddr::port), Some(80));
        assert_eq!(config.networks, ["192.168.0.0/16".parse().unwrap()]);
        let text = format!("{text}dark-confirm\n");
        assert!(with_file(&[], &text).unwrap().confirm);
        let config = with_file(&["-r", "trace.pcap", "--json"], &text).unwrap();
        assert!(!config.confirm, "nobody is there to be asked");
        assert_eq!(config.source, Source::Read { file: "trace.pcap".into(), output: Output::Json });
    }

    #[test]
    fn what_to_do_with_a_file() {
        let output = |arguments: &[&str]| config(arguments).map(|config| config.source);
        let read = |output| Ok(Source::Read { file: "t".into(), output });
        assert_eq!(output(&["-r", "t"]), read(Output::Summary));
        assert_eq!(output(&["-r", "t", "--json"]), read(Output::Json));
        assert_eq!(output(&["--read=t", "--serve"]), read(Output::Serve));
    }

    #[test]
    fn each_error_names_the_option_and_what_it_takes() {
        for (arguments, message) in [
            (
                &[][..],
                "nothing to capture: name an interface, such as -i br-lan, or a capture file with -r FILE",
            ),
            (&["-i", "a", "-p", "70000"], "--port 70000: takes a number from 0 to 65535"),
            (&["-i", "a", "-p"], "--port: takes a value, PORT"),
            (&["-i", "a", "-p", ""], "--port: takes a value that is not empty"),
            (&["-i", "a", "--nope"], "--nope: unknown option; see duskwatch --help"),
            (&["-i", "a", "-z"], "-z: unknown option; see duskwatch --help"),
            (&["eth0"], "eth0: no option before it; see duskwatch --help"),
            (&["-n=1"], "--no-dns: takes no value"),
            (&["-i", "a", "-i", "a=lan"], "--interface a=lan: is there twice; once is enough"),
            (&["-i", "a", "-r", "t"], "--interface a: excludes --read; take one of the two"),
            (&["-i", "a", "--json"], "--json: takes --read FILE as well"),
            (&["-r", "t", "--json", "--serve"], "--json: excludes --serve; take one of the two"),
            (&["-i", "a", "--flash-budget", "1M"], "--flash-budget 1M: takes --dir DIR as well"),
            (
                &["-i", "a", "--name", "nas=02:00:00:00:00:05"],
                "--name nas=02:00:00:00:00:05: takes a MAC address and a name, such as 02:00:00:00:00:05=nas",
            ),
            (
                &["-i", "a", "--name", "02:00:00:00:00:05="],
                "--name 02:00:00:00:00:05=: takes a name of up to 63 bytes, such as Anna's laptop",
            ),
            (
                &["-i", "a", "--name", "02:00:00:00:00:0a=a", "--name", "02:00:00:00:00:0A=b"],
                "--name 02:00:00:00:00:0A=b: is there twice; once is enough",
            ),
            (
                &["-i", "a", "--quota", "guest=50G"],
                "--quota guest=50G: takes a MAC address, or an interface that is watched, before its =",
            ),
            (
                &["-i", "a", "--quota", "02:00:00:00:00:0a=50G", "--devices-max", "0"],
                "--quota 02:00:00:00:00:0a=50G: excludes --devices-max 0",
            ),
            (
                &["-i", "a", "--quota", "a=50GB"],
                "--quota a=50GB: takes a size from 1K to 100T after its =, such as 500M or 50G",
            ),
            (
                &["-i", "a", "--quota", "50G"],
                "--quota 50G: takes a MAC address or an interface, and a size, such as br-lan=50G",
            ),
            (
                &["-i", "a", "--quota", "a=50G", "--quota", "a=60G"],
                "--quota a=60G: is there twice; once is enough",
            ),
            (&["-i", "a", "--hosts-max", "0"], "--hosts-max 0: takes a number from 1 to 65535"),
            (&["-i", "a", "--devices-max", "1025"], "--devices-max 1025: takes a number from 0 to 1024"),
            (&["-i", "a", "--ports-max", "65536"], "--ports-max 65536: takes a number from 1 to 65535"),
            (&["-i", "a", "--ring-size", "1K"], "--ring-size 1K: takes a size from 64K to 256M"),
            (&["-i", "a", "--notice", "a\nb"], "--notice a\\nb: takes a line of up to 400 bytes"),
            (&["-i", "a", "--detach", "--hexdump"], "--detach: excludes --hexdump; take one of the two"),
            (
                &["-i", "a", "--syslog-to", "ftp://x"],
                "--syslog-to ftp://x: takes udp://HOST:PORT or tcp://HOST:PORT",
            ),
            (&["-i", "a", "--ipfix-to", "tcp://x"], "--ipfix-to tcp://x: takes udp://HOST:PORT"),
            (
                &["-i", "a", "--syslog-to", "tcp://x", "--syslog-format", "leef"],
                "--syslog-format leef: takes rfc5424, rfc3164, cef or ecs",
            ),
            (
                &["-i", "a", "--syslog-to", "tcp://x", "--syslog-framing", "none"],
                "--syslog-framing none: takes newline or octets",
            ),
            (
                &["-i", "a", "--syslog-to", "udp://x", "--syslog-framing", "octets"],
                "--syslog-framing octets: is for tcp://; over udp:// each datagram is one message",
            ),
            (
                &["-i", "a", "--dark-confirm", "--no-darknet"],
                "--dark-confirm: excludes --no-darknet; take one of the two",
            ),
            (&["-i", "a", "--syslog-format", "cef"], "--syslog-format cef: takes --syslog-to URL as well"),
            (
                &["-i", "a\u{1b}[31m"],
                "--interface a\\u{1b}[31m: takes the name of an interface, such as br-lan, or IF=lan or IF=wan",
            ),
        ] {
            assert_eq!(config(arguments).unwrap_err(), message);
        }
        assert!(
            config(&["-i", "a", "-l", "10.0.0.0/33"])
                .unwrap_err()
                .starts_with("--local 10.0.0.0/33: takes a prefix")
        );
        let twice = config(&["-i", "a", "--leases", "l", "--leases", "l"]);
        assert_eq!(twice.unwrap_err(), "--leases l: is there twice; once is enough");
        let many: Vec<String> = (0..17).map(|n| format!("--hosts-file=h{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).chain(["-i", "a"]).collect();
        assert_eq!(config(&many).unwrap_err(), "--hosts-file h16: is one too many; takes up to 16");
        let nine: Vec<String> = (0..9).flat_map(|n| ["-i".into(), format!("eth{n}")]).collect();
        let nine: Vec<&str> = nine.iter().map(String::as_str).collect();
        assert_eq!(config(&nine).unwrap_err(), "--interface eth8: is one too many; takes up to 8");
        assert_eq!(
            with_file(&[], "interface eth0\n\nport 99999 # too much\n").unwrap_err(),
            "duskwatch.conf:3: port 99999: takes a number from 0 to 65535"
        );
    }
}

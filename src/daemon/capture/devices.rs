//! Which devices an interface of ours is made of.
//!
//! Under software flow offloading a device goes blind when the flow table lists a device below it, so
//! the frames are read at the lowest device that carries all of them: a bridge at its ports, a VLAN or
//! PPPoE interface at the device under it, with a kernel filter for just its own frames.
//!
//! The kernel does not say everything: /proc/net/pppoe names the device of a PPPoE session but not
//! which PPP device it feeds, so with two sessions a PPP device is read as it stands. So is a bridge
//! port that is itself a VLAN, because a capture on several devices cannot select by VLAN.
//!
//! Reading a bridge at its ports takes a socket on every device there is. Where that is dangerous, as on
//! routers whose drivers do not bear it beside hardware offloading, an interface is read as it stands.

use std::fs;
use std::path::{Path, PathBuf};

use crate::daemon::system;
use crate::limits::{CAPTURE_DEVICES_MAX, DEVICE_LAYERS_MAX};
use crate::packet::Mac;

/// ARPHRD_ETHER of <linux/if_arp.h>, the device type of Ethernet and Wi-Fi.
const TYPE_ETHERNET: u32 = 1;
/// ARPHRD_LOOPBACK of the same file.
const TYPE_LOOPBACK: u32 = 772;

/// Where the kernel describes its devices. Tests put a directory of their own in its place.
#[derive(Clone, Debug)]
pub struct System {
    /// /sys/class/net
    pub class_net: PathBuf,
    /// /proc/self/net, which is there even where /proc has nothing but processes
    pub proc_net: PathBuf,
    /// The number of a VLAN device and the name of the one below it, `None` for others.
    pub vlan: fn(&str) -> Option<(u16, String)>,
}

impl Default for System {
    fn default() -> Self {
        Self { class_net: "/sys/class/net".into(), proc_net: "/proc/self/net".into(), vlan: system::vlan }
    }
}

/// One network device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name, such as `lan1`.
    pub name: String,
    /// Its number, which changes when it is made anew.
    pub index: u32,
    /// Its link-layer address; zero if it has none.
    pub mac: Mac,
    /// The largest IP packet it sends, in bytes.
    pub mtu: u32,
    /// False while it is administratively down, when it can be neither opened nor heard.
    pub up: bool,
    /// What it does with a frame.
    pub kind: DeviceKind,
}

/// What a device does with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// It puts an Ethernet header before it: Ethernet and Wi-Fi.
    Ethernet,
    /// It receives what it sends. The kernel counts the frame both ways, without its header.
    Loopback,
    /// It is a tunnel, a PPP session and the like.
    Other,
}

/// What a lower device wraps the frames of an upper one in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// An IEEE 802.1Q tag with this VLAN's number.
    Vlan(u16),
    /// A PPPoE session (RFC 2516).
    Pppoe,
}

/// The devices behind one interface of ours, as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSet {
    /// The interface itself.
    pub interface: Device,
    /// True if the interface is a bridge that is read at its ports.
    pub bridge: bool,
    /// Where the frames are read: the ports of a bridge (perhaps none), or exactly one device.
    pub devices: Vec<Device>,
    /// Whose counters say how much passed: those devices, or the interface if its frames are picked out of
    /// those of a lower one, or the ports of a bridge that is read as it stands.
    pub counted: Vec<Device>,
    /// Ports of the bridge beyond [`CAPTURE_DEVICES_MAX`], which are not read.
    pub left_out: usize,
    /// How the interface's frames are wrapped there, outermost first; empty if all frames are its own.
    pub inside: Vec<Wrapping>,
    /// The link-layer addresses under which the router itself sends here.
    pub own_macs: Vec<Mac>,
}

impl System {
    /// The devices behind `interface`, or `None` while it does not exist or has nothing to read from. With
    /// `named_only` no other device than the interface itself is read.
    pub fn resolve(&self, interface: &str, named_only: bool) -> Option<DeviceSet> {
        let upper = self.device(interface)?;
        let mut own_macs = vec![upper.mac];
        let (lowest, inside) =
            if named_only { (interface.to_owned(), Vec::new()) } else { self.descend(interface) };
        let has_ports = inside.is_empty() && self.path(interface, "bridge").is_dir();
        let bridge = has_ports && !named_only;
        let mut ports = if has_ports { self.ports(interface) } else { Vec::new() };
        let left_out = ports.len().saturating_sub(CAPTURE_DEVICES_MAX);
        ports.truncate(CAPTURE_DEVICES_MAX);
        let devices = if bridge { ports.clone() } else { vec![self.device(&lowest)?] };
        let counted = match (has_ports, inside.is_empty()) {
            (true, _) => ports,
            (false, true) => devices.clone(),
            (false, false) => vec![upper.clone()],
        };
        own_macs.extend(devices.iter().map(|device| device.mac));
        own_macs.extend(self.uppers(interface).iter().take(CAPTURE_DEVICES_MAX).map(|device| device.mac));
        own_macs.retain(|mac| mac.is_station());
        own_macs.sort_unstable();
        own_macs.dedup();
        Some(DeviceSet { interface: upper, bridge, devices, counted, left_out, inside, own_macs })
    }

    /// One device, or `None` if there is none of that name.
    pub fn device(&self, name: &str) -> Option<Device> {
        let number = |file: &str| self.attribute(name, file)?.parse::<u32>().ok();
        let flags = self.attribute(name, "flags")?;
        let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16).ok()?;
        let kind = match number("type")? {
            TYPE_ETHERNET => DeviceKind::Ethernet,
            TYPE_LOOPBACK => DeviceKind::Loopback,
            _ => DeviceKind::Other,
        };
        Some(Device {
            name: name.to_owned(),
            index: number("ifindex")?,
            mac: self.attribute(name, "address").and_then(|text| Mac::parse(&text)).unwrap_or_default(),
            mtu: number("mtu").unwrap_or(1500),
            up: flags & libc::IFF_UP as u32 != 0,
            kind,
        })
    }

    /// The received and sent packets and bytes that the kernel has counted on a device: received
    /// packets, received bytes, sent packets, sent bytes.
    pub fn statistics(&self, name: &str) -> Option<[u64; 4]> {
        let number = |file| self.attribute(name, file)?.parse().ok();
        Some([
            number("statistics/rx_packets")?,
            number("statistics/rx_bytes")?,
            number("statistics/tx_packets")?,
            number("statistics/tx_bytes")?,
        ])
    }

    /// The device at the bottom of a stack of VLAN and PPPoE devices, and how the frames of the top one
    /// are wrapped there.
    fn descend(&self, interface: &str) -> (String, Vec<Wrapping>) {
        let mut name = interface.to_owned();
        let mut inside = Vec::new();
        while inside.len() < DEVICE_LAYERS_MAX {
            let Some((wrapping, below)) = self.pppoe_below(&name).or_else(|| self.vlan_below(&name)) else {
                break;
            };
            inside.insert(0, wrapping);
            name = below;
        }
        (name, inside)
    }

    /// The device under a PPPoE interface, if there is just one session.
    fn pppoe_below(&self, name: &str) -> Option<(Wrapping, String)> {
        let event = self.attribute(name, "uevent")?;
        if !event.lines().any(|line| line == "DEVTYPE=ppp") {
            return None;
        }
        let sessions = fs::read_to_string(self.proc_net.join("pppoe")).ok()?;
        let mut sessions = sessions.lines().skip(1);
        let device = sessions.next()?.split_whitespace().nth(2)?.to_owned();
        (sessions.next().is_none() && self.device(&device).is_some()).then_some((Wrapping::Pppoe, device))
    }

    /// The device under a VLAN device.
    fn vlan_below(&self, name: &str) -> Option<(Wrapping, String)> {
        let (id, below) = (self.vlan)(name)?;
        self.device(&below).is_some().then_some((Wrapping::Vlan(id), below))
    }

    fn ports(&self, bridge: &str) -> Vec<Device> {
        let mut ports: Vec<_> =
            self.entries(bridge, "brif").iter().filter_map(|name| self.device(name)).collect();
        ports.sort_unstable_by_key(|port| port.index);
        ports
    }

    /// The devices on top of one, such as a macvlan, which send under addresses of their own.
    fn uppers(&self, name: &str) -> Vec<Device> {
        let entries = self.entries(name, "");
        entries.iter().filter_map(|entry| self.device(entry.strip_prefix("upper_")?)).collect()
    }

    fn entries(&self, name: &str, directory: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(name, directory)) else { return Vec::new() };
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }

    fn attribute(&self, name: &str, file: &str) -> Option<String> {
        Some(fs::read_to_string(self.path(name, file)).ok()?.trim().to_owned())
    }

    fn path(&self, name: &str, file: &str) -> PathBuf {
        self.class_net.join(name).join(file)
    }
}

/// True if a text can be a device's name: what the kernel's `dev_valid_name` takes, so that a name
/// from the command line never walks through the file system.
pub fn is_device_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() < libc::IFNAMSIZ
        && !matches!(name, "." | "..")
        && !name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace())
        && Path::new(name).is_relative()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A directory that looks like /sys/class/net and /proc/net, removed when dropped.
    pub(crate) struct Tree(PathBuf);

    impl Tree {
        pub(crate) fn new(test: &str) -> Self {
            let root = std::env::temp_dir().join(format!("duskwatch-{test}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&root);
            fs::create_dir_all(root.join("proc")).unwrap();
            Self(root)
        }

        pub(crate) fn device(&self, name: &str, index: u8, extra: &[(&str, &str)]) -> &Self {
            let directory = self.0.join("sys").join(name);
            fs::create_dir_all(&directory).unwrap();
            let plain = [
                ("ifindex", format!("{index}\n")),
                ("address", format!("02:00:00:00:00:{index:02x}\n")),
                ("mtu", "1500\n".to_owned()),
                ("flags", "0x1003\n".to_owned()),
                ("type", "1\n".to_owned()),
                ("uevent", "INTERFACE=x\n".to_owned()),
            ];
            for (file, text) in plain {
                fs::write(directory.join(file), text).unwrap();
            }
            for (file, text) in extra {
                fs::create_dir_all(directory.join(file).parent().unwrap()).unwrap();
                fs::write(directory.join(file), text).unwrap();
            }
            self
        }

        fn proc(&self, file: &str, text: &str) -> &Self {
            fs::write(self.0.join("proc").join(file), text).unwrap();
            self
        }

        pub(crate) fn system(&self) -> System {
            System { class_net: self.0.join("sys"), proc_net: self.0.join("proc"), vlan }
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn names(set: &DeviceSet) -> Vec<&str> {
        set.devices.iter().map(|device| device.name.as_str()).collect()
    }

    /// What the kernel would say of VLAN devices.
    fn vlan(name: &str) -> Option<(u16, String)> {
        let (id, below) = match name {
            "eth1.7" => (7, "eth1"),
            "a" => (1, "b"),
            "b" => (2, "a"),
            "c" => (3, "gone"),
            _ => return None,
        };
        Some((id, below.to_owned()))
    }

    #[test]
    fn a_bridge_is_its_ports() {
        let tree = Tree::new("bridge");
        tree.device("br-lan", 9, &[("bridge/stp_state", "0"), ("brif/lan2", ""), ("brif/lan1", "")]);
        tree.device("lan1", 3, &[]).device("lan2", 4, &[]).device("guest", 12, &[]);
        fs::create_dir(tree.0.join("sys/br-lan/upper_guest")).unwrap();
        let set = tree.system().resolve("br-lan", false).unwrap();
        assert!(set.bridge);
        assert_eq!(names(&set), ["lan1", "lan2"]);
        assert_eq!(set.inside, []);
        let macs: Vec<u8> = set.own_macs.iter().map(|mac| mac.0[5]).collect();
        assert_eq!(macs, [3, 4, 9, 12], "the bridge's, its ports' and those of the devices on top of it");
    }

    #[test]
    fn with_named_only_an_interface_is_read_as_it_stands() {
        let tree = Tree::new("named-only");
        tree.device("br-lan", 9, &[("bridge/stp_state", "0"), ("brif/lan1", "")]).device("lan1", 3, &[]);
        tree.device("eth1", 2, &[]).device("eth1.7", 5, &[]);
        let set = tree.system().resolve("br-lan", true).unwrap();
        assert_eq!((set.bridge, names(&set)), (false, vec!["br-lan"]));
        assert_eq!(set.counted[0].name, "lan1", "what passes the bridge by counts as missed");
        let set = tree.system().resolve("eth1.7", true).unwrap();
        assert_eq!((names(&set), set.inside.len(), set.counted.len()), (vec!["eth1.7"], 0, 1));
    }

    #[test]
    fn pppoe_on_a_vlan_is_the_device_at_the_bottom() {
        let tree = Tree::new("pppoe");
        tree.device("eth1", 2, &[]).device("eth1.7", 5, &[]);
        tree.device("pppoe-wan", 8, &[("uevent", "DEVTYPE=ppp\n"), ("type", "512\n"), ("address", "\n")]);
        let pppoe = "Id       Address              Device\n0000C5A1 00:11:22:33:44:55 eth1.7\n";
        tree.proc("pppoe", pppoe);
        let set = tree.system().resolve("pppoe-wan", false).unwrap();
        assert_eq!(names(&set), ["eth1"]);
        assert_eq!(set.inside, [Wrapping::Vlan(7), Wrapping::Pppoe]);
        assert!(set.interface.kind == DeviceKind::Other && set.interface.mac == Mac::ZERO);

        let two = format!("{pppoe}0000C5A2 00:11:22:33:44:55 eth1\n");
        let set = tree.proc("pppoe", &two).system().resolve("pppoe-wan", false).unwrap();
        assert_eq!((names(&set), set.inside.len()), (vec!["pppoe-wan"], 0), "two sessions: cannot tell");
    }

    #[test]
    fn vlans_that_lie_or_loop_do_no_harm() {
        let tree = Tree::new("loop");
        tree.device("a", 1, &[]).device("b", 2, &[]).device("c", 3, &[]);
        for name in ["a", "c"] {
            let set = tree.system().resolve(name, false).unwrap();
            assert_eq!(set.devices.len(), 1, "{name}");
        }
        assert_eq!(tree.system().resolve("missing", false), None);
    }

    #[test]
    fn names_are_those_the_kernel_takes() {
        for good in ["br-lan", "eth0.7", "wlan0", "a@b"] {
            assert!(is_device_name(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a b", "a:1", "sixteen-letters-"] {
            assert!(!is_device_name(bad), "{bad}");
        }
    }
}

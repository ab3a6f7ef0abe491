//! The addresses of the machine's devices, and what they make local.

use std::net::IpAddr;

use crate::network::{Networks, Prefix, Role};

/// An address of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAddress {
    /// The device's name.
    pub device: String,
    /// The address itself.
    pub address: IpAddr,
    /// Its netmask, if it has one.
    pub netmask: Option<IpAddr>,
}

/// The local networks of an interface: behind a LAN interface everything it is connected to, on a WAN
/// interface the router's own addresses alone, since the neighbours there are strangers.
pub fn networks(interface: &str, role: Role, addresses: &[DeviceAddress]) -> Networks {
    let mut networks = Networks::new();
    for DeviceAddress { address, netmask, .. } in addresses.iter().filter(|one| one.device == interface) {
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let length = match (role, netmask) {
            (Role::Lan, Some(IpAddr::V4(mask))) => mask.to_bits().leading_ones() as u8,
            (Role::Lan, Some(IpAddr::V6(mask))) => mask.to_bits().leading_ones() as u8,
            _ => whole,
        };
        let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        if let Some(prefix) = Prefix::new(*address, length.min(whole)).filter(|_| !link_local)
            && !networks.add(prefix)
        {
            log::warn!("{interface}: more local networks than fit, {prefix} is left out");
        }
    }
    networks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_choose_the_networks() {
        let address = |device: &str, address: &str, netmask: &str| DeviceAddress {
            device: device.to_owned(),
            address: address.parse().unwrap(),
            netmask: Some(netmask.parse().unwrap()),
        };
        let all = [
            address("lan", "192.168.1.1", "255.255.255.0"),
            address("lan", "fe80::1", "ffff:ffff:ffff:ffff::"),
            address("lan", "2001:db8::1", "ffff:ffff:ffff:ffff::"),
            address("other", "10.0.0.1", "255.0.0.0"),
        ];
        let text =
            |role| networks("lan", role, &all).prefixes().iter().map(Prefix::to_string).collect::<Vec<_>>();
        assert_eq!(text(Role::Lan), ["192.168.1.0/24", "2001:db8::/64"]);
        assert_eq!(text(Role::Wan), ["192.168.1.1/32", "2001:db8::1/128"]);
    }
}

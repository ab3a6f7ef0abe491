//! A rule's header: `ACTION PROTOCOL ADDRESSES PORTS -> ADDRESSES PORTS`.

use super::{Refused, split};
use crate::darknet::rules::{Action, End, List, Net, Protocol, Rule};
use crate::limits::RULE_ITEMS_MAX;

const ADDRESSES: &str =
    "takes any, a network, $HOME_NET, $EXTERNAL_NET, or a list such as [10.0.0.0/8,!10.1.0.0/16]";
const PORTS: &str = "takes any, a port, a range such as 1024:, or a list such as [22,23,!2000:2100]";

/// Lists in lists.
const DEPTH_MAX: usize = 4;

/// Reads a header; the rule has no options yet.
pub(super) fn parse(header: &str) -> Result<Rule, Refused<'_>> {
    let words = split(header, char::is_whitespace);
    let &[action, protocol, from, from_ports, direction, to, to_ports] = words.as_slice() else {
        return Err((header.trim_ascii(), "takes ACTION PROTOCOL ADDRESS PORT -> ADDRESS PORT (OPTIONS)"));
    };
    let action = match action {
        "alert" => Action::Alert,
        "log" => Action::Log,
        "pass" => Action::Pass,
        _ => return Err((action, "is no action; takes alert, log or pass")),
    };
    let protocol = match protocol {
        "ip" => Protocol::Ip,
        "icmp" => Protocol::Icmp,
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return Err((protocol, "is no protocol; takes ip, icmp, tcp or udp")),
    };
    let both_ways = match direction {
        "->" => false,
        "<>" => true,
        _ => return Err((direction, "is no direction; takes -> or <>")),
    };
    let end = |addresses, ports| {
        if matches!(protocol, Protocol::Ip | Protocol::Icmp) && ports != "any" {
            return Err((ports, "takes any, as neither ip nor icmp has ports"));
        }
        Ok(End {
            addresses: list(addresses, address).ok_or((addresses, ADDRESSES))?,
            ports: list(ports, port_range).ok_or((ports, PORTS))?,
        })
    };
    Ok(Rule {
        action,
        name: String::new(),
        sid: 0,
        protocol,
        source: end(from, from_ports)?,
        destination: end(to, to_ports)?,
        both_ways,
        tests: Vec::new(),
        threshold: None,
    })
}

/// A network, and whether it is all but this one.
fn address(text: &str) -> Option<(bool, Net)> {
    match text {
        "$HOME_NET" => Some((false, Net::Home)),
        "$EXTERNAL_NET" => Some((true, Net::Home)),
        text => text.parse().ok().map(|prefix| (false, Net::Prefix(prefix))),
    }
}

/// `80`, `1:1023`, `:1023` or `1024:`.
fn port_range(text: &str) -> Option<(bool, (u16, u16))> {
    let port = |text: &str, open| if text.is_empty() { Some(open) } else { text.parse().ok() };
    let (first, last) = match text.split_once(':') {
        Some((first, last)) => (port(first, 0)?, port(last, u16::MAX)?),
        None => (text.parse().ok()?, text.parse().ok()?),
    };
    (first <= last).then_some((false, (first, last)))
}

/// `any`, an item, or a list of items and lists, each of which may be negated.
fn list<T>(text: &str, item: fn(&str) -> Option<(bool, T)>) -> Option<List<T>> {
    let mut items = Vec::new();
    if text != "any" {
        add(text, false, 0, &mut |text, is_negated| {
            let (is_all_but, value) = item(text)?;
            items.push((is_negated != is_all_but, value));
            (items.len() <= RULE_ITEMS_MAX).then_some(())
        })?;
    }
    Some(List(items))
}

/// Hands over the items of a text. What is negated twice would need more than a list with exceptions.
fn add(
    text: &str,
    is_negated: bool,
    depth: usize,
    take: &mut dyn FnMut(&str, bool) -> Option<()>,
) -> Option<()> {
    let (is_negated, text) = match text.strip_prefix('!') {
        Some(_) if is_negated => return None,
        Some(text) => (true, text.trim_ascii_start()),
        None => (is_negated, text),
    };
    let Some(list) = text.strip_prefix('[') else { return take(text, is_negated) };
    let list = list.strip_suffix(']').filter(|_| depth < DEPTH_MAX)?;
    let items = split(list, |character| character == ',');
    items.into_iter().try_for_each(|text| add(text, is_negated, depth + 1, take))
}

//! Which path shows which view: HTML for people, the same as JSON below `api/v1/`, `metrics`.

use std::net::IpAddr;

use crate::daemon::evidence::export::Format;
use crate::packet::Address;
use crate::view::DeviceKey;
use crate::view::assets::{ASSETS, Asset, CUSTOM_STYLE};

/// Where evidence is, in which format and of which media type.
const EVIDENCE: [(&str, Option<Format>, &str); 4] = [
    ("darknet/evidence.pcapng", None, "application/x-pcapng"),
    ("darknet/export.csv", Some(Format::Csv), "text/csv; charset=utf-8"),
    ("darknet/export.jsonl", Some(Format::JsonLines), "application/jsonl"),
    ("darknet/export.sql", Some(Format::Sql), "application/sql"),
];

/// A view to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Summary,
    Devices,
    Device(DeviceKey),
    Hosts,
    Host(Address),
    Ports,
    Protocols,
    AllPorts,
    AllProtocols,
    Darknet,
    Source(Address),
    About,
}

/// What is behind a path.
#[derive(Clone, Copy)]
pub(super) enum Route {
    Html(View),
    Json(View),
    Metrics,
    Admin,
    Asset(Asset),
    /// The user's style sheet.
    Style,
    /// Packets, in a format if they are not to be as they were captured, and its media type.
    Evidence(Option<Format>, &'static str),
}

impl Route {
    /// The route of a path without the base.
    pub(super) fn of(path: &str) -> Option<Self> {
        if let Some(asset) = ASSETS.into_iter().find(|asset| asset.path == path) {
            return Some(Self::Asset(asset));
        }
        if path == CUSTOM_STYLE {
            return Some(Self::Style);
        }
        if path == "metrics" {
            return Some(Self::Metrics);
        }
        if path == "admin/" || path == "admin" {
            return Some(Self::Admin);
        }
        if path.is_empty() {
            return Some(Self::Html(View::Summary));
        }
        if let Some((_, format, media_type)) = EVIDENCE.into_iter().find(|(known, ..)| *known == path) {
            return Some(Self::Evidence(format, media_type));
        }
        match path.strip_prefix("api/v1/") {
            Some("summary") => Some(Self::Json(View::Summary)),
            Some(path) => View::of(path).map(Self::Json),
            None => View::of(path.strip_suffix('/').unwrap_or(path)).map(Self::Html),
        }
    }
}

impl View {
    /// The same of all interfaces side by side, if there is such a view.
    pub(super) fn of_all(self) -> Self {
        match self {
            Self::Ports => Self::AllPorts,
            Self::Protocols => Self::AllProtocols,
            view => view,
        }
    }

    pub(super) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "devices" => Self::Devices,
            "hosts" => Self::Hosts,
            "ports" => Self::Ports,
            "protocols" => Self::Protocols,
            "darknet" => Self::Darknet,
            "about" => Self::About,
            _ => {
                let (view, address) = path.split_once('/')?;
                if view == "devices" {
                    return DeviceKey::parse(address).map(Self::Device);
                }
                let address = Address::from(address.parse::<IpAddr>().ok()?);
                match view {
                    "hosts" => Self::Host(address),
                    "darknet" => Self::Source(address),
                    _ => return None,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Owner;
    use crate::packet::Mac;

    fn view(path: &str) -> Option<(View, bool)> {
        match Route::of(path)? {
            Route::Html(view) => Some((view, true)),
            Route::Json(view) => Some((view, false)),
            Route::Metrics | Route::Admin | Route::Asset(_) | Route::Style | Route::Evidence(..) => None,
        }
    }

    #[test]
    fn paths_lead_to_views() {
        let address = Address::from(IpAddr::from([192, 168, 1, 5]));
        assert_eq!(view(""), Some((View::Summary, true)));
        assert_eq!(view("hosts/"), Some((View::Hosts, true)));
        assert_eq!(view("hosts"), Some((View::Hosts, true)));
        assert_eq!(view("hosts/192.168.1.5/"), Some((View::Host(address), true)));
        assert_eq!(view("devices/"), Some((View::Devices, true)));
        let device = DeviceKey::Owner(Owner::Device(Mac([2, 0, 0, 0, 0, 1])));
        assert_eq!(view("devices/02:00:00:00:00:01/"), Some((View::Device(device), true)));
        assert_eq!(view("api/v1/devices/fd00::1").map(|(_, html)| html), Some(false));
        assert_eq!(view("api/v1/summary"), Some((View::Summary, false)));
        assert_eq!(view("api/v1/hosts/192.168.1.5"), Some((View::Host(address), false)));
        assert!(matches!(Route::of("darknet/export.sql"), Some(Route::Evidence(Some(Format::Sql), _))));
        assert_eq!(view("darknet/192.168.1.5/"), Some((View::Source(address), true)));
        assert_eq!(view("api/v1/darknet/192.168.1.5"), Some((View::Source(address), false)));
        assert!(matches!(Route::of("metrics"), Some(Route::Metrics)));
        assert!(matches!(Route::of("admin/"), Some(Route::Admin)));
        assert!(matches!(Route::of("assets/style.css"), Some(Route::Asset(_))));
        for path in
            ["nothing", "api/v1/", "hosts/x/", "devices/x/", "hosts/1.2.3.4/5/", "assets/", "../etc/passwd"]
        {
            assert!(Route::of(path).is_none(), "{path}");
        }
    }
}

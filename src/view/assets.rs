//! The files that pages refer to. They change only with the program, so they may be cached.

/// A file that never changes while the program runs.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path below the base.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

/// Where the style sheet of the user's is, if there is one.
pub const CUSTOM_STYLE: &str = "assets/custom.css";

/// All files.
pub const ASSETS: [Asset; 3] = [
    Asset {
        path: "assets/style.css",
        media_type: "text/css; charset=utf-8",
        bytes: include_bytes!("assets/style.css"),
    },
    Asset {
        path: "assets/refresh.js",
        media_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("assets/refresh.js"),
    },
    Asset { path: "favicon.svg", media_type: "image/svg+xml", bytes: include_bytes!("assets/favicon.svg") },
];

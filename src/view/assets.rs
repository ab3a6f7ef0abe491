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
    /// The same as a gzip member (RFC 1952), made by `build.rs`.
    pub compressed: &'static [u8],
}

macro_rules! asset {
    ($path:literal, $file:literal, $media_type:literal) => {
        Asset {
            path: $path,
            media_type: $media_type,
            bytes: include_bytes!(concat!("assets/", $file)),
            compressed: include_bytes!(concat!(env!("OUT_DIR"), "/", $file, ".gz")),
        }
    };
}

/// Where the style sheet of the user's is, if there is one.
pub const CUSTOM_STYLE: &str = "assets/custom.css";

/// All files.
pub const ASSETS: [Asset; 3] = [
    asset!("assets/style.css", "style.css", "text/css; charset=utf-8"),
    asset!("assets/refresh.js", "refresh.js", "text/javascript; charset=utf-8"),
    asset!("favicon.svg", "favicon.svg", "image/svg+xml"),
];

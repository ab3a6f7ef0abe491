//! The files that pages refer to. They change only with the program, so they may be cached.

/// A file that never changes while the program runs.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its path below the base.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes as a gzip member (RFC 1952), made by `build.rs`.
    pub compressed: &'static [u8],
}

macro_rules! asset {
    ($path:literal, $file:literal, $media_type:literal) => {
        Asset {
            path: $path,
            media_type: $media_type,
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

#[cfg(test)]
mod tests {
    /// How light a colour is to the eye (WCAG 2.1, relative luminance).
    fn luminance(colour: &str) -> f64 {
        let digits = colour.trim().strip_prefix('#').unwrap();
        let step = digits.len() / 3;
        let part = |index: usize| {
            let digits = &digits[index * step..][..step];
            let value = u8::from_str_radix(&digits.repeat(2 / step), 16).unwrap();
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(0) + 0.7152 * part(1) + 0.0722 * part(2)
    }

    #[test]
    fn bars_and_fields_stand_out_from_what_is_behind_them() {
        let style = include_str!("assets/style.css");
        let colours = |name: &str| {
            let (_, rest) = style.split_once(&format!("--{name}: light-dark(")).unwrap();
            let (day, night) = rest.split_once(')').unwrap().0.split_once(',').unwrap();
            [day, night].map(luminance)
        };
        for behind in ["page", "card"].map(colours) {
            for before in ["in", "out", "other"] {
                for (one, next) in colours(before).into_iter().zip(behind) {
                    let contrast = (one.max(next) + 0.05) / (one.min(next) + 0.05);
                    assert!(contrast >= 3.0, "{before}: {contrast:.2}");
                }
            }
        }
        let field = style.split_once("input, select, button {").unwrap().1.split_once('}').unwrap().0;
        assert!(field.contains("border: 1px solid var(--other)"), "{field}");
    }
}

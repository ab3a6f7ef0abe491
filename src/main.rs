//! The duskwatch program.

fn main() {}

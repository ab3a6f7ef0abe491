//! Which of our programs serves which of OpenWrt's architectures.

use crate::Error;

const MIPSEL: &str = "mipsel-unknown-linux-musl";
const MIPS: &str = "mips-unknown-linux-musl";
const ARMV7: &str = "armv7-unknown-linux-musleabihf";
const ARM: &str = "arm-unknown-linux-musleabi";
const AARCH64: &str = "aarch64-unknown-linux-musl";
const RISCV64: &str = "riscv64gc-unknown-linux-musl";
const X86_64: &str = "x86_64-unknown-linux-musl";

/// OpenWrt's name of an architecture, and Rust's of the target whose program runs there.
///
/// The programs are static, so only the processor matters: the one for ARM without floating point, built
/// for ARMv6, also serves the ARM1176, whose packages otherwise use its FPU.
pub const ARCHITECTURES: &[(&str, &str)] = &[
    ("aarch64_cortex-a53", AARCH64),
    ("aarch64_cortex-a72", AARCH64),
    ("aarch64_generic", AARCH64),
    ("arm_arm1176jzf-s_vfp", ARM),
    ("arm_cortex-a15_neon-vfpv4", ARMV7),
    ("arm_cortex-a7_neon-vfpv4", ARMV7),
    ("arm_cortex-a9", ARM),
    ("arm_cortex-a9_vfpv3-d16", ARMV7),
    ("mips_24kc", MIPS),
    ("mipsel_24kc", MIPSEL),
    ("mipsel_74kc", MIPSEL),
    ("riscv64_generic", RISCV64),
    ("x86_64", X86_64),
];

/// Rust's name of the target whose program runs on this architecture of OpenWrt.
///
/// # Errors
/// None of our programs does.
pub fn rust_target(architecture: &str) -> Result<&'static str, Error> {
    ARCHITECTURES.iter().find(|(name, _)| *name == architecture).map(|(_, target)| *target).ok_or_else(|| {
        Error::new(format!(
            "no program of ours runs on '{architecture}'; openwrt/README.md lists those that one does"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_have_targets() {
        assert_eq!(rust_target("mipsel_24kc"), Ok(MIPSEL));
        // bcm53xx has no FPU.
        assert_eq!(rust_target("arm_cortex-a9"), Ok(ARM));
        assert_eq!(rust_target("arm_cortex-a9_vfpv3-d16"), Ok(ARMV7));
        assert!(rust_target("mips_mips32").is_err(), "our program for MIPS needs its second release");
        assert!(ARCHITECTURES.is_sorted());
    }
}

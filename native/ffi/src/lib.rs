//! The C ABI of the core.

/// The version of this ABI: major in the upper 16 bits, minor in the lower.
#[unsafe(no_mangle)]
pub extern "C" fn dativo_abi_version() -> u32 {
    1 << 16
}

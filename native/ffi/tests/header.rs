//! `include/dativo.h` is what cbindgen makes of this crate today.
//!
//! `UPDATE_HEADER=1 cargo test -p dativo-ffi --test header` rewrites it.

use std::error::Error;
use std::fs;
use std::path::Path;

const GUARD: &str = "ARROW_C_DATA_INTERFACE";

/// The configuration that maturin uses, plus what its cffi parser would not understand.
fn config(crate_dir: &Path) -> Result<cbindgen::Config, Box<dyn Error>> {
    let mut config = cbindgen::Config::from_file(crate_dir.join("cbindgen.toml"))?;
    let arrow = config.after_includes.take().ok_or("cbindgen.toml declares the Arrow structs")?;
    let (structs, typedefs) = arrow.split_once("typedef").ok_or("structs, then their typedefs")?;
    // The guard of the Arrow specification: a program may include this and another Arrow header.
    config.after_includes = Some(format!("\n#ifndef {GUARD}\n#define {GUARD}\n{structs}#endif\n\ntypedef{typedefs}"));
    config.include_guard = Some("DATIVO_H".to_owned());
    config.cpp_compat = true;
    config.no_includes = true;
    config.sys_includes = vec!["stddef.h".to_owned(), "stdint.h".to_owned()];
    Ok(config)
}

#[test]
fn the_header_is_up_to_date() -> Result<(), Box<dyn Error>> {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checked_in = crate_dir.join("../include/dativo.h");
    let mut generated = Vec::new();
    cbindgen::generate_with_config(crate_dir, config(crate_dir)?)?.write(&mut generated);
    let generated = String::from_utf8(generated)?;
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&checked_in, &generated)?;
    }
    let current = fs::read_to_string(&checked_in)?;
    assert!(current == generated, "include/dativo.h is out of date: run this test with UPDATE_HEADER=1");
    Ok(())
}

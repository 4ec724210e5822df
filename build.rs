//! Tells the linker where the prebuilt DuckDB library lies, so that the binary starts from any
//! directory without environment variables.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    // A new file in an embedded folder must find its way into the binary.
    for folder in [
        "inventory/profiles",
        "inventory/rules",
        "queries",
        "templates",
    ] {
        println!("cargo:rerun-if-changed={folder}");
    }
    if std::env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    // A packaged binary finds the library beside itself; a built one where the set-up script left it.
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN");
    if let Ok(directory) = std::env::var("DUCKDB_LIB_DIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{directory}");
    }
}

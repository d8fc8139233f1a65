//! Write every page with made-up contents into a folder, to look at: `cargo run -p console --features samples
//! --example look -- FOLDER`

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).ok_or("name a folder")?);
    std::fs::create_dir_all(&folder)?;
    for (name, html) in console::samples() {
        std::fs::write(folder.join(format!("{name}.html")), html)?;
    }
    Ok(())
}
